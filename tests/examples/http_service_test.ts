import { assert, assertEquals } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { Example, type Program } from "../support/program.ts";

/** The service, and what is asked of it. */
class Service implements AsyncDisposable {
  readonly program: Program;
  readonly #root: string;

  private constructor(program: Program, root: string) {
    this.program = program;
    this.#root = root;
  }

  static async start(directory: TestDirectory): Promise<Service> {
    const example = new Example("http_service.ts", directory.path);
    const program = example.start(["./stock", "0"]);
    const line = await program.line();
    return new Service(program, line.replace("listening on ", ""));
  }

  /** The status, the ETag if there is one, and what is said. */
  async ask(
    request: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<string> {
    const response = await this.fetch(request, body, headers);
    const etag = response.headers.get("etag");
    const parts = [response.status, etag, (await response.text()).trim()];
    return parts.filter((part) => part !== null && part !== "").join(" ");
  }

  fetch(
    request: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const [method, path] = request.split(" ");
    const init = { method: method!, headers, ...(body && { body }) };
    return fetch(`${this.#root}${path}`, init);
  }

  /** The events after this one, as they come. */
  async events(after?: number): Promise<Events> {
    const last = after === undefined ? {} : { "last-event-id": String(after) };
    const { status, headers, body } = await this.fetch(
      "GET /events",
      undefined,
      { ...last },
    );
    assertEquals(status, 200);
    assertEquals(headers.get("content-type"), "text/event-stream");
    return new Events(body!);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}

/** A stream of server-sent events. */
class Events implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next one, its lines joined; `undefined` at the end. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      const event = this.#text.slice(0, end);
      if (end >= 0) this.#text = this.#text.slice(end + 2);
      if (end >= 0 && !event.startsWith(":")) return event.replace("\n", " ");
      if (end >= 0) continue;
      const { value } = await this.#reader.read();
      if (value === undefined) return undefined;
      this.#text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // That of a service that was killed has failed already.
    await this.#reader.cancel().catch(() => {});
  }
}

Deno.test("examples/http_service.ts makes a change only on what the client has seen", async () => {
  await using directory = new TestDirectory();
  await using service = await Service.start(directory);
  assertEquals(await service.ask("GET /items"), '200 "0" {}');
  assertEquals(await service.ask("PUT /items/bolt", "5"), '204 "1"');
  const seen = { "if-match": '"1"' };
  const changes = [1, 2, 3].map((count) =>
    service.ask("PUT /items/bolt", String(count), seen)
  );
  const answers = (await Promise.all(changes)).sort();
  assertEquals(answers.map((answer) => answer.slice(0, 7)), [
    '204 "2"',
    "412 Can",
    "412 Can",
  ]);
  assertEquals(
    await service.ask("DELETE /items/bolt", undefined, seen),
    "412 Cannot apply: the state is at record 2, and expectedSequence is 1; nothing was logged",
  );
  const now = { "if-match": '"2"' };
  assertEquals(
    await service.ask("DELETE /items/bolt", undefined, now),
    '204 "3"',
  );
});

Deno.test("examples/http_service.ts says by status what it refuses", async () => {
  await using directory = new TestDirectory();
  await using service = await Service.start(directory);
  await service.ask("PUT /items/nut", "3");
  const take = () => service.ask("POST /items/nut/take", "1");
  const taken = await Promise.all([take(), take(), take(), take()]);
  assertEquals(taken.filter((answer) => answer.startsWith("204")).length, 3);
  assertEquals(
    taken.filter((answer) => answer === "409 there are 0 of nut").length,
    1,
  );
  const refused = "422 Cannot apply the mutation: the schema rejects it " +
    "(names are a to z, 0 to 9 and -, counts whole numbers)";
  const questions: [string, string | undefined, string][] = [
    ["PUT /items/Nut", "1", refused],
    ["PUT /items/nut", "1.5", refused],
    ["PUT /items/nut", "many", refused],
    ["POST /items/nut/take", "-1", refused],
    ["PUT /items/nut", undefined, refused],
    ["PUT /items/nut", "9".repeat(101), "413 that is no number"],
    ["POST /items/constructor/take", "1", "404 no constructor"],
    ["PATCH /items/nut", "1", "404 there is no PATCH /items/nut"],
    ["GET /", undefined, "404 there is no GET /"],
  ];
  for (const [request, body, answer] of questions) {
    assertEquals(await service.ask(request, body), answer);
  }
  const weak = { "if-match": 'W/"4"' };
  const unknown = await service.ask("PUT /items/nut", "1", weak);
  assertEquals(unknown, '400 no number: W/"4"');
  assertEquals(await service.ask("GET /items"), '200 "4" {"nut":0}');
});

Deno.test("examples/http_service.ts resumes its events behind any number, also after it was killed", async () => {
  await using directory = new TestDirectory();
  const bolt = (seq: number) =>
    `id: ${seq} data: {"type":"set","item":"bolt","count":${seq}}`;
  {
    await using service = await Service.start(directory);
    await using live = await service.events();
    await using all = await service.events(0);
    for (let seq = 1; seq <= 3; seq++) {
      await service.ask("PUT /items/bolt", String(seq));
      assertEquals(await live.next(), bolt(seq));
      assertEquals(await all.next(), bolt(seq));
    }
    await service.program.kill();
  }
  await using service = await Service.start(directory);
  assertEquals(await service.ask("GET /items"), '200 "3" {"bolt":3}');
  await using missed = await service.events(1);
  await service.ask("PUT /items/bolt", "4");
  for (const seq of [2, 3, 4]) assertEquals(await missed.next(), bolt(seq));
  const ahead = { "last-event-id": "5" };
  assertEquals(
    await service.ask("GET /events", undefined, ahead),
    "400 the last event is 4",
  );
});

Deno.test("examples/http_service.ts says that events are gone, and that there is more to get", async () => {
  await using directory = new TestDirectory();
  await using service = await Service.start(directory);
  const puts = Array.from(
    { length: 1_000 },
    (_, count) => service.ask("PUT /items/bolt", String(count)),
  );
  await Promise.all(puts);
  const old = { "last-event-id": "0" };
  const gone = await service.ask("GET /events", undefined, old);
  assert(gone.startsWith("410 Cannot read record 1 of "), gone);
  const items = await service.fetch("GET /items");
  await items.body?.cancel();
  const seen = Number(JSON.parse(items.headers.get("etag")!));
  assertEquals(seen, 1_000);
  await using events = await service.events(seen);
  await service.ask("DELETE /items/bolt");
  assertEquals(
    await events.next(),
    'id: 1001 data: {"type":"remove","item":"bolt","count":0}',
  );
});

if (Deno.build.os !== "windows") {
  Deno.test("examples/http_service.ts ends when asked to, its event streams too", async () => {
    await using directory = new TestDirectory();
    await using service = await Service.start(directory);
    await using left = await service.events();
    await left[Symbol.asyncDispose]();
    await using events = await service.events();
    await service.ask("PUT /items/bolt", "1");
    const stopped = service.program.stop();
    assert((await events.next())?.startsWith("id: 1 "));
    assertEquals(await events.next(), undefined);
    const { code, stdout, stderr } = await stopped;
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, "stopped after event 1");
    await using again = await Service.start(directory);
    assertEquals(await again.ask("GET /items"), '200 "1" {"bolt":1}');
  });

  Deno.test("examples/http_service.ts ends where its log was taken away, to be started again", async () => {
    await using directory = new TestDirectory();
    await using service = await Service.start(directory);
    await service.ask("PUT /items/bolt", "1");
    const journal = directory.at("stock/journal.jsonl");
    await Deno.rename(journal, directory.at("elsewhere"));
    const answer = await service.ask("PUT /items/bolt", "2");
    assert(answer.startsWith("503 "), answer);
    assertEquals((await service.program.end()).code, 1);
    await Deno.rename(directory.at("elsewhere"), journal);
    await using again = await Service.start(directory);
    const items = await again.ask("GET /items");
    assert(/^200 "[12]" {"bolt":[12]}$/.test(items), items);
  });
}
