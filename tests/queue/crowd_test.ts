import { assertEquals } from "@std/assert";
import { onlyStrings } from "../support/schema.ts";
import { size } from "../support/size.ts";
import { TestQueue } from "../support/queue.ts";

/** The consumers that wait at once. */
const CROWD = size(2_000, 150_000);

Deno.test("MiniQueue buries what its schema rejects in a few records, however many consumers wait", async () => {
  const test = new TestQueue<unknown>();
  {
    await using before = await test.open();
    const some = Array.from({ length: CROWD }, (_, payload) => ({ payload }));
    await before.enqueueBatch(some);
  }
  await using queue = await test.open({ schema: onlyStrings });
  const leave = new AbortController();
  const options = { waitMs: Infinity, signal: leave.signal };
  let writes = 0;
  test.fs.hooks.before = ({ operation }) => {
    if (operation === "write") writes++;
    return undefined;
  };
  const [first, ...others] = Array.from(
    { length: CROWD },
    () => queue.receive(options),
  );
  const letIn = queue.enqueue("fine");
  assertEquals((await first)?.payload, "fine");
  await letIn;
  const { dead, ready, inFlight } = await queue.stats();
  assertEquals([dead, ready, inFlight], [CROWD, 0, 1]);
  // Each buries a thousand.
  const most = 2 * CROWD / 1_000 + 10;
  assertEquals(writes <= most, true, `${writes} writes, and not ${most}`);
  leave.abort("enough");
  const left = await Promise.allSettled(others);
  assertEquals(left.filter(({ status }) => status === "fulfilled"), []);
});

Deno.test("MiniQueue.receiveBatch() gives 100,000 at once, and the others next", async () => {
  await using queue = await new TestQueue<number>().open();
  for (let batch = 0; batch < 2; batch++) {
    const some = Array.from({ length: 50_001 }, (_, payload) => ({ payload }));
    await queue.enqueueBatch(some);
  }
  const [many, others] = await Promise.all([
    queue.receiveBatch(2_000_000),
    queue.receiveBatch(2_000_000),
  ]);
  assertEquals([many.length, others.length], [100_000, 2]);
});
