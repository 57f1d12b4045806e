import { assertEquals } from "@std/assert";
import { toNodeHandler } from "@mini/state/inspect";

/** A request that a server would hand over. */
function requested(
  headers: Record<string, string | string[]>,
  others: { method?: string; url?: string; originalUrl?: string } = {},
  parts: readonly string[] = [],
  socket = {},
) {
  return {
    headers,
    socket,
    ...others,
    async *[Symbol.asyncIterator]() {
      for (const part of parts) yield new TextEncoder().encode(part);
    },
  };
}

/** A response whose reader takes in nothing before it drains. */
class Slow {
  readonly ended = Promise.withResolvers<void>();
  readonly listeners = new Map<string, (() => void)[]>();
  written = Promise.withResolvers<string>();
  status = 0;
  headersSent = false;
  destroyed = false;

  writeHead(status: number): void {
    this.status = status;
    this.headersSent = true;
  }

  write(part: Uint8Array): boolean {
    this.written.resolve(new TextDecoder().decode(part));
    return false;
  }

  end(): void {
    this.ended.resolve();
  }

  destroy(): void {
    this.destroyed = true;
    this.ended.resolve();
  }

  on(event: string, listener: () => void): void {
    this.listeners.set(event, [...this.listeners.get(event) ?? [], listener]);
  }

  emit(event: string): void {
    for (const listener of this.listeners.get(event) ?? []) listener();
  }

  async next(): Promise<string> {
    const text = await this.written.promise;
    this.written = Promise.withResolvers();
    return text;
  }
}

/** A handler of the requests that it is given, and those. */
function collecting() {
  const seen: Request[] = [];
  const handle = toNodeHandler({
    fetch(request) {
      seen.push(request);
      return Promise.resolve(new Response(null, { status: 204 }));
    },
  });
  return { seen, handle };
}

Deno.test("a listener hands over the method, the whole path, the headers and the body", async () => {
  const { seen, handle } = collecting();
  const responses = [
    requested(
      { host: "a:8", "x-list": ["1", "2"] },
      { method: "POST", url: "/b?c", originalUrl: "/a/b?c" },
      ["to", "day"],
    ),
    requested({ host: "a" }, { url: "/" }, [], { encrypted: true }),
    requested({}, { url: "http://a/b" }),
  ].map(async (request) => {
    const response = new Slow();
    handle(request, response);
    await response.ended.promise;
    return response.status;
  });
  assertEquals(await Promise.all(responses), [204, 204, 204]);
  const posted = seen.find(({ method }) => method === "POST")!;
  assertEquals(posted.url, "http://a:8/a/b?c");
  assertEquals(posted.headers.get("x-list"), "1,2");
  assertEquals(await posted.text(), "today");
  const urls = seen.filter(({ method }) => method === "GET")
    .map(({ url }) => url);
  assertEquals(urls.sort(), ["http://unknown.invalid/", "https://a/"]);
});

Deno.test("a listener refuses what is no request, and what is too large", async () => {
  const { seen, handle } = collecting();
  const large = Array.from({ length: 9 }, () => "x".repeat(1_000_000));
  for (
    const request of [
      requested({ host: "a b" }, { url: "/" }),
      requested({ host: "a" }, { method: "POST", url: "/" }, large),
    ]
  ) {
    const response = new Slow();
    handle(request, response);
    await response.ended.promise;
    assertEquals(response.status, 400);
  }
  assertEquals(seen, []);
});

Deno.test("a listener makes no more of an answer than is read, and ends it when nobody reads", async () => {
  const cancelled = Promise.withResolvers<void>();
  let made = 0;
  const body = () =>
    new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(`${++made}`));
      },
      cancel: () => cancelled.resolve(),
    }, { highWaterMark: 0 });
  const handle = toNodeHandler({
    fetch: () => Promise.resolve(new Response(body())),
  });
  const response = new Slow();
  handle(requested({ host: "a" }, { url: "/" }), response);
  for (let part = 1; part <= 20; part++) {
    assertEquals(await response.next(), `${part}`);
    assertEquals(made, part);
    response.emit("drain");
  }
  const listening = [...response.listeners.values()].flat().length;
  assertEquals(listening, 2);
  await response.next();
  response.destroyed = true;
  response.emit("close");
  await Promise.all([cancelled.promise, response.ended.promise]);
  assertEquals(made, 21);
});

Deno.test("a listener does not begin an answer when nobody waits for it any more", async () => {
  const cancelled = Promise.withResolvers<void>();
  const response = new Slow();
  const body = new ReadableStream({ cancel: () => cancelled.resolve() });
  toNodeHandler({
    fetch() {
      response.destroyed = true;
      return Promise.resolve(new Response(body));
    },
  })(requested({ host: "a" }, { url: "/" }), response);
  await cancelled.promise;
  assertEquals(response.headersSent, false);
});

Deno.test("a listener cuts off an answer that fails", async () => {
  const response = new Slow();
  const body = new ReadableStream({
    pull: (controller) => controller.error(new Error("no more")),
  });
  toNodeHandler({ fetch: () => Promise.resolve(new Response(body)) })(
    requested({ host: "a" }, { url: "/" }),
    response,
  );
  await response.ended.promise;
  assertEquals([response.status, response.destroyed], [200, true]);
});
