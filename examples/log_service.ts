// deno run --allow-net=127.0.0.1 --allow-read=./log --allow-write=./log examples/log_service.ts ./log 8000
/**
 * A log over HTTP, a stream from end to end:
 *
 *     POST /    appends the body, a JSON value a line: 204 once all are durable
 *     GET  /    server-sent events: the records after `Last-Event-ID`, then each new one
 *
 * A client sends as fast as the disk takes it, and one that reads slowly delays
 * nobody. A body that fails half-way leaves the lines before that in the log, or
 * the first of them. SIGTERM ends streams, and keeps what was appended.
 */
import { join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { type MiniError, MiniStore } from "@mini/state/store";

/** The status for each code; any other code is a fault of the service. */
const STATUS: Partial<Record<MiniError["code"], number>> = {
  UNSERIALIZABLE: 422,
  TOO_LARGE: 413,
  NO_SPACE: 507,
  POISONED: 503,
  CLOSED: 503,
};

const [dir, port = "8000"] = Deno.args;
if (dir === undefined || !/^\d+$/.test(port)) {
  say("usage: log_service.ts DIR [PORT]");
  Deno.exit(2);
}
await using log = await MiniStore.open<unknown>(join(dir, "journal.jsonl"));
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  onListen: ({ port }) => say(`listening on http://127.0.0.1:${port}`),
}, (request) => answer(request).catch(explain));
Deno.addSignalListener("SIGINT", stop);
if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
// A supervisor starts it again: opening finds out what is on the disk.
log.failed.then(({ message }) => {
  say(message);
  Deno.exitCode = 1;
  return stop();
});
await server.finished;
say(`stopped after record ${log.sequence}`);

async function stop(): Promise<void> {
  // Ends what follows the log, so that nothing keeps the server waiting.
  await log.close().catch(() => {});
  await server.shutdown();
}

async function answer(request: Request): Promise<Response> {
  if (request.method === "GET") return events(request.headers);
  if (request.method !== "POST") return new Response(null, { status: 405 });
  const lines: ReadableStream<string> | undefined = request.body
    ?.pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))
    .pipeThrough(new TextLineStream());
  await lines?.pipeThrough(mapped((line) => JSON.parse(line)))
    .pipeTo(log.writable());
  return new Response(null, { status: 204 });
}

function events(headers: Headers): Response {
  const last = headers.get("last-event-id") ?? "0";
  if (!/^\d{1,15}$/.test(last)) throw new SyntaxError(`no number: ${last}`);
  const feed = log.readable({ from: Number(last) + 1, follow: true })
    .pipeThrough(
      mapped(({ seq, data }) =>
        `id: ${seq}\ndata: ${JSON.stringify(data)}\n\n`
      ),
    );
  return new Response(feed.pipeThrough(new TextEncoderStream()), {
    headers: { "content-type": "text/event-stream" },
  });
}

function mapped<A, B>(map: (item: A) => B): TransformStream<A, B> {
  return new TransformStream({
    transform: (item, controller) => controller.enqueue(map(item)),
  });
}

function explain(error: Error & { code?: MiniError["code"] }): Response {
  // What the client has sent is no JSON, or no UTF-8.
  const isTheirs = error instanceof SyntaxError || error instanceof TypeError;
  const status = isTheirs ? 400 : STATUS[error.code!] ?? 500;
  if (status === 500) say(`${error.stack}`);
  return new Response(`${error.message}\n`, { status });
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
