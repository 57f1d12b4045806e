import { channel, tracingChannel } from "node:diagnostics_channel";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { EnqueueMessage, ReceiveMessage } from "@mini/state/queue";
import type { Library } from "./library.ts";
import { collect, equal, ok, refused, type Suite } from "./suite.ts";

const KINDS = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;

type Message = Readonly<Record<string, unknown>>;

/** Takes note of what some channels tell, as a user's program would listen to them. */
class Listener {
  readonly #told: { readonly name: string; readonly message: Message }[] = [];
  readonly #stops: (() => void)[] = [];

  /** @param traced Tracing channels and @param points channels, without `mini-state:`. */
  constructor(traced: readonly string[], points: readonly string[] = []) {
    for (const name of traced) {
      const handlers = Object.fromEntries(KINDS.map((kind) => [
        kind,
        (message: unknown) => this.#hear(`${name} ${kind}`, message),
      ])) as Record<typeof KINDS[number], (message: unknown) => void>;
      const all = tracingChannel(`mini-state:${name}`);
      all.subscribe(handlers);
      this.#stops.push(() => all.unsubscribe(handlers));
    }
    for (const name of points) {
      const handler = (message: unknown) => this.#hear(name, message);
      channel(`mini-state:${name}`).subscribe(handler);
      this.#stops.push(() =>
        channel(`mini-state:${name}`).unsubscribe(handler)
      );
    }
  }

  #hear(name: string, message: unknown): void {
    this.#told.push({ name, message: message as Message });
  }

  /** The messages of the events with a name, in their order. */
  of(name: string): Message[] {
    return this.#told.filter((told) => told.name === name)
      .map(({ message }) => message);
  }

  /** The operations that have ended, each told whole and once, by one message. */
  ended(name: string): Message[] {
    const all = this.#told.filter((told) => told.name.startsWith(`${name} `));
    const messages = new Set(all.map(({ message }) => message));
    return [...messages].map((message) => {
      const kinds = all.filter((told) => told.message === message)
        .map((told) => told.name.slice(name.length + 1));
      const failed = "error" in message ? ["error"] : [];
      equal(kinds, ["start", "end", ...failed, "asyncStart", "asyncEnd"]);
      return message;
    });
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}

/** Everything that is done is told on channels, and counted. */
export async function checkTold(
  suite: Suite,
  library: Library,
): Promise<void> {
  await checkLog(suite, library);
  await checkFailures(suite, library);
  await checkState(suite, library);
  await checkQueue(suite, library);
  await checkSubscribers(suite, library);
}

async function checkLog(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check("told: the operations of a log", async (dir) => {
    const path = join(dir, "journal.jsonl");
    const listener = new Listener(
      ["open", "append", "commit", "rotate", "compact"],
      ["torn"],
    );
    const store = await MiniStore.open<string>(path);
    await Promise.all([store.append("a"), store.appendBatch(["b", "c"])]);
    await store.rotate();
    const { removedBytes } = await store.compact(3);
    const { records, rotations, commitMs, callers } = store.metrics();
    equal([records, rotations, commitMs.count, callers.max], [3, 1, 1, 2]);
    equal(JSON.parse(JSON.stringify(store.metrics())), store.metrics());
    await store.close();
    await appendFile(path, '{"crc":');
    const again = await MiniStore.open<string>(path);
    await again.close();
    listener.stop();

    const [created, torn] = listener.ended("open");
    equal([created!.kind, created!.path], ["store", path]);
    equal(created!.recovery, store.recovery);
    equal(torn!.recovery, again.recovery);
    const appends = listener.ended("append");
    equal(appends.map(({ records, seq }) => [records, seq]), [[1, 1], [2, 3]]);
    const [commit, ...more] = listener.ended("commit");
    equal(more, []);
    equal([commit!.first, commit!.last, commit!.callers], [1, 3, 2]);
    equal(commit!.appends, appends);
    equal([commit!.logId, commit!.durable], [store.id, true]);
    ok((commit!.bytes as number) > 0, "bytes were written");
    equal(listener.ended("rotate").map(({ last }) => last), [3]);
    const [compacted] = listener.ended("compact");
    equal([compacted!.removed, compacted!.removedBytes], [1, removedBytes]);
    const { tornBytes, tornPath } = again.recovery;
    equal(listener.of("torn"), [{ path, tornBytes, tornPath }]);
  });
}

async function checkFailures(
  suite: Suite,
  { store: { MiniStore }, testing: { MemoryFileSystem } }: Library,
): Promise<void> {
  await suite.check("told: a full disk, and one that fails", async () => {
    const listener = new Listener(
      ["append", "commit"],
      ["no-space", "poisoned", "slow"],
    );
    const path = "/data/journal.jsonl";
    const fs = new MemoryFileSystem();
    const store = await MiniStore.open<string>(path, { fs, slowMs: 1 });
    fs.hooks.before = ({ operation }) => {
      const start = performance.now();
      if (operation === "sync") { while (performance.now() - start < 2); }
      return undefined;
    };
    await store.append("a");
    const fail = (operation: string, code: string) => {
      fs.hooks.before = (call) =>
        call.operation === operation ? { code } : undefined;
    };
    fail("write", "ENOSPC");
    const full = await refused("NO_SPACE", () => store.append("b"));
    fail("sync", "EIO");
    const poisoned = await refused("POISONED", () => store.append("c"));
    fs.hooks = {};
    equal(store.metrics().failures, 2);
    await store.close();
    listener.stop();
    equal(listener.of("no-space"), [{ path: store.path, error: full }]);
    equal(listener.of("poisoned"), [{ path: store.path, error: poisoned }]);
    equal(listener.of("slow").map(({ records }) => records), [1]);
    for (const name of ["append", "commit"]) {
      const errors = listener.ended(name).map(({ error }) => error);
      equal(errors.length, 3);
      ok(errors[0] === undefined, "the first has succeeded");
      ok(errors[1] === full && errors[2] === poisoned, "the others say why");
    }
  });
}

async function checkState(
  suite: Suite,
  { state: { StateManager } }: Library,
): Promise<void> {
  await suite.check("told: the operations of a state", async (dir) => {
    const listener = new Listener(
      ["open", "apply", "append", "commit", "snapshot"],
      ["aborted"],
    );
    const state = await StateManager.open(dir, {
      initial: () => ({ value: 0 }),
      apply: (state, by: number) => {
        if (by < 0) throw new Error("less than nothing");
        state.value += by;
      },
    });
    await Promise.all([state.apply(1), state.applyBatch([2, 3])]);
    const failure = await refused("ABORTED_MUTATION", () => state.apply(-1));
    const { seq, sizeBytes } = await state.createSnapshot();
    const { records, aborted, snapshotMs } = state.metrics();
    equal([records, aborted, snapshotMs.count], [2, 1, 1]);
    equal(JSON.parse(JSON.stringify(state.metrics())), state.metrics());
    await state.close();
    listener.stop();

    const opened = listener.ended("open");
    equal(opened.map(({ kind }) => kind), ["state", "store"]);
    equal([opened[0]!.path, opened[0]!.recovery], [dir, state.recovery]);
    const applied = listener.ended("apply");
    equal(
      applied.map(({ path, mutations, seq }) => [path, mutations, seq]),
      [[dir, 1, 1], [dir, 2, 2], [dir, 1, undefined]],
    );
    ok(applied[2]!.error === failure, "the last says why it has failed");
    const [first] = listener.ended("commit");
    equal(first!.appends, applied.slice(0, 2));
    // The record of the abort.
    equal(listener.ended("append").map(({ seq }) => seq), [4]);
    const [told] = listener.of("aborted");
    equal([told!.path, told!.seq], [dir, 3]);
    ok(told!.cause === failure.cause, "it says what apply threw");
    const [snapshot] = listener.ended("snapshot");
    equal(
      [snapshot!.path, snapshot!.seq, snapshot!.sizeBytes],
      [dir, seq, sizeBytes],
    );
  });
}

async function checkQueue(
  suite: Suite,
  { queue: { MiniQueue } }: Library,
): Promise<void> {
  await suite.check("told: the operations of a queue", async (dir) => {
    const listener = new Listener(
      ["open", "enqueue", "receive", "process", "settle"],
      ["dead-letter", "lease-expired"],
    );
    const queue = await MiniQueue.open<string>(dir, { maxAttempts: 2 });
    const { id } = await queue.enqueue("a", { headers: { of: "a" } });
    await (await queue.receive())!.extend(1);
    // Nobody settles it: it comes back.
    const again = await queue.receive({ waitMs: 60_000 });
    await again!.nack();
    const other = await queue.enqueue("b");
    await queue.work(() => Promise.resolve(), { until: "empty" });
    const waiting = queue.receive({ waitMs: 60_000 });
    const last = await queue.enqueue("c");
    await (await waiting)!.ack();
    const metrics = await queue.metrics();
    const { enqueued, delivered, acked, retried } = metrics;
    equal([enqueued, delivered, acked, retried], [3, 4, 2, 1]);
    const { dead, expired, handlerMs } = metrics;
    equal([dead, expired, handlerMs.count], [1, 1, 1]);
    equal(JSON.parse(JSON.stringify(metrics)), metrics);
    await queue.close();
    listener.stop();

    const opened = listener.ended("open");
    equal(opened.map(({ kind }) => kind), ["queue", "state", "store"]);
    const path = join(dir, "journal.jsonl");
    equal([opened[0]!.directory, opened[0]!.path], [dir, path]);
    const enqueues = listener.ended("enqueue") as unknown as EnqueueMessage[];
    equal(
      enqueues.map(({ path, by, messages }) => [path, by, messages[0]!.id]),
      [id, other.id, last.id].map((id) => [path, "enqueue", id]),
    );
    equal(enqueues[0]!.messages[0]!.headers, { of: "a" });
    const received = listener.ended("receive") as unknown as ReceiveMessage[];
    equal(received.map(({ deliveries }) => deliveries), [
      [{ id, attempt: 1, headers: { of: "a" } }],
      [{ id, attempt: 2, headers: { of: "a" } }],
      [{ id: last.id, attempt: 1, headers: {} }],
    ]);
    equal([received[0]!.waited, received[2]!.waited], [false, true]);
    equal(
      listener.ended("process").map(({ id, outcome }) => [id, outcome]),
      [[other.id, "acked"]],
    );
    equal(
      listener.ended("settle").map(({ by, settlements }) => [by, settlements]),
      [
        ["queue", [{ id, as: "retried" }]],
        ["consumer", [{ id, as: "dead" }]],
        ["consumer", [{ id: other.id, as: "acked" }]],
        ["consumer", [{ id: last.id, as: "acked" }]],
      ],
    );
    equal(
      listener.of("dead-letter").map(({ id, attempts }) => [id, attempts]),
      [[id, 2]],
    );
    equal(
      listener.of("lease-expired").map(({ id, attempt }) => [id, attempt]),
      [[id, 1]],
    );
  });
}

async function checkSubscribers(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check("told: a subscriber that throws", async (dir) => {
    const error = new Error("a flawed subscriber");
    const flawed = () => {
      throw error;
    };
    const heard: unknown[] = [];
    const report = (thrown: unknown) => void heard.push(thrown);
    process.on("uncaughtException", report);
    const { start, asyncEnd } = tracingChannel("mini-state:commit");
    start.subscribe(flawed);
    asyncEnd.subscribe(flawed);
    const store = await MiniStore.open<string>(join(dir, "journal.jsonl"));
    equal([await store.append("a"), await store.append("b")], [1, 2]);
    start.unsubscribe(flawed);
    asyncEnd.unsubscribe(flawed);
    equal((await collect(store.replay())).length, 2);
    await store.close();
    await new Promise((resolve) => setTimeout(resolve));
    process.off("uncaughtException", report);
    equal(heard, [error, error, error, error]);
  });
}
