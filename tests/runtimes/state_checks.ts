import { join } from "node:path";
import type { Library } from "./library.ts";
import { collect, equal, ok, refused, type Suite } from "./suite.ts";

interface Counter {
  value: number;
}

interface Add {
  readonly by: number;
}

const COUNTER = {
  initial: (): Counter => ({ value: 0 }),
  apply: (state: Counter, { by }: Add): void => {
    state.value += by;
    if (by === 13) throw new Error("unlucky");
  },
};

/** A state survives. */
export async function checkState(
  suite: Suite,
  library: Library,
): Promise<void> {
  await checkWriting(suite, library);
  await checkHistory(suite, library);
  await checkCompaction(suite, library);
  await checkPast(suite, library);
  await checkView(suite, library);
}

async function checkView(
  suite: Suite,
  { state: { StateManager, StateView } }: Library,
): Promise<void> {
  await suite.check(
    "state: a view follows a writer, and takes over when it is gone",
    async (dir) => {
      const writer = await StateManager.open(dir, COUNTER);
      await writer.apply({ by: 1 });
      const view = await StateView.open(dir, COUNTER);
      equal([view.state.value, view.sequence], [1, 1]);
      await view.until(await writer.apply({ by: 2 }), { timeoutMs: 60_000 });
      equal(view.state.value, 3);
      await refused("ABORTED_MUTATION", () => writer.apply({ by: 13 }));
      await writer.compact();
      const parts = view.select(({ value }) => value)[Symbol.asyncIterator]();
      equal((await parts.next()).value, 3);
      const next = parts.next();
      await writer.apply({ by: 4 });
      equal((await next).value, 7);
      await refused("LOCKED", () => view.promote());
      await writer.close();
      const manager = await view.promote();
      equal([manager.state.value, await manager.apply({ by: 8 })], [7, 6]);
      equal(await parts.next(), { done: true, value: undefined });
      await manager.close();
    },
  );
}

async function checkWriting(
  suite: Suite,
  { state: { StateManager } }: Library,
): Promise<void> {
  await suite.check("state: apply, close, open", async (dir) => {
    const first = await StateManager.open(dir, COUNTER);
    equal(await first.apply({ by: 10 }), 1);
    equal(await first.applyBatch([{ by: 1 }, { by: 2 }]), 2);
    await Promise.all(
      Array.from({ length: 100 }, () => first.apply({ by: 1 })),
    );
    equal([first.state.value, first.sequence], [113, 102]);
    await refused("LOCKED", () => StateManager.open(dir, COUNTER));
    await first.close();
    await refused("CLOSED", () => first.apply({ by: 1 }));
    const second = await StateManager.open(dir, COUNTER);
    equal([second.state.value, second.sequence], [113, 102]);
    await second.close();
  });
  await suite.check(
    "state: a mutation that throws is aborted, permanently",
    async (dir) => {
      const first = await StateManager.open(dir, COUNTER);
      await first.apply({ by: 1 });
      const error = await refused(
        "ABORTED_MUTATION",
        () => first.apply({ by: 13 }),
      );
      equal((error.cause as Error).message, "unlucky");
      await first.apply({ by: 2 });
      equal(first.state.value, 3);
      await first.close();
      const second = await StateManager.open(dir, COUNTER);
      equal([second.state.value, second.recovery.aborted.length], [3, 1]);
      await second.close();
    },
  );
  await suite.check(
    "state: transact reads, decides and writes in one",
    async (dir) => {
      const counter = await StateManager.open(dir, COUNTER);
      const once = () =>
        counter.transact((state) => state.value === 0 ? { by: 5 } : undefined);
      const numbers = await Promise.all([once(), once(), once()]);
      equal(numbers, [1, undefined, undefined]);
      equal(counter.state.value, 5);
      await refused(
        "CONFLICT",
        () => counter.apply({ by: 1 }, { expectedSequence: 0 }),
      );
      await counter.close();
    },
  );
}

async function checkHistory(
  suite: Suite,
  { state: { StateManager } }: Library,
): Promise<void> {
  await suite.check("state: at, history and watch", async (dir) => {
    const counter = await StateManager.open(dir, COUNTER);
    for (const by of [1, 2, 3]) await counter.apply({ by });
    equal((await counter.at(0)).value, 0);
    equal((await counter.at(2)).value, 3);
    equal(await collect(counter.history({ from: 2 })), [
      { seq: 2, mutation: { by: 2 } },
      { seq: 3, mutation: { by: 3 } },
    ]);
    const seen = collect(counter.watch({ from: 3 }));
    await counter.apply({ by: 4 });
    await counter.close();
    equal((await seen).map(({ mutation }) => mutation.by), [3, 4]);
  });
  await suite.check(
    "state: a watch ends when its signal says so",
    async (dir) => {
      const counter = await StateManager.open(dir, COUNTER);
      const controller = new AbortController();
      const { signal } = controller;
      const watching = collect(counter.watch({ signal })).then(
        () => "ended",
        () => "aborted",
      );
      await counter.apply({ by: 1 });
      controller.abort();
      ok(["ended", "aborted"].includes(await watching), "the watch is over");
      await counter.close();
    },
  );
}

async function checkCompaction(
  suite: Suite,
  { state: { StateManager }, store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check(
    "state: snapshot, compact, open from the snapshot",
    async (dir) => {
      const first = await StateManager.open(dir, {
        ...COUNTER,
        maxSegmentBytes: 500,
      });
      for (let n = 0; n < 30; n++) await first.apply({ by: 1 });
      const { seq } = await first.createSnapshot();
      equal(seq, 30);
      for (let n = 0; n < 30; n++) await first.apply({ by: 1 });
      ok((await first.compact()).removed!.length > 0, "segments were removed");
      await first.apply({ by: 1 });
      await first.close();
      const second = await StateManager.open(dir, COUNTER);
      const { snapshotSequence, replayed } = second.recovery;
      equal([second.state.value, snapshotSequence, replayed], [61, 60, 1]);
      await second.close();
      const log = await MiniStore.open(join(dir, "journal.jsonl"));
      ok(log.firstSequence > 1, "the log has forgotten its beginning");
      await log.close();
    },
  );
  await suite.check("state: snapshots make themselves", async (dir) => {
    const options = { ...COUNTER, snapshotEvery: 10, maxSegmentBytes: 500 };
    const first = await StateManager.open(dir, options);
    for (let n = 0; n < 35; n++) await first.apply({ by: 1 });
    equal(first.snapshotFailure, undefined);
    await first.close();
    const second = await StateManager.open(dir, options);
    ok(second.recovery.snapshotSequence >= 30, "it opened from a snapshot");
    equal(second.state.value, 35);
    await second.close();
  });
}

async function checkPast(
  suite: Suite,
  { state: { StateManager } }: Library,
): Promise<void> {
  await suite.check("state: a past as long as it is told", async (dir) => {
    const options = {
      ...COUNTER,
      snapshotEvery: 10,
      keepSnapshots: 1,
      maxSegmentBytes: 500,
      retain: { records: 20 },
    };
    const first = await StateManager.open(dir, options);
    for (let n = 0; n < 95; n++) await first.apply({ by: 1 });
    await first.close();
    const second = await StateManager.open(dir, options);
    const { firstSequence } = second;
    ok(firstSequence > 1, "older records are gone");
    for (let seq = 75; seq <= 95; seq++) {
      equal((await second.at(seq)).value, seq);
    }
    const history = await collect(second.history({ from: firstSequence }));
    equal(history.length, 95 - firstSequence + 1);
    await refused("COMPACTED", () => second.at(1));
    await second.close();
  });
  await suite.check("state: snapshots by default", async (dir) => {
    const text = "x".repeat(1024 * 1024);
    const last = {
      initial: () => "",
      apply: (_: string, next: string) => next.slice(0, 10),
    };
    const first = await StateManager.open(dir, last);
    for (let n = 0; n < 5; n++) await first.apply(text);
    equal([first.snapshotFailure, first.firstSequence], [undefined, 1]);
    await first.close();
    const second = await StateManager.open(dir, last);
    equal([second.recovery.replayed, second.state.length], [1, 10]);
    await second.close();
  });
}
