/** `mini inspect`, however it is started: the page, and states by a module of the consumer's own. */
import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "@std/path";
import { StateManager } from "@mini/state/state";
import { Running, type RunOptions } from "./process.ts";

const PROGRAM = `export const initial = () => ({ sum: 0 });
export const apply = (state, by) => { state.sum += by; };
`;

/** The state after record 2, and what it changed. */
const WANTED = [{ sum: 3 }, [{ path: "$.sum", before: "1", after: "3" }]];

/** Throws unless `mini` serves the page of a state in `dir`, and its states. */
export async function checkInspect(
  mini: readonly string[],
  dir: string,
  options: RunOptions,
): Promise<void> {
  const program = join(dir, "program.mjs");
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeTextFile(program, PROGRAM);
  {
    await using state = await StateManager.open(join(dir, "state"), {
      initial: () => ({ sum: 0 }),
      apply: (state, by: number) => void (state.sum += by),
    });
    for (const by of [1, 2, 3]) await state.apply(by);
  }
  const args = ["inspect", join(dir, "state"), "--apply", program, "--json"];
  await using running = new Running([...mini, ...args], options);
  const { url } = JSON.parse(await running.line() ?? "{}");
  match(await (await fetch(url)).text(), /<title>mini inspect<\/title>/);
  const view = await (await fetch(new URL("api/state?at=2", url))).json();
  deepEqual([view.state, view.changes], WANTED);
  const elsewhere = await fetch(new URL("/", url));
  await elsewhere.body?.cancel();
  equal(elsewhere.status, 403);
}
