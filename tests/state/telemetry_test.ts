import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { StateManager, type StateOptions } from "@mini/state/state";
import { MiniError, MiniStore } from "@mini/state/store";
import { SnapStore } from "@mini/state/snap";
import { MemoryFileSystem } from "@mini/state/testing";
import { MemoryLog } from "../support/memory_log.ts";
import { Listener } from "../support/listener.ts";

type Sum = { value: number };
type Add = { by: number };

function options(
  fs: MemoryFileSystem,
  more: Partial<StateOptions<Sum, Add>> = {},
): StateOptions<Sum, Add> {
  return {
    fs,
    initial: () => ({ value: 0 }),
    apply: (state, { by }) => {
      if (by < 0) throw new Error("less than nothing");
      state.value += by;
    },
    ...more,
  };
}

Deno.test("a state tells of its opening, of what it applies and aborts, and of its snapshots", async () => {
  const fs = new MemoryFileSystem();
  using listener = new Listener(
    ["open", "apply", "append", "commit", "snapshot"],
    ["aborted"],
  );
  const state = await StateManager.open("/sum", options(fs));
  await Promise.all([
    state.apply({ by: 1 }),
    state.applyBatch([{ by: 2 }, { by: 3 }]),
    state.transact(() => ({ by: 4 })),
    state.applyJson!('{"by":5}'),
  ]);
  const failure = await assertRejects(() => state.apply({ by: -1 }), Error);
  const { seq, sizeBytes } = await state.createSnapshot();
  await state.close();

  const [openedLog, opened] = listener.of("open asyncEnd");
  assertEquals([openedLog!.kind, opened!.kind], ["store", "state"]);
  assertEquals([opened!.path, opened!.recovery], ["/sum", state.recovery]);
  const applied = listener.of("apply asyncEnd");
  const { path, logId } = applied[0]!;
  assertEquals(path, "/sum");
  assert(typeof logId === "string");
  assertEquals(
    applied.map(({ mutations, seq }) => [mutations, seq]),
    [[1, 1], [2, 2], [1, 3], [1, 4], [1, undefined]],
  );
  const appends = listener.of("commit asyncEnd").flatMap(({ appends }) =>
    (appends as { mutations: number }[]).map(({ mutations }) => mutations)
  );
  assertEquals(appends, [1, 2, 1, 1, 1, undefined]);
  // What a state has told is not told once more by its log, but for an abort.
  assertEquals(listener.of("append asyncEnd").map(({ seq }) => seq), [6]);
  for (const { message } of listener.events) assertFalse("result" in message);
  const { cause } = failure;
  assertEquals(listener.of("aborted"), [{ path, logId, seq: 5, cause }]);
  assertEquals(listener.of("apply error").map(({ error }) => error), [failure]);
  const [snapshot] = listener.of("snapshot asyncEnd");
  assertEquals(
    [snapshot!.path, snapshot!.logId, snapshot!.seq, snapshot!.sizeBytes],
    ["/sum", logId, seq, sizeBytes],
  );
});

Deno.test("a state tells of a mutation that it refuses after its log has failed", async () => {
  const fs = new MemoryFileSystem();
  using listener = new Listener(["apply"]);
  await using state = await StateManager.open("/sum", options(fs));
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  const failures = [
    await assertRejects(() => state.apply({ by: 1 })),
    await assertRejects(() => state.apply({ by: 2 })),
  ];
  const told = listener.of("apply error").map(({ error }) => error);
  assertEquals(told, failures);
  fs.hooks = {};
});

Deno.test("metrics() of a state counts what was applied and aborted, and its snapshots", async () => {
  const fs = new MemoryFileSystem();
  const first = await StateManager.open("/sum", options(fs));
  await first.apply({ by: 1 });
  await first.close();

  const failing = { snapshotEvery: 2 };
  await using state = await StateManager.open("/sum", options(fs, failing));
  const applied = state.apply({ by: 1 });
  assertEquals(state.metrics().waiting, 1);
  await applied;
  await assertRejects(() => state.apply({ by: -1 }));
  fs.hooks.before = ({ operation, path }) =>
    operation === "create" && path.includes("snapshot_")
      ? { code: "EIO" }
      : undefined;
  await state.apply({ by: 1 });
  await state.apply({ by: 1 });
  fs.hooks = {};
  await state.createSnapshot();

  const found = state.metrics();
  assertEquals(JSON.parse(JSON.stringify(found)), found);
  const { kind, records, aborted, waiting, replayed, snapshotFailures } = found;
  assertEquals(
    { kind, records, aborted, waiting, replayed, snapshotFailures },
    {
      kind: "state",
      records: 3,
      aborted: 1,
      waiting: 0,
      replayed: 1,
      snapshotFailures: 1,
    },
  );
  assert(found.openMs > 0);
  const { count } = found.snapshotMs;
  assert(count >= 1, `${count} snapshots`);
});

Deno.test("a state on a log of its caller's is told of without a directory", async () => {
  const fs = new MemoryFileSystem();
  using listener = new Listener(["open"]);
  const log = await MiniStore.open<unknown>("/own/journal.jsonl", { fs });
  const snapshots = new SnapStore<Sum>("/own", { fs });
  const { fs: _, ...rest } = options(fs);
  await using _state = await StateManager.open({ ...rest, log, snapshots });
  const [, opened] = listener.of("open asyncEnd");
  assertEquals([opened!.kind, "path" in opened!], ["state", false]);
});

Deno.test("a state on a log without an id is told of without one", async () => {
  using listener = new Listener(["apply"], ["aborted"]);
  const fs = new MemoryFileSystem();
  const { fs: _, ...rest } = options(fs);
  const snapshots = new SnapStore<Sum>("/own", { fs });
  const log = new MemoryLog();
  await using state = await StateManager.open({ ...rest, log, snapshots });
  await state.apply({ by: 1 });
  await assertRejects(() => state.apply({ by: -1 }));
  const [applied] = listener.of("apply asyncEnd");
  assertEquals([applied!.seq, "logId" in applied!], [1, false]);
  const [aborted] = listener.of("aborted");
  assertEquals(aborted!.seq, 2);
  assert(!("logId" in aborted!) && !("path" in aborted!));
});

Deno.test("a state tells once that its log was taken over, whether the log or an append says it", async () => {
  const deposed = new MiniError("DEPOSED", "another has taken over");
  const { fs: _, ...rest } = options(new MemoryFileSystem());
  for (const says of ["the log", "an append", "both"]) {
    using listener = new Listener([], ["deposed"]);
    const failed = Promise.withResolvers<MiniError>();
    const log = new MemoryLog();
    Object.defineProperty(log, "id", { value: "0123" });
    if (says !== "an append") {
      Object.assign(log, { failed: failed.promise });
    }
    const snapshots = new SnapStore<Sum>("/own", {
      fs: new MemoryFileSystem(),
    });
    await using state = await StateManager.open({ ...rest, log, snapshots });
    assertEquals(state.logId, "0123");
    await state.apply({ by: 1 });
    if (says !== "an append") failed.resolve(deposed);
    await Promise.resolve();
    if (says !== "the log") log.append = () => Promise.reject(deposed);
    const error = await assertRejects(() => state.apply({ by: 1 }), MiniError);
    await assertRejects(() => state.apply({ by: 1 }));
    assertEquals([error, state.failure], [deposed, deposed]);
    assertEquals(listener.of("deposed"), [{ logId: "0123", error: deposed }]);
  }
});
