// How a queue gets rid of what it has done, where that fails at times.
import { assert, assertEquals } from "@std/assert";
import type { MiniQueue } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import { errorOf } from "../support/journal.ts";
import { TestQueue } from "../support/queue.ts";

const PAYLOAD = "x".repeat(1_000);

class WeightyQueue extends TestQueue<string> {
  /** Whether the disk has no space for a snapshot. */
  isFull = false;

  constructor() {
    super();
    this.fs.hooks.before = ({ operation, path }) =>
      this.isFull && operation === "write" && path.includes("snapshot")
        ? { code: "ENOSPC" }
        : undefined;
  }

  async sizeBytes(): Promise<number> {
    let sum = 0;
    for (const name of await this.fs.list("/data")) {
      sum += (await this.fs.stat(`/data/${name}`))!.sizeBytes;
    }
    return sum;
  }
}

/** Has messages enqueued and received, and all but a few acknowledged. */
async function work(
  queue: MiniQueue<string>,
  count: number,
  unfinished = 0,
): Promise<void> {
  await queue.enqueueBatch(
    Array.from({ length: count }, () => ({ payload: PAYLOAD })),
  );
  const batch = await queue.receiveBatch(count);
  assertEquals(batch.length, count);
  const finished = batch.slice(unfinished);
  await Promise.all(finished.map((message) => message.ack()));
}

Deno.test("MiniQueue compacts by itself also where compact() fails again and again", async () => {
  const test = new WeightyQueue();
  await using queue = await test.open();
  for (let round = 0; round < 20; round++) {
    await work(queue, 1_000);
    test.isFull = true;
    assertEquals((await errorOf(queue.compact())).code, "NO_SPACE");
    test.isFull = false;
  }
  assert(await test.sizeBytes() < 10_000_000, `${await test.sizeBytes()}`);
});

Deno.test("MiniQueue compacts by itself also behind several compact() at once", async () => {
  const test = new WeightyQueue();
  await using queue = await test.open();
  for (let round = 0; round < 4; round++) await work(queue, 1_000);
  await Promise.all([queue.compact(), queue.compact(), queue.compact()]);
  for (let round = 0; round < 12; round++) await work(queue, 1_000);
  assert(await test.sizeBytes() < 10_000_000, `${await test.sizeBytes()}`);
});

Deno.test("MiniQueue.compact() makes one snapshot where those it made by itself have left little", async () => {
  const test = new WeightyQueue();
  await using queue = await test.open();
  for (let round = 0; round < 8; round++) await work(queue, 1_000);
  await queue.enqueueBatch(
    Array.from({ length: 2_500 }, () => ({ payload: PAYLOAD })),
  );
  let renames = 0;
  test.fs.hooks.before = ({ operation, path }) => {
    if (operation === "rename" && path.includes("snapshot")) renames++;
    return undefined;
  };
  await queue.compact();
  assertEquals(renames, 1);
});

Deno.test("MiniQueue.compact() leaves as little behind one that has failed as it does behind none", async () => {
  const test = new WeightyQueue();
  await using queue = await test.open();
  await queue.compact();
  await work(queue, 1_000);
  test.isFull = true;
  assertEquals((await errorOf(queue.compact())).code, "NO_SPACE");
  test.isFull = false;
  await queue.compact();
  assert(await test.sizeBytes() < 10_000, `${await test.sizeBytes()}`);
});

Deno.test("MiniQueue.compact() leaves as little behind an opening that could not compact", async () => {
  const test = new WeightyQueue();
  const before = await test.open();
  await before.compact();
  await work(before, 1_000);
  test.isFull = true;
  await using queue = await test.reopenClosed(before);
  test.isFull = false;
  await queue.compact();
  assert(await test.sizeBytes() < 10_000, `${await test.sizeBytes()}`);
});

Deno.test("MiniQueue opens where a snapshot is due, and nothing says whether the last entry had been applied", async () => {
  const test = new TestQueue<string>();
  const log = await MiniStore.open("/data/journal.jsonl", { fs: test.fs });
  const enqueue = Array.from(
    { length: 10_000 },
    (_, index) => ({ id: index + 1, payload: "x" }),
  );
  await log.append({ apply: { at: 1, enqueue } });
  await log.append({ apply: { at: 2, purge: "all" } });
  const settle = [{ id: 1, receipt: 1, as: "acked" }];
  await log.append({ apply: { at: 3, settle } });
  await log.close({ applied: 2 });
  await using queue = await test.open();
  assertEquals((await queue.enqueue("y")).id, 10_001);
});

Deno.test("MiniQueue shrinks on opening also where it takes messages back", async () => {
  const test = new WeightyQueue();
  const before = await test.open();
  await before.compact();
  await work(before, 3_335, 8);
  await using queue = await test.reopenKilled();
  assertEquals((await queue.stats()).ready, 8);
  assert(await test.sizeBytes() < 50_000, `${await test.sizeBytes()}`);
});

Deno.test("MiniQueue.compact() keeps no key that has run out, whatever stands before it", async () => {
  const DAY = 24 * 3_600_000;
  const test = new TestQueue<string>();
  const before = await test.open({ dedupeWindowMs: 30 * DAY });
  await before.enqueue("long", { dedupeKey: "long" });
  const queue = await test.reopenClosed(before, { dedupeWindowMs: 1_000 });
  await queue.enqueueBatch(
    Array.from({ length: 2_000 }, (_, index) => ({
      payload: "short",
      dedupeKey: `short ${index}`,
    })),
  );
  const keys = () => {
    const newest = test.fs.names("/data").filter((name) =>
      name.endsWith(".json")
    ).at(-1);
    const text = new TextDecoder().decode(test.fs.content(`/data/${newest}`));
    return text.split('\n{"dedupe":').length - 1;
  };
  await queue.compact();
  assertEquals(keys(), 2_001);
  test.clock.advance(1_001);
  // Also where there is no room to say that the time has passed.
  test.fs.hooks.before = ({ operation }) =>
    operation === "write" ? { code: "ENOSPC" } : undefined;
  assertEquals((await errorOf(queue.compact())).code, "NO_SPACE");
  test.fs.hooks = {};
  await queue.compact();
  assertEquals(keys(), 1);
  await queue.close();
});
