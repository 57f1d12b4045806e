import { MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals, assertRejects } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { turns } from "../support/queue.ts";

const HOUR = 3_600_000;

async function open(clock = new FakeClock(), fs = new MemoryFileSystem()) {
  const queue = await MiniQueue.open<string>("/data", { fs, clock });
  return { queue, clock, fs };
}

Deno.test("MiniQueue.enqueue() holds a message back until a date", async () => {
  const { queue, clock } = await open();
  await using _ = queue;
  const at = new Date(clock.wall() + HOUR);
  await queue.enqueue("later", { at });
  await queue.enqueue("now");
  assertEquals((await queue.stats()).delayed, 1);
  const shown = await queue.peek();
  assertEquals(shown.map(({ delayMs }) => delayMs), [0, HOUR]);
  const now = await queue.receive();
  assertEquals(now?.payload, "now");
  await now?.ack();
  clock.advance(HOUR - 1);
  assertEquals(await queue.receive(), undefined);
  clock.advance(1);
  assertEquals((await queue.receive())?.payload, "later");
});

Deno.test("MiniQueue.enqueue() takes the first moment of the wall clock for a date", async () => {
  const { queue, fs } = await open(new FakeClock());
  await queue.enqueueBatch([{ payload: "a", at: new Date(0) }]);
  await queue.close();
  await using again = (await open(new FakeClock(), fs)).queue;
  assertEquals((await again.receive())?.payload, "a");
});

Deno.test("MiniQueue.enqueue() goes by the wall clock for a date, however it is set", async () => {
  const { queue, clock } = await open(new FakeClock(0));
  await using _ = queue;
  const at = new Date("2026-01-01");
  await queue.enqueue("new year", { at });
  clock.advance(HOUR);
  assertEquals(await queue.receive(), undefined);
  const waiting = queue.receive({ waitMs: Infinity });
  await turns();
  clock.setWall(at.getTime());
  // It looks at the wall clock again after a while.
  clock.advance(10_000);
  const message = await waiting;
  assertEquals(message?.payload, "new year");
  clock.setWall(0);
  await message?.nack();
  assertEquals((await queue.receive())?.payload, "new year");
});

Deno.test("MiniQueue.enqueue() keeps headers and a date across a restart", async () => {
  const { queue, clock, fs } = await open();
  const at = new Date(clock.wall() + HOUR);
  await queue.enqueue("a", { at, headers: { traceparent: "00-1" } });
  await queue.compact();
  await queue.close();
  clock.advance(HOUR);
  await using again = (await open(clock.restarted(), fs)).queue;
  const [shown] = await again.peek();
  assertEquals(shown?.headers, { traceparent: "00-1" });
  const message = await again.receive();
  assertEquals(message?.headers, { traceparent: "00-1" });
  await message?.deadLetter("no");
  const [dead] = await again.deadLetters();
  assertEquals(dead?.headers, { traceparent: "00-1" });
});

Deno.test("MiniQueue.enqueue() refuses what is no date and no headers, and enqueues nothing", async () => {
  const { queue } = await open();
  await using _ = queue;
  for (
    const options of [
      { at: new Date(Number.NaN) },
      { at: 5 as unknown as Date },
      { at: new Date(), delayMs: 0 },
      { headers: null as unknown as Record<string, string> },
      { headers: [] as unknown as Record<string, string> },
      { headers: { a: 1 } as unknown as Record<string, string> },
    ]
  ) {
    await assertRejects(() => queue.enqueue("a", options), TypeError);
  }
  assertEquals(queue.sequence, 0);
});

Deno.test("a message that was ready waits for its date again once the wall clock is set back", async () => {
  const { queue, clock } = await open();
  const { id } = await queue.enqueue("dated", {
    at: new Date(clock.wall() + 1_000),
  });
  await queue.enqueue("now");
  clock.setWall(clock.wall() + 60_000);
  assertEquals((await queue.stats()).ready, 2);
  clock.setWall(clock.wall() - 60_000);
  const { ready, delayed } = await queue.stats();
  assertEquals([ready, delayed], [1, 1]);
  assertEquals((await queue.get(id))?.state, "delayed");
  assertEquals((await queue.receive())?.payload, "now");
  assertEquals(await queue.receive(), undefined);
  clock.advance(1_000);
  assertEquals((await queue.receive())?.payload, "dated");
});

Deno.test("messages of one date are shown and delivered by their priorities", async () => {
  const { queue, clock } = await open();
  const at = new Date(clock.wall() + 1_000);
  for (const priority of [0, 2, 1]) {
    await queue.enqueue(`${priority}`, { at, priority });
  }
  const payloads = (await queue.peek()).map(({ payload }) => payload);
  assertEquals(payloads, ["2", "1", "0"]);
});
