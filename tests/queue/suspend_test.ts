// The time that the machine is suspended for counts; a jump of the wall clock does not.
import { assert, assertEquals } from "@std/assert";
import { type MiniQueue, systemClock } from "@mini/state/queue";
import type { FakeClock } from "../support/fake_clock.ts";
import { drain, TestQueue } from "../support/queue.ts";

const HOUR = 3_600_000;

/** A queue with a message that is due in an hour, and a key that holds for as long. */
async function delayed(change: (clock: FakeClock) => void = () => {}) {
  const test = new TestQueue<string>({ dedupeWindowMs: HOUR });
  change(test.clock);
  const queue = await test.open();
  await queue.enqueue("delayed", { delayMs: HOUR, dedupeKey: "k" });
  return { test, queue };
}

async function isKeptOut(queue: MiniQueue<string>): Promise<boolean> {
  return (await queue.enqueue("other", { dedupeKey: "k" })).deduplicated;
}

Deno.test("MiniQueue: delays and dedupe windows end while the machine is suspended", async () => {
  const { test, queue } = await delayed();
  test.clock.suspend(HOUR - 1);
  assertEquals(await queue.receive(), undefined);
  assertEquals(await isKeptOut(queue), true);
  test.clock.suspend(8 * HOUR);
  assertEquals((await queue.stats()).ready, 1);
  assertEquals(await drain(queue), ["delayed"]);
  assertEquals(await isKeptOut(queue), false);
  await queue.close();
});

Deno.test("MiniQueue: who waits is given what has become due while the machine was suspended", async () => {
  const { test, queue } = await delayed();
  const waiting = queue.receive({ waitMs: Infinity });
  await queue.stats();
  test.clock.suspend(8 * HOUR);
  test.clock.advance(10_000);
  assertEquals((await waiting)?.payload, "delayed");
  await queue.close();
});

for (const how of ["reopenClosed", "reopenKilled"] as const) {
  Deno.test(`MiniQueue: a suspend counts once, whatever comes behind it: ${how}`, async () => {
    const { test, queue } = await delayed();
    test.clock.suspend(HOUR / 2);
    await queue.enqueue("later", { delayMs: HOUR });
    const again = how === "reopenClosed"
      ? await test.reopenClosed(queue)
      : await test.reopenKilled();
    test.clock.advance(HOUR / 2 - 1);
    assertEquals(await drain(again), []);
    test.clock.advance(1);
    assertEquals(await drain(again), ["delayed"]);
    test.clock.advance(HOUR / 2 - 1);
    assertEquals(await drain(again), []);
    test.clock.advance(1);
    assertEquals(await drain(again), ["later"]);
    await again.close();
  });
}

Deno.test("MiniQueue: a suspend counts also where the wall clock is set back by as much", async () => {
  const { test, queue } = await delayed();
  const wall = test.clock.wall();
  test.clock.suspend(8 * HOUR);
  test.clock.setWall(wall);
  assertEquals(await queue.receive(), undefined);
  test.clock.advance(10_000);
  assertEquals(await drain(queue), ["delayed"]);
  await queue.close();
});

Deno.test("MiniQueue: a suspend ends no lease: the consumer had no time either", async () => {
  const { test, queue } = await delayed();
  await queue.enqueue("in flight");
  const message = await queue.receive();
  test.clock.suspend(8 * HOUR);
  await queue.stats();
  await message!.ack();
  await queue.close();
});

for (
  const [what, uptime] of [
    ["has no uptime", undefined],
    ["does not know its uptime", () => undefined],
    ["has an uptime that is no number", () => NaN],
  ] as const
) {
  Deno.test(`MiniQueue: where the clock ${what}, a suspend stretches a delay as a jump of the wall clock does`, async () => {
    const { test, queue } = await delayed((clock) =>
      Object.assign(clock, { uptime })
    );
    const waiting = queue.receive({ waitMs: Infinity });
    await queue.stats();
    test.clock.suspend(8 * HOUR);
    test.clock.advance(HOUR - 1);
    assertEquals((await queue.stats()).ready, 0);
    test.clock.advance(1);
    assertEquals((await waiting)?.payload, "delayed");
    await queue.close();
  });
}

Deno.test("MiniQueue: a suspend counts from when the uptime is known", async () => {
  const { test, queue } = await delayed((clock) =>
    Object.assign(clock, { uptime: () => undefined })
  );
  test.clock.suspend(8 * HOUR);
  assertEquals(await queue.receive(), undefined);
  Reflect.deleteProperty(test.clock, "uptime");
  test.clock.advance(10_000);
  assertEquals(await queue.receive(), undefined);
  test.clock.suspend(8 * HOUR);
  assertEquals(await drain(queue), ["delayed"]);
  await queue.close();
});

Deno.test("MiniQueue: an uptime in whole seconds makes no time out of nothing", async () => {
  const { test, queue } = await delayed((clock) => {
    const { uptime } = clock;
    const inSeconds = () => 1_000 * Math.floor(uptime.call(clock)! / 1_000);
    Object.assign(clock, { uptime: inSeconds });
  });
  const STEP = 10_999;
  let passed = 0;
  for (; passed + STEP < HOUR; passed += STEP) {
    test.clock.advance(STEP);
    assertEquals((await queue.stats()).ready, 0);
  }
  test.clock.advance(HOUR - 1 - passed);
  assertEquals((await queue.stats()).ready, 0);
  test.clock.advance(1);
  assertEquals((await queue.stats()).ready, 1);
  await queue.close();
});

Deno.test({
  name: "systemClock.uptime() gives how long the machine has been up",
  permissions: { sys: ["osUptime"] },
  fn() {
    assert(systemClock.uptime!()! > 0);
  },
});

Deno.test({
  name: "systemClock.uptime() asks nobody for a permission",
  permissions: { sys: false },
  fn() {
    assertEquals(systemClock.uptime!(), undefined);
  },
});
