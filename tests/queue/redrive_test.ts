import { type DeadLetter, MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals, assertRejects } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";

const clock = () => new FakeClock();

/** A queue with dead letters: their payloads, in the order of their deaths. */
async function withDead(payloads: readonly string[], time = clock()) {
  const fs = new MemoryFileSystem();
  const queue = await MiniQueue.open<string>("/data", { fs, clock: time });
  await queue.enqueueBatch(payloads.map((payload) => ({ payload })));
  for (const message of await queue.receiveBatch(payloads.length)) {
    await message.deadLetter(message.payload);
  }
  return { queue, fs };
}

async function waiting(queue: MiniQueue<string>): Promise<string[]> {
  return (await queue.peek(100)).map(({ payload }) => payload);
}

Deno.test("MiniQueue.redrive() takes several ids, in the order in which they were enqueued, each once", async () => {
  const { queue } = await withDead(["a", "b", "c"]);
  await using _ = queue;
  assertEquals(await queue.redrive([3, 1, 3, 77]), 2);
  assertEquals(await waiting(queue), ["a", "c"]);
  assertEquals((await queue.deadLetters()).map(({ id }) => id), [2]);
});

Deno.test("MiniQueue.redrive() takes those that a function chooses, also if there are many", async () => {
  const payloads = Array.from({ length: 2_500 }, (_, n) => `${n % 7}`);
  const { queue } = await withDead(payloads);
  await using _ = queue;
  const isThree = ({ reason }: DeadLetter<string>) => reason === "3";
  const threes = payloads.filter((payload) => payload === "3").length;
  assertEquals(await queue.redrive(isThree), threes);
  assertEquals((await queue.stats()).ready, threes);
  assertEquals((await queue.deadLetters()).some(isThree), false);
});

Deno.test("MiniQueue.redrive() lets dead letters go at a rate, which lasts across a restart", async () => {
  const time = clock();
  const { queue, fs } = await withDead(["a", "b", "c"], time);
  assertEquals(await queue.redrive("all", { perSecond: 0.5 }), 3);
  await queue.close();
  await using again = await MiniQueue.open<string>("/data", {
    fs,
    clock: time,
  });
  const delays = (await again.peek()).map(({ delayMs }) => delayMs);
  assertEquals(delays, [0, 2_000, 4_000]);
  for (const payload of ["a", "b", "c"]) {
    const message = await again.receive();
    assertEquals(message?.payload, payload);
    await message?.ack();
    assertEquals(await again.receive(), undefined);
    time.advance(2_000);
  }
});

Deno.test("MiniQueue.redrive() refuses what chooses nothing, and changes nothing", async () => {
  const { queue } = await withDead(["a"]);
  await using _ = queue;
  const before = queue.sequence;
  const promising = (() => Promise.resolve(true)) as unknown as () => boolean;
  await assertRejects(() => queue.redrive(promising), TypeError);
  await assertRejects(() => queue.redrive([1, 0]), RangeError);
  const slow = [Number.MIN_VALUE, 1e-300, 0.99 / 86_400];
  const wrong = [0, -1, Number.NaN, "1" as unknown as number];
  for (const perSecond of [...slow, ...wrong]) {
    await assertRejects(() => queue.redrive("all", { perSecond }), RangeError);
  }
  const other = { perHour: 1 } as object;
  await assertRejects(() => queue.redrive("all", other), TypeError);
  assertEquals(queue.sequence, before);
  assertEquals(await queue.redrive("all", { perSecond: 1 / 86_400 }), 1);
});
