import { assertEquals } from "@std/assert";
import {
  applyToLedger,
  DeadLetterError,
  emptyLedger,
  type LedgerEntry,
  MiniQueue,
  type ProcessMessage,
  RetryLaterError,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { Listener } from "../support/listener.ts";
import { TestQueue, turns } from "../support/queue.ts";
import { onStart, POINTS, sent, told, TRACED } from "../support/told.ts";

Deno.test("a queue tells what its handlers do, and how each ended", async () => {
  const test = new TestQueue<string>({
    maxAttempts: 2,
    backoff: () => 0,
    onError: () => {},
  });
  await using queue = await test.open();
  await queue.enqueue("fine", { headers: { traceparent: "00" } });
  await queue.enqueue("flawed");
  await queue.enqueue("dead");
  await queue.enqueue("later");
  await queue.enqueue("cancelled");
  await queue.enqueue("settled");
  await queue.enqueue("purged");
  test.clock.advance(70);
  using listener = new Listener(TRACED, POINTS);
  const seen = new Set<number>();
  await queue.work(async (message) => {
    const isFirst = !seen.has(message.id);
    seen.add(message.id);
    const { payload } = message;
    if (payload === "flawed") throw new Error("a secret");
    if (payload === "dead") throw new DeadLetterError("a secret");
    if (payload === "later" && isFirst) throw new RetryLaterError(0);
    if (payload === "cancelled") await queue.cancel(message.id, "a secret");
    if (payload === "settled") await message.ack();
    if (payload === "purged") await queue.purge("all");
  }, { until: "empty" });
  const ends = told(listener, "process asyncEnd").map((each) => [
    each.id,
    each.attempt,
    each.waitedMs,
    each.outcome,
  ]);
  assertEquals(ends, [
    [1, 1, 70, "acked"],
    [2, 1, 70, "retried"],
    [2, 2, 0, "dead"],
    [3, 1, 70, "dead"],
    [4, 1, 70, "retried"],
    [4, 1, 0, "acked"],
    [5, 1, 70, "cancelled"],
    [6, 1, 70, "acked"],
    [7, 1, 70, "lost"],
  ]);
  const [start] = told(listener, "process start");
  assertEquals(start, {
    id: 1,
    attempt: 1,
    headers: { traceparent: "00" },
    waitedMs: 70,
  });
  assertEquals(listener.of("receive start"), []);
  assertEquals(told(listener, "dead-letter"), [
    { id: 2, attempts: 2 },
    { id: 3, attempts: 1 },
  ]);
  const cancelled = told(listener, "settle asyncEnd")
    .filter(({ by }) => by === "cancel");
  assertEquals(cancelled, [{
    by: "cancel",
    durable: true,
    settlements: [{ id: 5, as: "cancelled" }],
  }]);
});

Deno.test("a queue tells of a handler that timed out, and of one that is given up", async () => {
  const test = new TestQueue<string>({ onError: () => {} });
  await using queue = await test.open();
  await queue.enqueue("slow");
  using listener = new Listener(TRACED, POINTS);
  const stop = new AbortController();
  const limits = { handlerTimeoutMs: 100, stopTimeoutMs: 50 };
  const never = () => new Promise<void>(() => {});
  const working = queue.work(never, { ...limits, signal: stop.signal });
  await turns();
  test.clock.advance(100);
  await turns();
  test.clock.advance(50);
  await turns();
  stop.abort();
  test.clock.advance(50);
  await working;
  assertEquals(
    told(listener, "process asyncEnd").map(({ outcome }) => outcome),
    ["timedOut"],
  );
  assertEquals(told(listener, "settle asyncEnd"), [{
    by: "queue",
    durable: false,
    settlements: [{ id: 1, as: "retried" }],
  }]);

  await queue.enqueue("endless");
  const again = new AbortController();
  const stopping = queue.work(never, {
    stopTimeoutMs: 50,
    signal: again.signal,
  });
  await turns();
  again.abort();
  await turns();
  test.clock.advance(50);
  await stopping;
  assertEquals(
    told(listener, "process asyncEnd").map(({ outcome }) => outcome),
    ["timedOut", "lost"],
  );
});

Deno.test("a queue in a state tells the name of its ledger, and mutations synchronously", async () => {
  type Entry = { readonly outbox: LedgerEntry<string> };
  using listener = new Listener(TRACED);
  await using state = await StateManager.open("/shop", {
    fs: new MemoryFileSystem(),
    initial: () => ({ outbox: emptyLedger<string>() }),
    apply: (state, { outbox }: Entry) => applyToLedger(state.outbox, outbox),
  });
  await using queue = await MiniQueue.attach(state, "outbox");
  const about = {
    path: state.journalPath,
    logId: state.logId,
    name: "outbox",
  };
  assertEquals(listener.of("open start").at(-1), {
    kind: "queue",
    name: "outbox",
  });
  assertEquals(listener.of("open asyncEnd").at(-1), {
    kind: "queue",
    ...about,
  });
  await state.apply(queue.enqueueMutation("a", { headers: { h: "1" } }));
  await queue.work(async (message) => {
    await state.apply(message.ackMutation());
  }, { until: "empty" });
  assertEquals(sent(listener, "enqueue end"), [
    ["mutation", [[1, { h: "1" }]]],
  ]);
  assertEquals(listener.of("settle end")[0], {
    ...about,
    by: "mutation",
    durable: false,
    settlements: [{ id: 1, as: "acked" }],
  });
  assertEquals(listener.of("process asyncEnd")[0]!.outcome, "acked");

  await queue.enqueue("b");
  const ack = (await queue.receive())!.ackMutation();
  const [, cancelled] = await Promise.all([state.apply(ack), queue.cancel(2)]);
  assertEquals(cancelled, "finished");
  const late = listener.of("settle asyncEnd").at(-1)!;
  assertEquals([late.by, late.settlements], ["cancel", []]);
});

Deno.test("a subscriber of start runs the handler in its context, once, whatever it does", async () => {
  const errors: unknown[] = [];
  const test = new TestQueue<string>({
    backoff: () => 0,
    maxAttempts: 1,
    onError: (error) => errors.push(error),
  });
  await using queue = await test.open();
  const error = new Error("a flawed subscriber");
  const results: unknown[] = [];
  const ways: NonNullable<ProcessMessage["within"]>[] = [
    (run) => run(),
    () => {
      throw error;
    },
    (run) => {
      run();
      throw error;
    },
    (run) => {
      results.push(run() === run());
      return run();
    },
    () => undefined as never,
    ((run: () => unknown) => Promise.resolve().then(run)) as never,
  ];
  for (const within of ways) {
    for (const payload of ["fine", "sync", "async"]) {
      let calls = 0;
      await queue.enqueue(payload);
      await onStart<ProcessMessage>("process", (message) => {
        message.within = within;
      }, async () => {
        await queue.work((): Promise<void> => {
          calls++;
          if (payload === "fine") return Promise.resolve();
          const flaw = new Error(payload);
          if (payload === "sync") throw flaw;
          return Promise.reject(flaw);
        }, { until: "empty" });
      });
      assertEquals([payload, calls], [payload, 1]);
    }
  }
  assertEquals(results, [true, true]);
  assertEquals(
    (await queue.deadLetters({ limit: 100 })).map(({ reason }) => reason),
    ways.flatMap(() => [
      "sync (delivered 1 times)",
      "async (delivered 1 times)",
    ]),
  );
  assertEquals(errors, [error, error, error, error, error]);
});

Deno.test("a queue tells of the work on a delivery whenever somebody begins to listen, and whatever ends it", async () => {
  for (const isPurged of [false, true]) {
    for (let turn = 0; turn < 120; turn++) {
      const queue = await new TestQueue<string>().open();
      const stop = new AbortController();
      const working = queue.work(() => {}, { signal: stop.signal });
      await turns();
      const enqueued = queue.enqueue("a");
      await turns(turn);
      using listener = new Listener(["process"]);
      const purged = isPurged && queue.purge("all");
      await enqueued;
      await purged;
      await turns();
      stop.abort();
      await working;
      for (const { waitedMs, outcome } of listener.of("process asyncEnd")) {
        assertEquals(waitedMs, 0);
        if (!isPurged) assertEquals(outcome, "acked");
      }
      await queue.close();
    }
  }
});
