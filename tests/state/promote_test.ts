import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { MiniError, StateView } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem, randomSeed } from "@mini/state/testing";
import { COUNTER, type Counter, openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { size } from "../support/size.ts";
import {
  eventually,
  fillOnceRecovered,
  openView,
  withoutHints,
} from "../support/view.ts";

const JOURNAL = "/data/journal.jsonl";

Deno.test("StateView.promote() takes over where the writer was killed, without replaying", async () => {
  const fs = new MemoryFileSystem();
  const killed = await openCounter("/data", { fs });
  await killed.apply({ by: 1 });
  let applied = 0;
  const view = await openView(fs, {
    apply: (state, op) => {
      applied++;
      return COUNTER.apply(state, op);
    },
  });
  const watching = view.watch()[Symbol.asyncIterator]();
  const selecting = view.select(({ value }) => value)[Symbol.asyncIterator]();
  const seen = watching.next();
  await killed.apply({ by: 2 });
  assertEquals((await seen).value, { seq: 2, mutation: { by: 2 } });
  assertEquals((await selecting.next()).value, 3);
  const ends = Promise.all([watching.next(), selecting.next()]);
  fs.restart();
  await using counter = await view.promote();
  assertEquals([counter.state.value, counter.sequence, applied], [3, 2, 2]);
  const { outcome, snapshotSequence, replayed } = counter.recovery;
  assertEquals([outcome, snapshotSequence, replayed], ["unclean", 0, 2]);
  assertEquals((await ends).map(({ done }) => done), [true, true]);
  assertEquals(view.isClosed, true);
  assertThrows(() => view.state, MiniError, "promoted");
  assertEquals(await counter.apply({ by: 4 }), 3);
  assertEquals([counter.state.value, applied], [7, 3]);
  assertEquals((await errorOf(view.until(3))).code, "CLOSED");
  assertEquals((await errorOf(view.promote())).code, "CLOSED");
  await view.close();
});

Deno.test("StateView.promote() is LOCKED beside a writer, and waits for its end if it may", async () => {
  const fs = new MemoryFileSystem();
  const writer = await openCounter("/data", { fs });
  const view = await openView(fs);
  for (const waitMs of [0, 1]) {
    assertEquals((await errorOf(view.promote({ waitMs }))).code, "LOCKED");
  }
  const stop = new AbortController();
  const { signal } = stop;
  const stopped = view.promote({ waitMs: 60_000, signal });
  const refused = assertRejects(() => stopped, Error, "enough");
  await view.until(await writer.apply({ by: 1 }));
  stop.abort(new Error("enough"));
  await refused;
  await assertRejects(() => view.promote({ signal }), Error, "enough");
  const promoted = view.promote({ waitMs: 60_000 });
  await writer.apply({ by: 2 });
  await writer.close();
  await using counter = await promoted;
  assertEquals([counter.state.value, counter.recovery.outcome], [3, "clean"]);
});

Deno.test("StateView.promote() that waits ends with the view", async () => {
  const fs = new MemoryFileSystem();
  await using _writer = await openCounter("/data", { fs });
  const view = await openView(fs);
  const promoted = errorOf(view.promote({ waitMs: 60_000 }));
  await view.close();
  assertEquals((await promoted).code, "CLOSED");
});

Deno.test("StateView.promote() hands over no record that a crash has taken back", async () => {
  for (const isFollowed of [false, true]) {
    const fs = new MemoryFileSystem();
    const killed = await openCounter("/data", { fs });
    await killed.apply({ by: 1 });
    const before = fs.content(JOURNAL)!.slice();
    const view = await openView(withoutHints(fs));
    await killed.apply({ by: 2 }, { durable: false });
    await view.until(2);
    // It has looked, and looks again only after a while.
    let turns = 0;
    await eventually(() => ++turns > 20);
    fs.restart();
    fs.put(JOURNAL, before);
    if (isFollowed) {
      // Another record has its number.
      const other = await openCounter("/data", { fs });
      await other.apply({ by: 4 });
      fs.restart();
    }
    await using counter = await view.promote();
    assertEquals(counter.state.value, isFollowed ? 5 : 1);
    assertEquals(await counter.apply({ by: 8 }), isFollowed ? 3 : 2);
  }
});

Deno.test("StateView.promote() reports what opening would, mutations that are undecided too", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>(JOURNAL, { fs });
  const applied = () => 1;
  await log.append({ apply: { by: 1 } }, { applied });
  await log.append({ apply: { by: 2, fail: true } }, { applied });
  await log.append({ apply: { by: 4 } }, { applied });
  const view = await openView(fs);
  assertEquals([view.state.value, view.lag], [1, 2]);
  fs.restart();
  await using counter = await view.promote();
  assertEquals(counter.state.value, 5);
  const { undecided, aborted } = counter.recovery;
  assertEquals([undecided, aborted], [[2], []]);
  await counter.apply({ by: 8 });
  await counter.createSnapshot();
  await using other = await openView(fs);
  assertEquals([other.state.value, other.sequence], [13, 5]);
});

Deno.test("StateView.promote() reports aborts after the newest snapshot, and never has them again", async () => {
  const fs = new MemoryFileSystem();
  const killed = await openCounter("/data", { fs });
  const view = await openView(fs);
  await errorOf(killed.apply({ by: 1, fail: true }));
  await killed.createSnapshot();
  await errorOf(killed.apply({ by: 2, fail: true }));
  await view.until(await killed.apply({ by: 4 }));
  fs.restart();
  await using counter = await view.promote();
  const { snapshotSequence, replayed, aborted } = counter.recovery;
  assertEquals([snapshotSequence, replayed, aborted], [2, 3, [3]]);
  const history = Array.fromAsync(counter.history(), ({ seq }) => seq);
  assertEquals([await history, counter.state.value], [[5], 4]);
});

Deno.test("StateView.promote() that is refused leaves the view as it is, and the lock free", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>(JOURNAL, { fs });
  await log.append({ apply: { by: 1 } });
  const view = await openView(fs);
  await log.append({ apply: { by: 2, fail: true } });
  await eventually(() => view.lag === 1);
  await log.append({ apply: { by: 4 } }, { applied: () => 2 });
  const error = await errorOf(view.until(2));
  fs.restart();
  assertEquals((await errorOf(view.promote())).code, "REPLAY_FAILED");
  assertEquals([view.state.value, view.failure], [1, error]);
  const again = await MiniStore.open(JOURNAL, { fs });
  await again.close();
  await view.close();
});

Deno.test("StateView.promote() that fails after it was handed the state lets the view follow on", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>(JOURNAL, { fs });
  const applied = () => log.sequence;
  await log.append({ apply: { by: 1 } }, { applied });
  await log.append({ apply: { by: 2, fail: true } }, { applied });
  await log.append({ apply: { by: 4 } }, { applied });
  const view = await openView(fs, { onReplayThrow: "abort" });
  assertEquals([view.state.value, view.sequence], [5, 3]);
  fs.restart();
  fillOnceRecovered(fs);
  assertEquals((await errorOf(view.promote())).code, "NO_SPACE");
  fs.hooks = {};
  const again = await MiniStore.open<unknown>(JOURNAL, { fs });
  await view.until(await again.append({ apply: { by: 8 } }));
  await again.close();
  assertEquals([view.state.value, view.resets], [13, 0]);
  await using counter = await view.promote();
  const { aborted, undecided } = counter.recovery;
  assertEquals([counter.state.value, aborted, undecided], [13, [2], []]);
  assertEquals(await counter.apply({ by: 16 }), 6);
});

Deno.test("StateView.promote() survives every call failing: the view follows on, and the lock is free", async () => {
  const seed = Number(Deno.env.get("SEED") ?? randomSeed());
  const every = size(7, 1);
  let refused = 0;
  for (let index = 1 + Math.abs(seed % every);; index += every) {
    const fs = new MemoryFileSystem();
    const killed = await openCounter("/data", { fs });
    await killed.apply({ by: 1 });
    const view = await openView(fs);
    fs.restart();
    let calls = 0;
    fs.hooks.before = () => ++calls === index ? { code: "EIO" } : undefined;
    const promoted = await view.promote().catch((error) => error);
    const isRefused = promoted instanceof Error;
    fs.hooks = {};
    if (isRefused) {
      refused++;
      await using writer = await openCounter("/data", { fs });
      const seq = await writer.apply({ by: 2 });
      // It may be what the view has read that failed.
      if (view.failure === undefined) await view.until(seq);
      assertEquals(view.state.value, view.failure === undefined ? 3 : 1);
    } else {
      assertEquals(promoted.state.value, 1);
      await promoted.close();
    }
    await view.close().catch(() => {});
    if (calls < index) break;
  }
  assert(
    refused > size(1, 5),
    `${refused} promotions were refused, seed ${seed}`,
  );
});

Deno.test("StateView.promote() of a state that was never there begins it", async () => {
  const fs = new MemoryFileSystem();
  const view = await openView(fs, { ifMissing: "empty" });
  await using counter = await view.promote();
  assertEquals(counter.recovery.outcome, "created");
  assertEquals(await counter.apply({ by: 1 }), 1);
});

Deno.test("StateView.promote() of a snapshot ahead of the log continues after it", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
    await counter.apply({ by: 2 });
    await counter.createSnapshot();
  }
  fs.unlink(JOURNAL);
  const log = await MiniStore.open(JOURNAL, { fs });
  await log.close();
  const view = await openView(fs);
  assertEquals([view.state.value, view.sequence], [3, 2]);
  await using counter = await view.promote();
  assertEquals([counter.state.value, counter.recovery.logEndedAt], [3, 0]);
  assertEquals(await counter.apply({ by: 4 }), 3);
});

Deno.test("StateView.promote() starts from a snapshot that is ahead of the view", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
  }
  const view = await openView(fs);
  await new SnapStore<Counter>("/data", { fs }).create(
    { value: 3, log: [] },
    2,
  );
  await using counter = await view.promote();
  assertEquals([counter.state.value, counter.sequence], [3, 2]);
});

Deno.test("StateView.promote() needs a directory, and options that exist", async () => {
  const { initial, apply } = COUNTER;
  const fs = new MemoryFileSystem();
  const snapshots = new SnapStore<never>("/data", { fs, readOnly: true });
  const log = new MemoryLog();
  await using view = await StateView.open({ log, snapshots }, {
    initial,
    apply,
  });
  await assertRejects(() => view.promote(), TypeError, "no directory");
  await assertRejects(() => view.promote({ waitMs: -1 }), RangeError);
  await assertRejects(
    () => view.promote({ wait: 1 } as never),
    TypeError,
    'no option "wait"',
  );
});

Deno.test("StateView.promote() takes over a log of the caller's that can be opened for writing, once nobody else has it", async () => {
  const fs = new MemoryFileSystem();
  const writer = await openCounter("/data", { fs });
  await writer.apply({ by: 1 });
  let applied = 0;
  let isAnswered = false;
  const view = await StateView.open({
    log: await MiniStore.openReader<unknown>(JOURNAL, { fs }),
    snapshots: new SnapStore<Counter>("/data", { fs, readOnly: true }),
    own: async () => {
      const message = "no server answers";
      if (!isAnswered) throw new MiniError("UNAVAILABLE", message);
      return {
        log: await MiniStore.open<unknown>(JOURNAL, { fs }),
        snapshots: new SnapStore<Counter>("/data", { fs }),
      };
    },
  }, {
    ...COUNTER,
    apply: (state, op) => {
      applied++;
      return COUNTER.apply(state, op);
    },
  });
  assertEquals((await errorOf(view.promote())).code, "UNAVAILABLE");
  const promoted = view.promote({ waitMs: 60_000 });
  await view.until(await writer.apply({ by: 2 }));
  isAnswered = true;
  assertEquals((await errorOf(view.promote())).code, "LOCKED");
  await writer.close();
  await using counter = await promoted;
  assertEquals([counter.state.value, applied, view.isClosed], [3, 2, true]);
  assertEquals(await counter.apply({ by: 3 }), 3);
});
