import { assert, assertEquals, assertThrows } from "@std/assert";
import { createInspector } from "@mini/state/inspect";
import {
  applyToLedger,
  emptyLedger,
  type LedgerEntry,
  MiniQueue,
  QueueView,
} from "@mini/state/queue";
import { SnapStore } from "@mini/state/snap";
import { StateManager, StateView } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { COUNTER, type Counter, openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ask, get, newsOf } from "../support/inspected.ts";
import { MemoryLog } from "../support/memory_log.ts";

const authorize = () => true;

Deno.test("an inspector of an open queue shows who holds each message, until when, and what waits for it", async () => {
  await using directory = new TestDirectory();
  const clock = new FakeClock();
  await using queue = await MiniQueue.open<string>(directory.path, { clock });
  await queue.enqueueBatch([
    { payload: "a1", group: "a" },
    { payload: "a2", group: "a" },
    { payload: "b" },
    { payload: "later", delayMs: 60_000 },
  ]);
  const inspector = createInspector(queue, { authorize });
  await queue.receive({ visibilityTimeoutMs: 30_000 });
  const started = Promise.withResolvers<void>();
  const stop = Promise.withResolvers<void>();
  const work = queue.work(async (_, { progress }) => {
    progress({ percent: 40 });
    started.resolve();
    await stop.promise;
  }, { until: "empty" });
  await started.promise;
  clock.advance(10_000);
  const { depth, messages } = await get(inspector, "queue");
  assertEquals(
    [depth.inFlight, depth.blocked, depth.delayed, depth.ready],
    [2, 1, 1, 0],
  );
  const [received, worked] = messages.inFlight;
  assertEquals([received.text, received.lease], ['"a1"', {
    by: "receive",
    heldMs: 10_000,
    leftMs: 20_000,
  }]);
  assertEquals([worked.text, worked.progress, worked.lease], [
    '"b"',
    '{"percent":40}',
    { by: "work", heldMs: 10_000 },
  ]);
  assertEquals(messages.blocked[0].waitsFor, received.id);
  // Files tell nothing of it.
  const files = createInspector(directory.path, { authorize });
  const onDisk = await get(files, "queue");
  assertEquals(onDisk.messages.inFlight.length, 2);
  assertEquals(onDisk.messages.inFlight[0].lease, undefined);
  assertEquals(onDisk.messages.blocked[0].waitsFor, received.id);
  await files.close();
  stop.resolve();
  await queue.close();
  await work;
  assertEquals((await get(inspector, "queue")).error.code, "CLOSED");
  assertEquals((await get(inspector, "records?from=1&count=1")).from, 1);
  await inspector.close();
});

Deno.test("an inspector counts what comes and goes while a page is open", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path, {
    maxAttempts: 2,
  });
  const inspector = createInspector(queue, { authorize });
  assertEquals((await get(inspector, "queue")).rates, undefined);
  const pages = [
    newsOf(await ask(inspector, "api/live")),
    newsOf(await ask(inspector, "api/live")),
  ];
  for (const page of pages) await page.next();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  await (await queue.receive())!.ack();
  for (let times = 0; times < 2; times++) await (await queue.receive())!.nack();
  const sum = (counts: number[]) => counts.reduce((all, one) => all + one, 0);
  // Events are read at their own pace.
  for (;;) {
    const { rates } = await get(inspector, "queue");
    for (const counts of Object.values(rates)) {
      if (Array.isArray(counts)) assertEquals(counts.length, rates.seconds);
    }
    if (sum(rates.dead) === 0) {
      await new Promise((resolve) => setTimeout(resolve));
      continue;
    }
    const { enqueued, delivered, done, retried, dead } = rates;
    assertEquals([enqueued, delivered, done, retried, dead].map(sum), [
      2,
      3,
      1,
      1,
      1,
    ]);
    break;
  }
  await pages[0]!.return();
  assert((await get(inspector, "queue")).rates !== undefined);
  await pages[1]!.return();
  // The server learns of it at its own pace.
  while ((await get(inspector, "queue")).rates !== undefined) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  await inspector.close();
});

Deno.test("an inspector shows the schedules of an open queue, and when each fires next", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path, {
    schedules: {
      poll: { everyMs: 60_000, payload: "x" },
      broken: {
        when: {
          nextRun: () => {
            throw new Error("no such day");
          },
        },
        payload: "y",
      },
    },
    onError: () => {},
  });
  const inspector = createInspector(queue, { authorize });
  await queue.receive();
  const { depth } = await get(inspector, "queue");
  const [poll, broken] = depth.schedules;
  assertEquals([poll.name, typeof poll.next], ["poll", "string"]);
  assertEquals([broken.name, typeof broken.problem], ["broken", "string"]);
  await inspector.close();
});

Deno.test("an inspector of a queue in a state shows its messages now, and the records of the state", async () => {
  type Mutation = { jobs: LedgerEntry<string> };
  await using directory = new TestDirectory();
  await using state = await StateManager.open(directory.path, {
    initial: () => ({ jobs: emptyLedger<string>() }),
    apply: (found, { jobs }: Mutation) => applyToLedger(found.jobs, jobs),
  });
  await using queue = await MiniQueue.attach(state, "jobs");
  assertEquals(queue.journalPath, state.journalPath);
  await queue.enqueue("a");
  const inspector = createInspector(queue, { authorize });
  const { hasQueue, holds, live } = await get(inspector, "overview");
  assertEquals([hasQueue, holds, live.sequence], [true, "state", 1]);
  const { messages } = await get(inspector, "queue");
  assertEquals(messages.ready[0].text, '"a"');
  assertEquals(await get(inspector, "queue?at=1"), { isMissing: true });
  // Delivered by an entry of the state's program: nobody here holds it.
  await state.apply({ jobs: { at: 1, receive: [1] } });
  const { messages: { inFlight: [given] } } = await get(inspector, "queue");
  assertEquals([given.text, given.lease], ['"a"', undefined]);
  await inspector.close();
});

Deno.test("an inspector of an open state makes its states by the state's own code, and tells of its failures", async () => {
  await using directory = new TestDirectory();
  await using counter = await openCounter(directory.path);
  await counter.apply({ by: 1, note: "one" });
  await counter.apply({ by: 2 });
  const inspector = createInspector(counter, { authorize });
  const { target, hasProgram, live } = await get(inspector, "overview");
  assertEquals([target, hasProgram, live], ["state", true, {
    isClosed: false,
    sequence: 2,
  }]);
  const { state, changes, madeBy } = await get(inspector, "state?at=2");
  assertEquals([state.value, madeBy, changes[0].path], [
    3,
    "program",
    "$.value",
  ]);
  await counter.close();
  assertEquals((await get(inspector, "overview")).live.isClosed, true);
  await inspector.close();
});

Deno.test("an inspector of a view says how far the view is", async () => {
  await using directory = new TestDirectory();
  await using counter = await openCounter(directory.at("state"));
  await counter.apply({ by: 1 });
  await using view = await StateView.open(directory.at("state"), COUNTER);
  assertEquals(view.journalPath, counter.journalPath);
  const inspector = createInspector(view, { authorize });
  const { target, live } = await get(inspector, "overview");
  assertEquals([target, live], ["view", {
    isClosed: false,
    sequence: 1,
    lag: 0,
    resets: 0,
  }]);
  assertEquals((await get(inspector, "state?at=1")).state.value, 1);
  await inspector.close();

  await using queue = await MiniQueue.open<string>(directory.at("jobs"));
  await queue.enqueue("a");
  await using jobs = await QueueView.open<string>(directory.at("jobs"));
  assertEquals(jobs.journalPath, queue.journalPath);
  const other = createInspector(jobs, { authorize });
  const overview = await get(other, "overview");
  assertEquals([overview.target, overview.hasQueue], ["queueView", true]);
  assertEquals(overview.live, { sequence: 1, lag: 0 });
  assertEquals((await get(other, "queue")).messages.ready[0].text, '"a"');
  await other.close();
});

Deno.test("an inspector of a store shows its consumers", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<number>(directory.at());
  for (const number of [1, 2, 3]) await store.append(number);
  await using consumer = await store.consumer("mails");
  await consumer.reset(1);
  const inspector = createInspector(store, { authorize });
  const { target, live, consumers } = await get(inspector, "overview");
  assertEquals([target, live], ["store", { sequence: 3 }]);
  assertEquals(consumers, [{ name: "mails", position: 1, lag: 2 }]);
  await inspector.close();
});

Deno.test("an inspector needs files, and a path may be a URL", async () => {
  await using directory = new TestDirectory();
  await using state = await StateManager.open({
    ...COUNTER,
    log: new MemoryLog(),
    snapshots: new SnapStore<Counter>(directory.path),
  });
  assertThrows(
    () => createInspector(state, { authorize }),
    TypeError,
    "has no files",
  );
  await using counter = await openCounter(directory.at("state"));
  await counter.apply({ by: 1 });
  const url = new URL(`file://${directory.at("state")}`);
  const inspector = createInspector(url, { authorize });
  assertEquals((await get(inspector, "overview")).records, 1);
  await inspector.close();
});

Deno.test("a stream of an inspector ends when nobody reads it, and when the inspector is closed", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<number>(directory.at());
  await store.append(1);
  const inspector = createInspector(store, { authorize });
  const left = newsOf(await ask(inspector, "api/live"));
  await left.next();
  const unread = await ask(inspector, "api/live");
  const closed = newsOf(await ask(inspector, "api/live"));
  await closed.next();
  await left.return();
  await inspector.close();
  assertEquals((await closed.next()).done, true);
  assertEquals(await unread.text(), "");
});

Deno.test("a search reads no further than its answer is read", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at(), {
    durable: false,
  });
  for (let at = 1; at <= 100; at++) await store.append(`x ${at}`);
  let seen = 0;
  const inspector = createInspector(store, {
    authorize,
    redact: (value) => {
      seen++;
      return value;
    },
  });
  const response = await ask(inspector, "api/search?text=x");
  const reader = response.body!.getReader();
  await reader.read();
  await reader.read();
  assert(seen <= 4, `${seen}`);
  await reader.cancel();
  const read = seen;
  await inspector.close();
  assertEquals(seen, read);
});
