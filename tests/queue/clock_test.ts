import { assertEquals } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { FakeClock } from "../support/fake_clock.ts";
import { drain, TestQueue } from "../support/queue.ts";
import { openShop } from "../support/shop.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** A queue with a message in flight and one that is due in two hours. */
async function inFlightAndDelayed(wall?: number) {
  const test = new TestQueue<string>({ visibilityTimeoutMs: HOUR });
  if (wall !== undefined) test.clock = new FakeClock(wall);
  const queue = await test.open();
  await queue.enqueue("in flight");
  await queue.receive();
  await queue.enqueue("delayed", { delayMs: 2 * HOUR });
  return { test, queue };
}

for (
  const [name, jump] of [
    ["back an hour", -HOUR],
    ["ahead a year", YEAR],
    ["back to 1970", -56 * YEAR],
  ] as const
) {
  Deno.test(`MiniQueue: a wall clock that jumps ${name} changes no lease and no delay`, async () => {
    const { test, queue } = await inFlightAndDelayed();
    test.clock.setWall(test.clock.wall() + jump);
    assertEquals(await queue.receive(), undefined);
    test.clock.advance(HOUR - 1);
    assertEquals(await queue.receive(), undefined);
    test.clock.advance(1);
    assertEquals(await drain(queue), ["in flight"]);
    test.clock.advance(HOUR);
    assertEquals(await drain(queue), ["delayed"]);
    await queue.close();
  });

  Deno.test(`MiniQueue: after a wall clock that has jumped ${name} a restart counts only the time that has passed`, async () => {
    const { test, queue } = await inFlightAndDelayed();
    test.clock.setWall(test.clock.wall() + jump);
    const again = await test.reopenClosed(queue);
    assertEquals(await drain(again), ["in flight"]);
    test.clock.advance(2 * HOUR - 1);
    assertEquals(await drain(again), []);
    test.clock.advance(1);
    assertEquals(await drain(again), ["delayed"]);
    await again.close();
  });
}

Deno.test("MiniQueue.close() of a queue in a state has a jump of the wall clock on record when it resolves", async () => {
  await using shop = await openShop();
  const clock = new FakeClock();
  const queue = await MiniQueue.attach(shop, "jobs", { clock });
  await queue.enqueue("a");
  clock.setWall(clock.wall() + HOUR);
  const { drift } = shop.state.jobs;
  await queue.close();
  assertEquals(shop.state.jobs.drift, drift + HOUR);
});

Deno.test("MiniQueue: the time that it was closed for counts", async () => {
  const { test, queue } = await inFlightAndDelayed();
  await queue.close();
  test.clock.advance(2 * HOUR);
  const again = await test.reopenKilled();
  assertEquals(await drain(again), ["in flight", "delayed"]);
  await again.close();
});

Deno.test("MiniQueue: a machine that starts in 1970 keeps its delays, and they end", async () => {
  const { test, queue } = await inFlightAndDelayed();
  await queue.close();
  test.clock.setWall(1_000);
  const again = await test.reopenKilled();
  assertEquals(await drain(again), ["in flight"]);
  test.clock.advance(2 * HOUR - 1);
  assertEquals(await drain(again), []);
  test.clock.advance(1);
  assertEquals(await drain(again), ["delayed"]);
  await again.close();
});

Deno.test("MiniQueue: a queue that was made in 1970 redelivers nothing early once the clock is set", async () => {
  const { test, queue } = await inFlightAndDelayed(5_000);
  test.clock.setWall(Date.UTC(2026, 0, 1));
  const again = await test.reopenClosed(queue);
  assertEquals(await drain(again), ["in flight"]);
  test.clock.advance(2 * HOUR);
  assertEquals(await drain(again), ["delayed"]);
  await again.close();
});

Deno.test("MiniQueue: a dedupe window outlasts a clock that goes back", async () => {
  const test = new TestQueue<string>({ dedupeWindowMs: HOUR });
  const queue = await test.open();
  await queue.enqueue("a", { dedupeKey: "k" });
  test.clock.setWall(test.clock.wall() - DAY);
  const again = await test.reopenClosed(queue);
  assertEquals(
    (await again.enqueue("b", { dedupeKey: "k" })).deduplicated,
    true,
  );
  test.clock.advance(HOUR);
  assertEquals(
    (await again.enqueue("c", { dedupeKey: "k" })).deduplicated,
    false,
  );
  await again.close();
});
