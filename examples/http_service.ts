// deno run --allow-net=127.0.0.1 --allow-read=./stock --allow-write=./stock examples/http_service.ts ./stock 8000
/**
 * A stock of things, over HTTP. Every change is an event that is durable before
 * it is answered, and that others see at once:
 *
 *     GET    /items             everything; its ETag is the number of the last event
 *                               as server-sent events: now, and whenever it changes
 *     PUT    /items/NAME        sets how many there are: the body is a number
 *     POST   /items/NAME/take   takes some, if there are enough
 *     DELETE /items/NAME
 *     GET    /events            server-sent events, from `Last-Event-ID` on
 *
 * With `If-Match`, a change is made only if nothing else has changed: 412. Who
 * gets the items, then the events after their ETag, misses none. SIGTERM lets
 * what is under way finish.
 */
import { StateManager } from "@mini/state/state";
import type { MiniErrorCode } from "@mini/state/store";
import { type Event, possible, Refusal, STOCK } from "./http_service_model.ts";

/** The status for each code; any other code is a fault of the service. */
const STATUS: Partial<Record<MiniErrorCode, number>> = {
  INVALID: 422,
  CONFLICT: 412,
  COMPACTED: 410,
  NO_SPACE: 507,
  POISONED: 503,
  CLOSED: 503,
};

/** The event of each kind of request. */
const CHANGES: Record<string, Event["type"]> = {
  "PUT items": "set",
  "POST items take": "take",
  "DELETE items": "remove",
};

const EVENTS = { "content-type": "text/event-stream" };

const [dir, port = "8000"] = Deno.args;
if (dir === undefined || !/^\d+$/.test(port)) {
  say("usage: http_service.ts DIR [PORT]");
  Deno.exit(2);
}
await using stock = await StateManager.open(dir, STOCK);
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  onListen: ({ port }) => say(`listening on http://127.0.0.1:${port}`),
}, (request) => answer(request).catch(explain));
Deno.addSignalListener("SIGINT", stop);
if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
await server.finished;
if (stock.failure !== undefined) Deno.exitCode = 1;
say(`stopped after event ${stock.sequence}`);

async function stop(): Promise<void> {
  // Waits for the changes under way, and ends the feeds, which nothing else does.
  await stock.close().catch(() => {});
  await server.shutdown();
}

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const [, root, item, ...verbs] = pathname.split("/");
  const route = [request.method, root, ...verbs].join(" ");
  if (item === undefined && route === "GET events") return events(request);
  if (item === undefined && route === "GET items") {
    const isFeed = request.headers.get("accept") === EVENTS["content-type"];
    if (isFeed) {
      return feed(
        stock.select((items) => items),
        (items) => `data: ${JSON.stringify(items)}\n\n`,
      );
    }
    return Response.json(stock.state, { headers: etag(stock.sequence) });
  }
  const type = CHANGES[route];
  if (item === undefined || type === undefined) {
    throw new Refusal(404, `there is no ${request.method} ${pathname}`);
  }
  const count = type === "remove" ? 0 : await body(request);
  return change(request, { type, item, count });
}

async function change(request: Request, event: Event): Promise<Response> {
  const expected = request.headers.get("if-match");
  const seq = expected === null
    // Between looking and writing nothing else is written.
    ? await stock.transact((items) => possible(items, event))
    // What is possible now is so then as well, or then is not now.
    : await stock.apply(possible(stock.state, event), {
      expectedSequence: number(expected, /^"(\d+)"$/),
    });
  return new Response(null, { status: 204, headers: etag(seq!) });
}

async function events(request: Request): Promise<Response> {
  const last = request.headers.get("last-event-id");
  const after = last === null ? stock.sequence : number(last, /^(\d+)$/);
  if (after > stock.sequence) {
    throw new Refusal(400, `the last event is ${stock.sequence}`);
  }
  // Throws COMPACTED while there is still time to say 410.
  const next = { from: after + 1, to: after + 1 };
  for await (const _ of stock.history(next)) break;
  return feed(
    stock.watch({ from: after + 1 }),
    ({ seq, mutation }) => `id: ${seq}\ndata: ${JSON.stringify(mutation)}\n\n`,
  );
}

/** Server-sent events, until the client is gone or the state is closed. */
function feed<T>(
  items: AsyncIterable<T>,
  text: (item: T) => string,
): Response {
  const events = new TransformStream<T, string>({
    start: (controller) => controller.enqueue(": it begins\n\n"),
    transform: (item, controller) => controller.enqueue(text(item)),
  });
  const body = ReadableStream.from(items).pipeThrough(events)
    .pipeThrough(new TextEncoderStream());
  return new Response(body, { headers: EVENTS });
}

async function body(request: Request): Promise<number> {
  const length = Number(request.headers.get("content-length") ?? Infinity);
  if (length > 100) throw new Refusal(413, "that is no number");
  return Number(await request.text() || NaN);
}

function number(text: string, pattern: RegExp): number {
  const [, digits] = pattern.exec(text) ?? [];
  if (digits === undefined) throw new Refusal(400, `no number: ${text}`);
  return Number(digits);
}

function explain(error: Error & { code?: MiniErrorCode }): Response {
  const status = error instanceof Refusal
    ? error.status
    : STATUS[error.code!] ?? 500;
  // Ends, so that a supervisor starts it again: opening finds out what is on the disk.
  if (error.code === "POISONED") void stop();
  if (status >= 500) say(`${error.stack}`);
  const text = status === 500 ? "it has failed" : error.message;
  return new Response(`${text}\n`, { status });
}

function etag(seq: number): HeadersInit {
  return { etag: `"${seq}"` };
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
