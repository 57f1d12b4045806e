import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  type LedgerHost,
  MiniQueue,
  type QueueEvent,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { errorOf } from "../support/journal.ts";
import { turns } from "../support/queue.ts";
import { settled } from "../support/schedule.ts";
import { ABORTED, openShop, withoutPast } from "../support/shop.ts";

const plain = <T>(events: readonly QueueEvent<T>[]) =>
  events.map(({ seq, id, type }) => [seq, id, type]);

const firstOf = <E>(events: AsyncIterable<E>) =>
  events[Symbol.asyncIterator]().next();

Deno.test("MiniQueue.events() ends with the failure of its state", async () => {
  const fs = new MemoryFileSystem();
  const shop = await openShop(fs);
  const queue = await MiniQueue.attach(shop, "jobs");
  const events = firstOf(queue.events());
  const outcome = queue.enqueue("a").then(({ id }) => queue.outcome(id));
  await events;
  const rest = errorOf(firstOf(queue.events()));
  const ended = errorOf(outcome);
  await turns();
  fs.hooks.before = ({ operation }) =>
    operation === "read" ? { code: "EIO" } : undefined;
  const jobs = { at: 1, enqueue: [{ id: 99, payload: "never" }] };
  assertEquals(
    (await errorOf(shop.apply({ jobs, fail: true }))).code,
    "POISONED",
  );
  assertEquals((await rest).code, "POISONED");
  assertEquals((await ended).code, "POISONED");
  await queue.close().catch(() => {});
  await shop.close().catch(() => {});
});

Deno.test("MiniQueue.events() tells all that is on record once its queue is closed, where each record makes another state", async () => {
  await using shop = await openShop(undefined, { immutable: true });
  const queue = await MiniQueue.attach(shop, "jobs");
  const events = Array.fromAsync(queue.events());
  await queue.enqueue("a");
  await (await queue.receive())?.deadLetter("no");
  await queue.close();
  const types = (await events).map(({ type }) => type);
  assertEquals(types, ["enqueued", "delivered", "dead"]);
});

Deno.test("MiniQueue.events() tells nothing of a record that was aborted", async () => {
  await using shop = await openShop();
  const clock = new FakeClock();
  const queue = await MiniQueue.attach(shop, "jobs", { clock });
  const events = Array.fromAsync(queue.events());
  await queue.enqueue("a");
  const aborted = {
    jobs: { at: 1, enqueue: [{ id: 99, payload: "never" }] },
    fail: true,
  };
  assertEquals((await errorOf(shop.apply(aborted))).code, "ABORTED_MUTATION");
  await queue.enqueue("b");
  const message = await queue.receive();
  await message?.ack();
  await queue.close();
  assertEquals(plain(await events).map(([, id, type]) => `${id} ${type}`), [
    "1 enqueued",
    "2 enqueued",
    "1 delivered",
    "1 done",
  ]);
});

Deno.test("MiniQueue.events() continues with the log each time that the state was rebuilt before a reader was told", async () => {
  await using shop = await openShop();
  const queue = await MiniQueue.attach(shop, "jobs");
  const events = Array.fromAsync(queue.events(), ({ type }) => type);
  // It is awaited later.
  events.catch(() => {});
  /** Has the record of a call told only by the log. */
  const unseen = async (call: Promise<unknown> | undefined) => {
    const aborted = errorOf(shop.apply(ABORTED));
    await call;
    assertEquals((await aborted).code, "ABORTED_MUTATION");
    await settled();
  };
  await unseen(queue.enqueue("a"));
  const message = await queue.receive();
  await settled();
  await unseen(message?.ack());
  await queue.close();
  assertEquals(await events, ["enqueued", "delivered", "done"]);
});

Deno.test("MiniQueue.events() begins at any record, also of several that were written together", async () => {
  await using shop = await openShop();
  const queue = await MiniQueue.attach(shop, "jobs");
  const all = Array.fromAsync(queue.events());
  await settled();
  await Promise.all(["a", "b", "c"].map((each) => queue.enqueue(each)));
  await settled();
  const { value: second } = await firstOf(queue.events({ from: 2 }));
  assertEquals([second!.seq, second!.id], [2, 2]);
  await queue.close();
  assertEquals(plain(await all), [1, 2, 3].map((n) => [n, n, "enqueued"]));
});

Deno.test("MiniQueue.events() ends where the state has no ledger any more", async () => {
  await using shop = await StateManager.open("/data", {
    fs: new MemoryFileSystem(),
    initial: (): { jobs?: Ledger<string> } => ({ jobs: emptyLedger<string>() }),
    apply: (state, { jobs }: { jobs: LedgerEntry<string> | null }) => {
      if (jobs === null) delete state.jobs;
      else applyToLedger(state.jobs!, jobs);
    },
  });
  type Host = LedgerHost<
    { jobs: Ledger<string> },
    { jobs: LedgerEntry<string> }
  >;
  const queue = await MiniQueue.attach(shop as unknown as Host, "jobs");
  const next = firstOf(queue.events());
  await turns();
  await shop.apply({ jobs: null });
  await assertRejects(() => next, TypeError);
  await queue.close().catch(() => {});
});

Deno.test("MiniQueue.events() of a state without a past tells what is to come, and no more", async () => {
  await using shop = await openShop();
  const host = withoutPast(shop);
  const queue = await MiniQueue.attach(host, "jobs");
  await queue.enqueue("a");
  const past = queue.events({ from: 1 })[Symbol.asyncIterator]().next();
  assertEquals((await errorOf(past)).code, "COMPACTED");
  const next = Array.fromAsync(queue.events());
  await queue.enqueue("b");
  await queue.close();
  assertEquals(plain(await next).map(([, id]) => id), [2]);
});

Deno.test("MiniQueue.events() of a state whose past is gone says from where on it cannot tell", async () => {
  await using shop = await openShop();
  const gone = new MiniError("COMPACTED", "its snapshot is gone");
  const host = withoutPast(shop, () => Promise.reject(gone));
  const queue = await MiniQueue.attach(host, "jobs");
  await queue.enqueue("a");
  const past = queue.events({ from: 1 })[Symbol.asyncIterator]().next();
  const { code, cause, message } = await errorOf(past);
  assertEquals([code, cause], ["COMPACTED", gone]);
  assertStringIncludes(message, "the events from record 1 on");
  await queue.close();
});
