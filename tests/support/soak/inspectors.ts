import { assertEquals } from "@std/assert";
import { createInspector, type InspectTarget } from "@mini/state/inspect";
import type { Life } from "./life.ts";

const PATHS = [
  "",
  "api/overview",
  "api/records?from=1&count=50",
  "api/search?text=9",
  "api/queue",
  "api/overview",
];
/** The turns between two requests; at some of them the news are read a little. */
const TURNS_BETWEEN = 25;

/** Serves inspectors, and asks them for all that they show, in turn, until the life ends. */
export async function inspect(
  targets: readonly InspectTarget[],
  life: Life,
): Promise<void> {
  const inspectors = targets.map((target) =>
    createInspector(target, { authorize: () => true })
  );
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, (request) => {
    const [, index] = new URL(request.url).pathname.split("/");
    return inspectors[Number(index)]!.fetch(request);
  });
  const { port } = server.addr;
  await life.pace(async (count) => {
    if (count % TURNS_BETWEEN !== 0) return;
    const turn = count / TURNS_BETWEEN;
    for (const index of inspectors.keys()) {
      const url = `http://127.0.0.1:${port}/${index}/`;
      const path = PATHS[(turn + index) % PATHS.length]!;
      const response = await fetch(url + path);
      const text = await response.text();
      const isQueue = path !== "api/queue" || response.status === 200;
      if (isQueue) assertEquals(response.status, 200, text);
      if (turn % 5 === 0) await readNews(`${url}api/live`);
    }
    life.tell("inspected", inspectors.length);
  });
  for (const { close } of inspectors) await close();
  await server.shutdown();
}

/** Reads the first of a stream of news. */
async function readNews(url: string): Promise<void> {
  const { body } = await fetch(url);
  const reader = body!.getReader();
  const { done } = await reader.read();
  assertEquals(done, false);
  await reader.cancel();
}
