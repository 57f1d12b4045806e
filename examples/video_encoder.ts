// deno run --allow-net=127.0.0.1 --allow-read=./films --allow-write=./films examples/video_encoder.ts ./films 8000
/**
 * Encodes videos, over HTTP:
 *
 *     POST   /jobs      encodes one; the body is its number of frames
 *     GET    /jobs/ID   how far it is, or its result
 *     DELETE /jobs/ID   cancels it
 *
 * A job is durable before it is answered. After a restart an encoder continues
 * where the last one was, and the results of the last day are still there.
 */
import { MiniQueue } from "@mini/state/queue";

/** A film to encode. */
type Film = { readonly frames: number };

const DAY_MS = 86_400_000;
/** The frames between two records of how far an encoder is. */
const KEY_FRAMES = 100;

const [dir, port = "8000"] = Deno.args;
if (dir === undefined || !/^\d+$/.test(port)) {
  say("usage: video_encoder.ts DIR [PORT]");
  Deno.exit(2);
}
await using queue = await MiniQueue.open<Film, string>(dir, {
  keepFinished: { ageMs: DAY_MS },
  onError: (error) => say(String(error)),
});
const stop = new AbortController();
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  signal: stop.signal,
  onListen: ({ port }) => say(`listening on http://127.0.0.1:${port}`),
}, answer);
Deno.addSignalListener("SIGINT", () => stop.abort());
if (Deno.build.os !== "windows") {
  Deno.addSignalListener("SIGTERM", () => stop.abort());
}

await queue.work(async ({ payload, progress: last }, { signal, progress }) => {
  for (let frame = Number(last ?? 0); frame < payload.frames; frame++) {
    if (frame % KEY_FRAMES === 0) await progress(frame, { durable: true });
    else progress(frame);
    await encode(signal);
  }
  return `film-${payload.frames}.webm`;
}, { concurrency: 2, signal: stop.signal });
await server.finished;
say("stopped");

/** As if it encoded a frame. Throws when it is told to stop. */
async function encode(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  signal.throwIfAborted();
}

async function answer(request: Request): Promise<Response> {
  const [, root, job, ...rest] = new URL(request.url).pathname.split("/");
  const route = `${request.method} ${root}${job === undefined ? "" : "/ID"}`;
  const id = Number(job);
  if (route === "POST jobs") {
    const frames = Number((await request.text()) || "none");
    if (!Number.isSafeInteger(frames)) return response(422, "how many frames?");
    return Response.json(await queue.enqueue({ frames }), { status: 202 });
  }
  const isJob = Number.isSafeInteger(id) && id > 0 && rest.length === 0;
  if (isJob && route === "GET jobs/ID") {
    const found = await queue.get(id);
    return found ? Response.json(found) : response(404, "no such job");
  }
  if (isJob && route === "DELETE jobs/ID") {
    const found = await queue.cancel(id, "somebody has cancelled it");
    return response(found === "unknown" ? 404 : 200, found);
  }
  return response(404, `there is no ${request.method} here`);
}

function response(status: number, text: string): Response {
  return new Response(`${text}\n`, { status });
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
