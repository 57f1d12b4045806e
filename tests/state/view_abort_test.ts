import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { MiniError, StateManager, StateView } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import {
  type Add,
  COUNTER,
  type Counter,
  openCounter,
} from "../support/counter.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { hastyTimers } from "../support/timers.ts";
import { eventually, openView } from "../support/view.ts";

const JOURNAL = "/data/journal.jsonl";

for (const immutable of [false, true, "checked"] as const) {
  Deno.test(`StateView leaves out what the writer has aborted, immutable ${immutable}`, async () => {
    const fs = new MemoryFileSystem();
    const sum = {
      fs,
      immutable,
      initial: () => ({ total: 0 }),
      apply: (state: { total: number }, by: number) => {
        if (by === 13) throw new Error("bad luck");
        return { total: state.total + by };
      },
    };
    await using manager = await StateManager.open("/data", sum);
    await errorOf(manager.apply(13));
    await using view = await StateView.open("/data", sum);
    for (let round = 0; round < 3; round++) {
      await Promise.all([
        manager.apply(1),
        errorOf(manager.apply(13)),
        manager.apply(2),
        errorOf(manager.apply(13)),
      ]);
      await manager.apply(4);
      await view.until(manager.sequence);
      assertEquals(view.state, manager.state);
    }
    assertEquals([view.resets, view.failure], [0, undefined]);
  });
}

Deno.test("StateView shows nothing of a mutation that apply throws for half-way", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  const holding = new HoldingFileSystem(fs);
  await using view = await openView(holding.fs);
  await view.until(await counter.apply({ by: 1 }));
  const parts = view.select(({ value }) => value)[Symbol.asyncIterator]();
  assertEquals((await parts.next()).value, 1);
  const rebuild = holding.hold("list");
  const failed = errorOf(counter.apply({ by: 2, fail: true }));
  await rebuild.reached;
  assertThrows(() => view.state, MiniError, "being rebuilt");
  const next = parts.next();
  rebuild.release();
  await failed;
  await counter.apply({ by: 4 });
  await view.until(counter.sequence);
  assertEquals([(await next).value, view.state.value], [5, 5]);
});

Deno.test("StateView whose log is compacted while it looks for aborts begins with the snapshot that is left", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", {
    fs,
    keepSnapshots: 1,
  });
  await counter.apply({ by: 1 });
  await counter.createSnapshot();
  await errorOf(counter.apply({ by: 2, fail: true }));
  await using log = await MiniStore.openReader<unknown>(JOURNAL, { fs });
  const snapshots = new SnapStore<Counter>("/data", { fs, readOnly: true });
  const { replay } = log;
  let looks = 0;
  log.replay = async function* (range) {
    if (++looks === 1) await counter.compact();
    if (looks > 9) throw new Error("it looks again and again");
    yield* replay.call(log, range);
  };
  const { initial, apply } = COUNTER;
  await using view = await StateView.open<Counter, Add>({ log, snapshots }, {
    initial,
    apply,
  });
  assertEquals([view.state.value, view.sequence, looks], [1, 3, 1]);
  await counter.apply({ by: 4 });
  await view.until(4);
  assertEquals(view.state.value, 5);
});

/** A log with a mutation that `apply` throws for, which nothing says anything of yet. */
async function undecided(fs: MemoryFileSystem): Promise<MiniStore<unknown>> {
  const log = await MiniStore.open<unknown>(JOURNAL, { fs });
  await log.append({ apply: { by: 1 } });
  await log.append({ apply: { by: 2, fail: true } }, { applied: () => 1 });
  return log;
}

for (const isLive of [true, false]) {
  const when = isLive ? "while it follows" : "when it is opened";

  Deno.test(`StateView waits where apply throws ${when}, until an abort passes it over`, async () => {
    const fs = new MemoryFileSystem();
    const early = isLive
      ? await openView(fs, { ifMissing: "empty" })
      : undefined;
    const log = await undecided(fs);
    await log.append({ apply: { by: 4 } }, { applied: () => 1 });
    await using view = early ?? await openView(fs);
    await eventually(() => view.sequence === 1 && view.lag === 2);
    assertEquals([view.state.value, view.failure], [1, undefined]);
    await log.append({ abort: 2 }, { applied: () => 1 });
    await view.until(4);
    assertEquals([view.state.value, view.lag, view.resets], [5, 0, 0]);
    await log.close();
  });

  for (
    const proof of ["a later line", "the mark of a clean end", "a snapshot"]
  ) {
    for (const onReplayThrow of ["refuse", "abort"] as const) {
      Deno.test(`StateView told by ${proof} that what apply throws for was applied, ${when}: ${onReplayThrow}`, async () => {
        const fs = new MemoryFileSystem();
        const options = { ifMissing: "empty", onReplayThrow } as const;
        const early = isLive ? await openView(fs, options) : undefined;
        const log = await undecided(fs);
        await log.append({ apply: { by: 4 } }, { applied: () => 1 });
        await using view = early ?? await openView(fs, options);
        await eventually(() => view.lag === 2);
        const watched = Array.fromAsync(view.watch({ from: 1 }));
        const selected = Array.fromAsync(view.select(({ value }) => value));
        const ended = Promise.allSettled([watched, selected]);
        if (proof === "a snapshot") {
          await new SnapStore("/data", { fs }).create(COUNTER.initial(), 3);
        }
        if (proof === "the mark of a clean end") await log.close();
        else {
          const applied = proof === "a snapshot" ? 1 : 3;
          await log.append({ apply: { by: 8 } }, { applied: () => applied });
        }
        if (onReplayThrow === "abort") {
          await eventually(() => view.lag === 0);
          const value = proof === "the mark of a clean end" ? 5 : 13;
          assertEquals([view.state.value, view.failure], [value, undefined]);
          await view.close();
          await ended;
        } else {
          const error = await errorOf(view.until(3));
          assertEquals([error.code, view.failure], ["REPLAY_FAILED", error]);
          assertEquals([view.state.value, view.sequence], [1, 1]);
          const reasons = (await ended).map((end) =>
            end.status === "rejected" && end.reason
          );
          assertEquals(reasons, [error, error]);
        }
        await log.close();
      });
    }
  }
}

Deno.test("StateView takes back what it has applied and the writer's code has not", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>(JOURNAL, { fs });
  const applied = () => 0;
  for (const by of [1, 2, 4]) await log.append({ apply: { by } }, { applied });
  await using view = await openView(fs);
  assertEquals(view.state.value, 7);
  await log.append({ abort: 2, found: true }, { applied });
  await view.until(4);
  assertEquals([view.state.value, view.resets], [5, 1]);
  // Said twice, it is no news.
  await log.append({ abort: 2 }, { applied });
  // Nor is it if it comes while another one is undecided.
  await log.append({ apply: { by: 8, fail: true } }, { applied });
  await log.append({ apply: { by: 16 } }, { applied });
  await eventually(() => view.lag === 2);
  await log.append({ abort: 3 }, { applied });
  await eventually(() => view.resets === 2);
  assertEquals([view.state.value, view.sequence], [1, 5]);
  await log.append({ abort: 6 }, { applied });
  await view.until(9);
  assertEquals([view.state.value, view.resets], [17, 2]);
  await log.close();
});

Deno.test("StateView of a past that a snapshot covers takes no news of it", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs });
    await errorOf(counter.apply({ by: 1, fail: true }));
    await counter.apply({ by: 2 });
    await counter.createSnapshot();
  }
  await using view = await openView(fs);
  const log = await MiniStore.open<unknown>(JOURNAL, { fs });
  await log.append({ abort: 1 });
  await view.until(4);
  assertEquals([view.state.value, view.resets], [2, 0]);
  await log.close();
});

Deno.test("StateView reads mutations of an older version, and stops at one of a newer", async () => {
  const fs = new MemoryFileSystem();
  {
    await using old = await openCounter("/data", { fs });
    await old.apply({ by: 1 });
  }
  await using newer = await openCounter("/data", {
    fs,
    version: 2,
    upcast: (mutation) => mutation as Add,
  });
  await using view = await openView(fs, {
    version: 2,
    upcast: (mutation) => ({ by: 100 * (mutation as Add).by }),
  });
  assertEquals(view.state.value, 100);
  await using older = await openView(fs);
  await newer.apply({ by: 2 });
  const error = await errorOf(older.until(2));
  assertEquals([error.code, older.failure], ["UNSUPPORTED_FORMAT", error]);
  assertEquals([older.state.value, older.isClosed], [1, false]);
  await view.until(2);
  assertEquals(view.state.value, 102);
});

Deno.test("StateView fails with what the code throws for any mutation", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  await using view = await openView(fs, {
    apply: () => Promise.resolve() as never,
  });
  await counter.apply({ by: 1 });
  await assertRejects(() => view.until(1), TypeError, "promise");
});

Deno.test("StateView looks for the abort of what throws once a snapshot stands after it", async () => {
  const fs = new MemoryFileSystem();
  await using log = await MiniStore.open<unknown>(JOURNAL, { fs });
  const snaps = new SnapStore<Counter>("/data", { fs });
  const snapshots = {
    restore: (upTo?: number) => snaps.restore(upTo),
    list: async () => {
      // Between two looks of the view.
      if (log.sequence === 1) {
        await log.append({ abort: 1 });
        await snaps.create({ value: 0, log: [] }, 1, { logId: log.id! });
      }
      return await snaps.list();
    },
  };
  const { initial, apply } = COUNTER;
  const sources = { log, snapshots };
  await using view = await StateView.open(sources, { initial, apply });
  await log.append({ apply: { by: 1, fail: true } });
  await view.until(2);
  assertEquals([view.state.value, view.failure], [0, undefined]);
});

for (const isClosed of [false, true]) {
  Deno.test(`StateView that ${isClosed ? "is closed" : "fails"} half-way says so`, async () => {
    using _timers = hastyTimers();
    const fs = new MemoryFileSystem();
    const log = await MiniStore.open<unknown>(JOURNAL, { fs });
    await log.append({ apply: { by: 1 } });
    const view = await openView(fs);
    let closing: Promise<void> | undefined;
    fs.hooks.before = ({ operation, path }) => {
      if (operation === "close" || !/snapshot/.test(path)) return undefined;
      if (isClosed) closing ??= view.close();
      return { code: "EIO" };
    };
    await log.append({ apply: { by: 2, fail: true } });
    await eventually(() => closing !== undefined || view.failure !== undefined);
    await closing;
    const error = assertThrows(() => view.state, MiniError);
    assertEquals(error.code, isClosed ? "CLOSED" : "IO");
    assertEquals(view.failure, isClosed ? undefined : error);
    await view.close();
    fs.hooks = {};
    await log.close();
  });
}
