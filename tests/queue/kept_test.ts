import { MiniQueue, type QueueOptions, QueueView } from "@mini/state/queue";
import type { MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { fillDisk } from "../support/queue.ts";

const JOURNAL = "/data/journal.jsonl";

class Test {
  readonly fs = new MemoryFileSystem();
  readonly clock = new FakeClock();
  readonly told: unknown[] = [];

  open(options: QueueOptions<string> = {}) {
    const { fs, clock } = this;
    const onError = (error: unknown) => void this.told.push(error);
    const all = { fs, clock, onError, ...options };
    return MiniQueue.open<string, unknown>("/data", all);
  }

  get log(): string {
    return new TextDecoder().decode(this.fs.content(JOURNAL));
  }
}

const KEEP = { keepFinished: { count: 10 } };

Deno.test("MiniQueue.get() tells each state of a message", async () => {
  const test = new Test();
  await using queue = await test.open(KEEP);
  const { id: first } = await queue.enqueue("first", { group: "g" });
  const { id: second } = await queue.enqueue("second", { group: "g" });
  const { id: later } = await queue.enqueue("later", { delayMs: 1_000 });
  const stateOf = async (id: number) => (await queue.get(id))?.state;
  assertEquals(
    [await stateOf(first), await stateOf(second), await stateOf(later)],
    ["ready", "blocked", "delayed"],
  );
  const message = await queue.receive();
  assertEquals(await stateOf(first), "inFlight");
  await message?.nack({ reason: "not now" });
  const again = await queue.get(first);
  if (again?.state !== "ready") throw new Error(again?.state);
  assertEquals([again.attempts, again.lastFailure], [1, "not now"]);
  test.clock.advance(5);
  await (await queue.receive())?.ack({ sent: true });
  const done = await queue.get(first);
  if (done?.state !== "done") throw new Error(done?.state);
  assertEquals(done.result, { sent: true });
  assertEquals(done.payload, "first");
  assertEquals(done.endedAt.getTime() - done.enqueuedAt.getTime(), 5);
  await (await queue.receive())?.deadLetter("no");
  const dead = await queue.get(second);
  if (dead?.state !== "dead") throw new Error(dead?.state);
  assertEquals(dead.reason, "no");
  assertEquals(dead.diedAt, new Date(test.clock.wall()));
  assertEquals(await queue.get(77), undefined);
  await assertRejects(() => queue.get(0), RangeError);
});

Deno.test("MiniQueue.finished() gives pages of copies, in the order of their ids, as a view does", async () => {
  const test = new Test();
  await using queue = await test.open(KEEP);
  await queue.enqueueBatch(
    ["a", "b", "c"].map((payload) => ({ payload, headers: { n: payload } })),
  );
  const [a, b, c] = await queue.receiveBatch(3);
  for (const each of [c, a, b]) await each?.ack(each.payload);
  const all = await queue.finished();
  assertEquals(all.map(({ id }) => id), [1, 2, 3]);
  assertEquals(all[1]?.headers, { n: "b" });
  const page = await queue.finished({ after: 1, limit: 1 });
  assertEquals(page.map(({ payload }) => payload), ["b"]);
  const { fs, clock } = test;
  await using view = await QueueView.open<string>("/data", { fs, clock });
  assertEquals(await view.finished(), all);
  assertEquals(await view.get(2), await queue.get(2));
});

Deno.test("MiniQueue keeps results across a restart, and within its limits", async () => {
  const test = new Test();
  {
    await using queue = await test.open({ keepFinished: { count: 2 } });
    await queue.enqueueBatch(["a", "b", "c"].map((payload) => ({ payload })));
    const work = queue.work(({ payload }) => `${payload}!`, {
      signal: AbortSignal.abort(),
    });
    await work;
    for (const message of await queue.receiveBatch(3)) {
      await message.ack(`${message.payload}!`);
    }
    await queue.compact();
  }
  {
    await using queue = await test.open({ keepFinished: { count: 2 } });
    const kept = await queue.finished();
    assertEquals(
      kept.map((each) => each.state === "done" && each.result),
      ["b!", "c!"],
    );
  }
  await using queue = await test.open();
  assertEquals(await queue.finished(), []);
});

Deno.test("MiniQueue logs its limits only where they differ from those in the ledger", async () => {
  const test = new Test();
  await (await test.open()).close();
  assert(!test.log.includes("policy"));
  const options = { ...KEEP, keepDead: { ageMs: 5, count: 7 } };
  const same = {
    keepFinished: { ...KEEP.keepFinished },
    keepDead: { count: 7, ageMs: 5 },
  };
  await (await test.open(options)).close();
  const logged = () => test.log.split('"policy"').length - 1;
  assertEquals(logged(), 1);
  await (await test.open(same)).close();
  assertEquals(logged(), 1);
  await (await test.open({})).close();
  assertEquals(logged(), 2);
});

Deno.test("MiniQueue keeps dead letters within the limits that it is opened with", async () => {
  const test = new Test();
  {
    await using queue = await test.open();
    await queue.enqueueBatch(["a", "b", "c"].map((payload) => ({ payload })));
    for (const message of await queue.receiveBatch(3)) {
      await message.deadLetter("no");
    }
  }
  await using queue = await test.open({ keepDead: { count: 1 } });
  assertEquals((await queue.deadLetters()).map(({ id }) => id), [3]);
  assertEquals((await queue.stats()).dead, 1);
});

Deno.test("MiniQueue.work() keeps what a handler returns", async () => {
  const test = new Test();
  await using queue = await test.open(KEEP);
  const { id } = await queue.enqueue("a");
  const stop = new AbortController();
  await queue.work(({ payload }) => {
    stop.abort();
    return { upper: payload.toUpperCase() };
  }, { signal: stop.signal });
  const found = await queue.get(id);
  assertEquals(found?.state === "done" && found.result, { upper: "A" });
});

for (
  const [what, result, code] of [
    ["JSON does not keep", { a: () => {} }, "UNSERIALIZABLE"],
    ["is too large", "x".repeat(100), "TOO_LARGE"],
  ] as const
) {
  Deno.test(`QueueMessage.ack() of a result that ${what} acknowledges without it, and tells`, async () => {
    const test = new Test();
    await using queue = await test.open({ ...KEEP, maxResultBytes: 50 });
    const { id } = await queue.enqueue("a");
    await (await queue.receive())?.ack(result);
    const found = await queue.get(id);
    assertEquals(found?.state, "done");
    assert(found !== undefined && !("result" in found));
    assertEquals(test.told.length, 1);
    const [error] = test.told;
    assertEquals((error as MiniError).code, code);
  });
}

Deno.test("QueueMessage.ack() logs no result where none is kept, and does not look at it", async () => {
  const test = new Test();
  await using queue = await test.open();
  await queue.enqueue("a");
  const message = await queue.receive();
  await message?.ack({ a: () => {} });
  assertEquals(test.told, []);
  assert(test.log.includes('"as":"acked"}'));
});

Deno.test("MiniQueue.open() opens on a full disk although it cannot log its limits, and tells", async () => {
  const test = new Test();
  await (await test.open()).close();
  fillDisk(test.fs);
  await using queue = await test.open(KEEP);
  assertEquals(await queue.finished(), []);
  const codes = test.told.map((error) => (error as MiniError).code);
  assert(codes.includes("NO_SPACE"), codes.join());
});

Deno.test("MiniQueue.open() refuses limits that limit nothing", async () => {
  const test = new Test();
  for (
    const options of [
      { keepFinished: {} },
      { keepFinished: { count: undefined } },
      { keepFinished: { count: 1, size: 2 } },
      { keepDead: { bytes: 5 } },
      { keepDead: null },
    ]
  ) {
    await assertRejects(() => test.open(options as object), TypeError);
  }
  for (const count of [-1, 0.5, Number.NaN]) {
    await assertRejects(
      () => test.open({ keepFinished: { count } }),
      RangeError,
    );
  }
  for (const maxResultBytes of [0, 8 * 1024 * 1024 + 1]) {
    await assertRejects(() => test.open({ maxResultBytes }), RangeError);
  }
  const most = { maxResultBytes: 8 * 1024 * 1024 };
  await (await test.open(most)).close();
});

Deno.test("MiniQueue.open() takes a limit that is undefined for none", async () => {
  const test = new Test();
  const keepFinished = { count: 1, bytes: undefined, ageMs: undefined };
  const keepDead = { count: undefined, ageMs: 1_000 };
  const options = { keepFinished, keepDead } as object;
  await using queue = await test.open(options);
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  for (const message of await queue.receiveBatch(2)) await message.ack();
  assertEquals((await queue.finished()).map(({ id }) => id), [2]);
});
