import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { MiniError, StateView } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import {
  type Add,
  COUNTER,
  type Counter,
  openCounter,
} from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { hastyTimers } from "../support/timers.ts";
import { openView } from "../support/view.ts";

const JOURNAL = "/data/journal.jsonl";

const SAME: Counter = { value: 0, log: [] };

Deno.test("StateView.open() refuses options that are none, or would be ignored", async () => {
  const fs = new MemoryFileSystem();
  const { initial, apply } = COUNTER;
  const log = new MemoryLog();
  const snapshots = new SnapStore<Counter>("/data", { fs, readOnly: true });
  const source = { log, snapshots };
  for (
    const [open, message] of [
      [
        () => openView(fs, { ifMissing: "never" as never }),
        '"error" or "empty"',
      ],
      [() => openView(fs, { log } as never), "has no option"],
      [() => openView(fs, { initial: undefined! }), "initial must be"],
      [() => openView(fs, { initial: () => SAME }), "the same one twice"],
      [() => StateView.open("", { initial, apply }), "the path is empty"],
      [
        () => StateView.open({} as never, { initial, apply }),
        "a directory, or",
      ],
      [
        () => StateView.open(source, { initial, apply, ifMissing: "empty" }),
        "would not use ifMissing",
      ],
      [
        () => StateView.open(source, { initial, apply, fs, journal: "x" }),
        "would not use journal, fs",
      ],
    ] as const
  ) {
    await assertRejects(open, TypeError, message);
  }
});

Deno.test("StateView.until() gives up after a while, and when it is told to", async () => {
  const fs = new MemoryFileSystem();
  await using _counter = await openCounter("/data", { fs });
  const view = await openView(fs);
  await view.until(0);
  const late = await view.until(1, { timeoutMs: 1 }).catch((error) => error);
  assert(late instanceof DOMException);
  assertEquals(late.name, "TimeoutError");
  const stop = new AbortController();
  const { signal } = stop;
  const told = assertRejects(() => view.until(1, { signal }), Error, "enough");
  stop.abort(new Error("enough"));
  await told;
  await assertRejects(() => view.until(1, { signal }), Error, "enough");
  await assertRejects(() => view.until(-1), RangeError);
  await assertRejects(() => view.until(1, { timeoutMs: -1 }), RangeError);
  await assertRejects(
    () => view.until(1, { signal: {} as never }),
    TypeError,
    "signal must",
  );
  const ended = errorOf(view.until(1));
  await view.close();
  assertEquals((await ended).code, "CLOSED");
  assertEquals((await errorOf(view.until(0))).code, "CLOSED");
});

Deno.test("StateView.until() waits for longer than a timer can be set for", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  await using view = await openView(fs);
  const waiting = view.until(1, { timeoutMs: 2 ** 31 });
  await counter.apply({ by: 1 });
  await waiting;
  using timers = hastyTimers();
  const late = await view.until(2, { timeoutMs: 2 ** 32 }).catch((error) =>
    error
  );
  assertEquals(late.name, "TimeoutError");
  const longest = 2 ** 31 - 1;
  const asked = timers.asked.filter((ms) => ms === 2 || ms === longest);
  assertEquals(asked, [longest, longest, 2]);
});

Deno.test("StateView ends what iterates over it when it is closed, and keeps its state", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  const view = await openView(fs);
  const stop = new AbortController();
  const watched = Array.fromAsync(view.watch({ from: 1 }));
  const stopped = Array.fromAsync(view.watch({ signal: stop.signal }));
  const refused = assertRejects(() => stopped, Error, "enough");
  const selected = Array.fromAsync(view.select(({ value }) => value));
  await counter.apply({ by: 2 });
  await view.until(2);
  stop.abort(new Error("enough"));
  await refused;
  const { signal } = stop;
  await assertRejects(
    () => Array.fromAsync(view.watch({ signal })),
    Error,
    "enough",
  );
  await Promise.all([view.close(), view.close()]);
  await view.close();
  const numbers = (await watched).map(({ seq }) => seq);
  assert(numbers.length <= 2 && numbers.every((seq, at) => seq === at + 1));
  assertEquals((await selected).at(-1), 3);
  assertEquals([view.state.value, view.isClosed], [3, true]);
  assertThrows(() => view.watch(), MiniError, "closed");
  assertThrows(() => view.select(() => 1), MiniError, "closed");
});

Deno.test("StateView.watch() gives what had an effect, also before its snapshot, and throws where that was taken back", async () => {
  const fs = new MemoryFileSystem();
  const killed = await openCounter("/data", { fs });
  await killed.apply({ by: 1 });
  await errorOf(killed.apply({ by: 2, fail: true }));
  await killed.apply({ by: 4 });
  await killed.createSnapshot();
  await errorOf(killed.apply({ by: 8, fail: true }));
  await using view = await openView(fs);
  const watching = view.watch({ from: 1 })[Symbol.asyncIterator]();
  const next = async () => (await watching.next()).value?.mutation.by;
  assertEquals([await next(), await next()], [1, 4]);
  const before = fs.content(JOURNAL)!.slice();
  await killed.apply({ by: 16 }, { durable: false });
  assertEquals(await next(), 16);
  fs.restart();
  fs.put(JOURNAL, before);
  assertEquals((await errorOf(watching.next())).code, "REWRITTEN");
});

Deno.test("StateView keeps apply from calling back", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  const found: unknown[] = [];
  const views: StateView<Counter, Add>[] = [];
  await using view = await openView(fs, {
    apply: (state, add) => {
      for (const view of views) {
        for (const call of [() => view.close(), () => view.watch()]) {
          try {
            call();
          } catch (error) {
            found.push(error);
          }
        }
      }
      return COUNTER.apply(state, add);
    },
  });
  views.push(view);
  await view.until(await counter.apply({ by: 1 }));
  assert(found.length === 2 && found.every((one) => one instanceof TypeError));
});

Deno.test("StateView follows any log, and ends with it", async () => {
  const log = new MemoryLog();
  const snapshots = new SnapStore<Counter>("/data", {
    fs: new MemoryFileSystem(),
    readOnly: true,
  });
  const { initial, apply } = COUNTER;
  await log.append({ apply: { by: 1 } });
  const view = await StateView.open<Counter, Add>({ log, snapshots }, {
    initial,
    apply,
  });
  await log.append({ apply: { by: 2 } });
  await view.until(2);
  const { value } = view.state;
  assertEquals([value, view.durableSequence, view.lag], [3, 2, 0]);
  await view.close();
  assertEquals(log.isClosed, false);
  const other = await StateView.open<Counter, Add>({ log, snapshots }, {
    initial,
    apply,
  });
  const watched = Array.fromAsync(other.watch({ from: 2 }));
  const ended = other.changed;
  await log.close();
  await ended;
  assertEquals(await watched, [{ seq: 2, mutation: { by: 2 } }]);
  assertEquals([other.isClosed, other.state.value], [true, 3]);
  await other.close();
});

Deno.test("StateView gives up on a log that is never what it was", async () => {
  const log = new MemoryLog();
  await log.append({ apply: { by: 1 } });
  const snapshots = new SnapStore<Counter>("/data", {
    fs: new MemoryFileSystem(),
    readOnly: true,
  });
  let looks = 0;
  log.beforeReplay = () => {
    looks++;
    throw new MiniError("REWRITTEN", "it was another");
  };
  using timers = hastyTimers();
  const { initial, apply } = COUNTER;
  const opening = StateView.open<Counter, Add>({ log, snapshots }, {
    initial,
    apply,
  });
  assertEquals((await errorOf(opening)).code, "REWRITTEN");
  assertEquals([looks, timers.asked.length], [10, 9]);
});

Deno.test("StateView fails with what reading throws while the state is being made", async () => {
  const log = new MemoryLog();
  const reason = new Error("out of reach");
  let isMaking = false;
  log.follow = () => {
    // deno-lint-ignore require-yield -- the first reading fails
    return (async function* () {
      throw reason;
    })();
  };
  const snapshots = new SnapStore<Counter>("/data", {
    fs: new MemoryFileSystem(),
    readOnly: true,
  });
  const { restore } = snapshots;
  snapshots.restore = async (seq) => {
    isMaking = true;
    // A rejection that nothing handles is told by then.
    await new Promise((resolve) => setTimeout(resolve));
    return restore.call(snapshots, seq);
  };
  const { initial, apply } = COUNTER;
  await using view = await StateView.open<Counter, Add>({ log, snapshots }, {
    initial,
    apply,
  });
  while (view.failure === undefined) await view.changed;
  assertEquals([isMaking, view.failure], [true, reason]);
});
