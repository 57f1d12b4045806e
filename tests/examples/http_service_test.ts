import { assert, assertEquals } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { Service } from "../support/service.ts";

const start = (directory: TestDirectory) =>
  Service.start(directory, "http_service.ts", ["./stock", "0"]);

Deno.test("examples/http_service.ts makes a change only on what the client has seen", async () => {
  await using directory = new TestDirectory();
  await using service = await start(directory);
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
  await using service = await start(directory);
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
    await using service = await start(directory);
    await using live = await service.events("/events");
    await using all = await service.events("/events", 0);
    for (let seq = 1; seq <= 3; seq++) {
      await service.ask("PUT /items/bolt", String(seq));
      assertEquals(await live.next(), bolt(seq));
      assertEquals(await all.next(), bolt(seq));
    }
    await service.program.kill();
  }
  await using service = await start(directory);
  assertEquals(await service.ask("GET /items"), '200 "3" {"bolt":3}');
  await using missed = await service.events("/events", 1);
  await service.ask("PUT /items/bolt", "4");
  for (const seq of [2, 3, 4]) assertEquals(await missed.next(), bolt(seq));
  const ahead = { "last-event-id": "5" };
  assertEquals(
    await service.ask("GET /events", undefined, ahead),
    "400 the last event is 4",
  );
});

Deno.test("examples/http_service.ts shows all items, now and whenever they change", async () => {
  await using directory = new TestDirectory();
  await using service = await start(directory);
  await service.ask("PUT /items/bolt", "1");
  await using left = await service.events("/items");
  await using items = await service.events("/items");
  assertEquals(await left.next(), 'data: {"bolt":1}');
  assertEquals(await items.next(), 'data: {"bolt":1}');
  await left[Symbol.asyncDispose]();
  await service.ask("PUT /items/bolt", "1");
  await service.ask("PUT /items/nut", "2");
  assertEquals(await items.next(), 'data: {"bolt":1,"nut":2}');
});

Deno.test("examples/http_service.ts says that events are gone, and that there is more to get", async () => {
  await using directory = new TestDirectory();
  await using service = await start(directory);
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
  await using events = await service.events("/events", seen);
  await service.ask("DELETE /items/bolt");
  assertEquals(
    await events.next(),
    'id: 1001 data: {"type":"remove","item":"bolt","count":0}',
  );
});

if (Deno.build.os !== "windows") {
  Deno.test("examples/http_service.ts ends when asked to, its event streams too", async () => {
    await using directory = new TestDirectory();
    await using service = await start(directory);
    await using left = await service.events("/events");
    await left[Symbol.asyncDispose]();
    await using events = await service.events("/events");
    await service.ask("PUT /items/bolt", "1");
    const stopped = service.program.stop();
    assert((await events.next())?.startsWith("id: 1 "));
    assertEquals(await events.next(), undefined);
    const { code, stdout, stderr } = await stopped;
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, "stopped after event 1");
    await using again = await start(directory);
    assertEquals(await again.ask("GET /items"), '200 "1" {"bolt":1}');
  });

  Deno.test("examples/http_service.ts ends where its log was taken away, to be started again", async () => {
    await using directory = new TestDirectory();
    await using service = await start(directory);
    await service.ask("PUT /items/bolt", "1");
    const journal = directory.at("stock/journal.jsonl");
    await Deno.rename(journal, directory.at("elsewhere"));
    const answer = await service.ask("PUT /items/bolt", "2");
    assert(answer.startsWith("503 "), answer);
    assertEquals((await service.program.end()).code, 1);
    await Deno.rename(directory.at("elsewhere"), journal);
    await using again = await start(directory);
    const items = await again.ask("GET /items");
    assert(/^200 "[12]" {"bolt":[12]}$/.test(items), items);
  });
}
