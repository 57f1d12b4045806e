// Where a dead letter came from: what its handler has thrown.
import { assert, assertEquals } from "@std/assert";
import {
  applyToLedger,
  DeadLetterError,
  emptyLedger,
  type Handler,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "../support/fake_clock.ts";
import { TestQueue } from "../support/queue.ts";

class PaymentDeclined extends Error {}

/** Lets a handler handle a number of deliveries; it is told of the last. */
async function handle<M>(
  queue: MiniQueue<number, unknown, M>,
  count: number,
  handler: (payload: number) => unknown,
): Promise<void> {
  const stop = new AbortController();
  let handled = 0;
  const last: Handler<number, unknown, M> = ({ payload }) => {
    if (++handled > count) return stop.abort();
    if (handled === count) queue.enqueue(0);
    return handler(payload);
  };
  await queue.work(last, { signal: stop.signal });
}

async function thrownBy(
  ...thrown: readonly unknown[]
): Promise<{ error: Thrown | undefined; json: string }[]> {
  await using queue = await new TestQueue<number>({ maxAttempts: 1 }).open();
  await queue.enqueueBatch(thrown.map((_, payload) => ({ payload })));
  await handle(queue, thrown.length, (payload) => {
    throw thrown[payload];
  });
  const dead = await queue.deadLetters();
  return dead.map(({ error }) => ({ error, json: JSON.stringify(error) }));
}

type Thrown = NonNullable<
  Awaited<ReturnType<MiniQueue<number>["deadLetters"]>>[number]["error"]
>;

function logOf(fs: MemoryFileSystem): string[] {
  const text = new TextDecoder().decode(fs.content("/data/journal.jsonl"));
  return text.split("\n").filter((line) => line.includes('"settle"'));
}

Deno.test("MiniQueue: a dead letter keeps what was thrown, where, and its cause, across a restart and a snapshot", async () => {
  const test = new TestQueue<number>({ maxAttempts: 2, backoff: () => 0 });
  let queue = await test.open();
  await queue.enqueue(1);
  await handle(queue, 2, () => {
    throw new PaymentDeclined("card 4", { cause: new TypeError("no route") });
  });
  const check = async () => {
    const [dead] = await queue.deadLetters();
    const { name, message, stack, cause } = dead!.error!;
    assertEquals([name, message], ["PaymentDeclined", "card 4"]);
    assert(stack?.startsWith("    at "), stack);
    assert(stack?.includes("origin_test.ts"), stack);
    assertEquals([cause?.name, cause?.message], ["TypeError", "no route"]);
    assert(cause?.stack?.includes("origin_test.ts"), cause?.stack);
  };
  await check();
  // Deliveries that are tried again keep the reason alone.
  const [retried, ...others] = logOf(test.fs);
  assert(!retried!.includes('"error"') && !retried!.includes('"v"'), retried);
  const [dead] = others.filter((line) => line.includes('"as":"dead"'));
  assert(/"data":\{"apply":\{"at":\d+,"v":2,"settle":/.test(dead!), dead);
  await queue.compact();
  queue = await test.reopenClosed(queue);
  await check();
  queue = await test.reopenKilled();
  await check();
  await queue.redrive("all");
  await (await queue.receive())!.deadLetter("by hand");
  const [again] = await queue.deadLetters();
  assertEquals(Object.hasOwn(again!, "error"), false);
  await queue.close();
});

Deno.test("MiniQueue: an entry that says nothing new has no version, beside one that does", async () => {
  const test = new TestQueue<number>({ maxAttempts: 1 });
  await using queue = await test.open();
  await queue.enqueueBatch([1, 2, 3].map((payload) => ({ payload })));
  const stop = new AbortController();
  const all = Promise.withResolvers<void>();
  let handled = 0;
  await queue.work(async ({ payload }) => {
    if (++handled === 3) all.resolve();
    await all.promise;
    if (payload === 2) throw new DeadLetterError("no");
    if (payload === 3) stop.abort();
  }, { concurrency: 3, signal: stop.signal });
  const versions = logOf(test.fs).map((line) => line.includes('"v":2'));
  const deaths = logOf(test.fs).map((line) => line.includes('"as":"dead"'));
  assertEquals(versions, deaths);
  assertEquals(versions.filter(Boolean).length, 1);
  const [dead] = await queue.deadLetters();
  assertEquals([dead?.reason, dead?.error?.name], ["no", "DeadLetterError"]);
});

Deno.test("MiniQueue.attach(): a dead letter keeps what was thrown", async () => {
  const fs = new MemoryFileSystem();
  type Change = { readonly jobs: LedgerEntry<number> };
  const open = () =>
    StateManager.open<{ jobs: Ledger<number> }, Change>("/data", {
      fs,
      initial: () => ({ jobs: emptyLedger<number>() }),
      apply: (state, { jobs }) => applyToLedger(state.jobs, jobs),
    });
  {
    await using shop = await open();
    const options = { clock: new FakeClock(), maxAttempts: 1 };
    await using jobs = await MiniQueue.attach(shop, "jobs", options);
    await jobs.enqueue(1);
    assertEquals(shop.state.jobs.v, 1);
    await handle(jobs, 1, () => {
      throw new RangeError("too far");
    });
    assertEquals(shop.state.jobs.v, 2);
  }
  await using shop = await open();
  const [dead] = Object.values(shop.state.jobs.dead);
  assertEquals(dead?.error?.message, "too far");
});

Deno.test("MiniQueue: what a dead letter keeps is bounded, whatever was thrown", async () => {
  const long = "x".repeat(3_000_000);
  const deep = (level: number): Error =>
    new Error(long, level === 0 ? {} : { cause: deep(level - 1) });
  const circle = new Error("round");
  circle.cause = circle;
  const stacked = Object.assign(new Error("a"), { stack: `Error: a\n${long}` });
  const unread = { errors: Proxy.revocable([], {}) };
  unread.errors.revoke();
  const all = await thrownBy(deep(20), circle, stacked, {
    message: "hides",
    errors: unread.errors.proxy,
  });
  assert(all.every(({ json }) => json.length < 20_000));
  const [long1, round, cut, hides] = all.map(({ error }) => error!);
  assert(long1!.stack!.startsWith("    at "), long1!.stack);
  assertEquals(long1!.cause!.cause!.cause!.cause!.cause, undefined);
  assertEquals([round!.message, round!.cause], ["round", undefined]);
  assertEquals(cut!.stack!.length, 2_000);
  assertEquals(hides!.message, "hides");
});

Deno.test("MiniQueue: a dead letter keeps what was thrown that is no error, and the first of several causes", async () => {
  const bare = Object.assign(new Error("bare"), { stack: undefined });
  const all = await thrownBy(
    { code: "E" },
    undefined,
    bare,
    new AggregateError([new Error("a"), new Error("b")]),
  );
  const [object, nothing, stackless, several] = all.map(({ error }) => error!);
  assertEquals(object, { name: "Object", message: '{"code":"E"}' });
  assertEquals(nothing, {
    name: "undefined",
    message: "undefined was thrown",
  });
  assertEquals(stackless, { name: "Error", message: "bare" });
  assertEquals(several!.cause?.message, "a");
});
