// Entries that a program may apply to a ledger in a state of its own.
import { type LedgerEntry, MiniQueue } from "@mini/state/queue";
import { assertEquals } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { openShop } from "../support/shop.ts";

async function open(payloads: readonly string[], group?: string) {
  const shop = await openShop();
  const clock = new FakeClock();
  const queue = await MiniQueue.attach(shop, "jobs", { clock });
  for (const payload of payloads) {
    await queue.enqueue(payload, group === undefined ? {} : { group });
  }
  let at = clock.wall();
  /** Applies an entry of version 2, a millisecond later each time. */
  const enter = (event: object) =>
    shop.apply({ jobs: { at: at++, v: 2, ...event } as LedgerEntry<string> });
  const payloadsIn = async () =>
    (await queue.peek(9_999)).map(({ payload }) => payload);
  return { shop, queue, clock, enter, payloadsIn };
}

Deno.test("an entry cancels messages that wait, wherever they are, and skips those that are not there", async () => {
  const { queue, enter, payloadsIn } = await open(["a", "b", "c", "d"], "g");
  await queue.enqueue("later", { delayMs: 1_000 });
  await queue.peek();
  await enter({ cancel: [{ id: 2 }, { id: 77 }] });
  assertEquals(await payloadsIn(), ["a", "c", "d", "later"]);
  const { blocked, delayed } = await queue.stats();
  assertEquals([blocked, delayed], [2, 1]);
  await enter({ cancel: [{ id: 1, reason: "no" }, { id: 5 }] });
  assertEquals(await payloadsIn(), ["c", "d"]);
  assertEquals(await queue.stats(), {
    ready: 1,
    blocked: 1,
    delayed: 0,
    inFlight: 0,
    dead: 0,
    paused: false,
  });
  assertEquals((await queue.receive())?.payload, "c");
});

Deno.test("an entry cancels a message in flight: the next of its group is delivered", async () => {
  const { queue, enter } = await open(["a", "b"], "g");
  const first = await queue.receive();
  await enter({ cancel: [{ id: 1 }] });
  assertEquals((await queue.receive())?.payload, "b");
  assertEquals(first?.isCurrent, false);
});

Deno.test("a queue remains exact after thousands of cancellations", async () => {
  const all = Array.from({ length: 1_000 }, (_, n) => `${n}`);
  const { queue, enter, payloadsIn } = await open([]);
  await queue.enqueueBatch(all.map((payload, n) => ({
    payload,
    ...(n % 2 === 0 && { delayMs: 1_000 + n }),
  })));
  await queue.peek();
  for (let id = 1; id <= 990; id++) await enter({ cancel: [{ id }] });
  const { ready, delayed } = await queue.stats();
  assertEquals([ready, delayed], [5, 5]);
  const odd = all.slice(990).filter((_, n) => n % 2 === 1);
  const even = all.slice(990).filter((_, n) => n % 2 === 0);
  assertEquals(await payloadsIn(), [...odd, ...even]);
});

Deno.test("an entry changes a message that waits, and keeps its place in its group", async () => {
  const { queue, clock, enter, payloadsIn } = await open(["a", "b", "c"], "g");
  await queue.peek();
  await enter({ update: [{ id: 2, payload: "B" }, { id: 1, due: 0 }] });
  assertEquals(await payloadsIn(), ["a", "B", "c"]);
  await enter({ update: [{ id: 1, due: clock.wall() + 1_000 }] });
  assertEquals((await queue.stats()).delayed, 1);
  assertEquals(await queue.receive(), undefined);
  clock.advance(1_000);
  assertEquals((await queue.receive())?.payload, "a");
  await enter({ update: [{ id: 1, payload: "in flight" }, { id: 77 }] });
  assertEquals((await queue.stats()).inFlight, 1);
});

Deno.test("an entry changes the order of those that wait, and ends the waiting for a date", async () => {
  const { queue, clock, enter, payloadsIn } = await open(["a", "b"]);
  await queue.enqueue("dated", { at: new Date(clock.wall() + 1_000) });
  await queue.peek();
  await enter({ update: [{ id: 2, priority: 1 }, { id: 3, due: 0 }] });
  assertEquals(await payloadsIn(), ["b", "a", "dated"]);
  assertEquals((await queue.stats()).delayed, 0);
  for (let times = 0; times < 200; times++) {
    await enter({ update: [{ id: 1, priority: times }] });
  }
  assertEquals(await payloadsIn(), ["a", "b", "dated"]);
});

Deno.test("an entry notes how far a delivery is, and no other", async () => {
  const { shop, queue, enter } = await open(["a"]);
  await queue.receive();
  await enter({ progress: [{ id: 1, receipt: 1, progress: 50 }] });
  await enter({ progress: [{ id: 1, receipt: 2, progress: 99 }] });
  await enter({ progress: [{ id: 2, receipt: 1, progress: 99 }] });
  assertEquals(shop.state.jobs.messages[1]?.progress, 50);
});

Deno.test("a ledger keeps finished messages within the limits of its last policy", async () => {
  const { shop, enter } = await open(["a", "b", "c", "d", "e"]);
  const finished = () => Object.keys(shop.state.jobs.finished ?? {});
  const ack = (id: number) =>
    enter({ settle: [{ id, receipt: 1, as: "acked", result: id }] });
  await enter({ receive: [1, 2, 3, 4, 5] });
  await ack(1);
  assertEquals(finished(), []);
  await enter({ policy: { finished: { count: 2 } } });
  await ack(5);
  await ack(2);
  assertEquals(finished(), ["2", "5"]);
  await ack(3);
  assertEquals(finished(), ["2", "3"]);
  assertEquals(shop.state.jobs.finished?.[3]?.result, 3);
  const { size } = shop.state.jobs.finished![3]!;
  await enter({ policy: { finished: { bytes: 2 * size - 1 } } });
  assertEquals(finished(), ["3"]);
  await enter({ policy: { finished: { ageMs: 2 } } });
  assertEquals(finished(), []);
  await enter({ cancel: [{ id: 4, reason: "no" }] });
  assertEquals(shop.state.jobs.finished?.[4]?.as, "cancelled");
  await enter({ policy: {} });
  assertEquals(shop.state.jobs.finished, undefined);
  await enter({ policy: { finished: { count: 9 } } });
  await enter({ purge: "all" });
  assertEquals(shop.state.jobs.finished, undefined);
});

Deno.test("a ledger keeps dead letters within the limits of its last policy", async () => {
  const { shop, queue, enter } = await open(["a", "b", "c", "d"]);
  const dead = () => Object.keys(shop.state.jobs.dead);
  const die = (id: number) =>
    enter({ settle: [{ id, receipt: 1, as: "dead" }] });
  await enter({ receive: [1, 2, 3, 4] });
  await queue.deadLetters();
  await die(2);
  await die(1);
  await enter({ policy: { dead: { count: 2 } } });
  await die(3);
  assertEquals(dead(), ["1", "3"]);
  await enter({ redrive: [1] });
  await die(4);
  assertEquals(dead(), ["3", "4"]);
  await enter({ purge: [3] });
  assertEquals(dead(), ["4"]);
  await enter({ policy: { dead: { ageMs: 1 } } });
  assertEquals(dead(), []);
  assertEquals((await queue.stats()).dead, 0);
});

Deno.test("an entry is entered once: what has ended is not enqueued again while it is kept", async () => {
  const { shop, enter } = await open(["a"]);
  await enter({ policy: { finished: { count: 1 } } });
  await enter({ cancel: [{ id: 1 }] });
  await enter({ enqueue: [{ id: 1, payload: "again" }] });
  assertEquals(shop.state.jobs.messages, {});
});
