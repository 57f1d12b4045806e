import { assert, assertEquals, assertRejects } from "@std/assert";
import { instrument, METRICS } from "@mini/state/otel";
import { StateManager, type StateOptions } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeMeter, FakeTracer } from "../support/telemetry.ts";

type Sum = { value: number };

const SUM: StateOptions<Sum, number> = {
  initial: () => ({ value: 0 }),
  apply: (state, by) => {
    if (by < 0) throw new RangeError(`secret ${by}`);
    state.value += by;
  },
};

Deno.test("spans of a log are named by what is done and where, in the trace of their caller", async () => {
  const tracer = new FakeTracer();
  using _ = instrument({ tracer });
  const fs = new MemoryFileSystem();
  await tracer.within("request", async () => {
    const store = await MiniStore.open<number>("/log/journal.jsonl", { fs });
    await store.append(1);
    await store.appendBatch([2, 3]);
    await store.rotate();
    await store.compact(3);
    await store.close();
  });
  assertEquals(tracer.tree(), [
    "request (internal)",
    "  open /log (client)",
    "  append /log (client)",
    "    commit /log (internal)",
    "  BATCH append /log (client)",
    "    commit /log (internal)",
    "  rotate /log (internal)",
    "  compact /log (internal)",
  ]);
  assert(tracer.spans.every(({ ends }) => ends === 1));
  const common = { "db.system.name": "mini-state", "db.namespace": "/log" };
  const [opened, append, commit, batch, second, rotate, compact] = tracer.spans
    .slice(1).map(({ attributes }) => attributes);
  assertEquals(opened, {
    ...common,
    "db.operation.name": "open",
    "mini_state.kind": "store",
    "mini_state.recovery": "created",
  });
  assertEquals(append, {
    ...common,
    "db.operation.name": "append",
    "mini_state.seq": 1,
  });
  const { "mini_state.commit.bytes": bytes, ...rest } = commit!;
  assert(bytes as number > 0);
  assert(rest["mini_state.sync.duration"] as number >= 0);
  assertEquals({ ...rest, "mini_state.sync.duration": 0 }, {
    ...common,
    "db.operation.name": "commit",
    "mini_state.commit.records": 1,
    "mini_state.commit.callers": 1,
    "mini_state.seq": 1,
    "mini_state.sync.duration": 0,
  });
  assertEquals(batch, {
    ...common,
    "db.operation.name": "BATCH append",
    "db.operation.batch.size": 2,
    "mini_state.seq": 3,
  });
  assertEquals(second!["mini_state.seq"], 3);
  assertEquals(rotate, {
    ...common,
    "db.operation.name": "rotate",
    "mini_state.seq": 3,
  });
  assertEquals(compact!["mini_state.seq"], 3);
  assertEquals(compact!["mini_state.removed.files"], 1);
  assert(compact!["mini_state.removed.bytes"] as number > 0);
});

Deno.test("a log with a name of its own is called by its file", async () => {
  const tracer = new FakeTracer();
  using _ = instrument({ tracer });
  const fs = new MemoryFileSystem();
  await using _store = await MiniStore.open("/logs/a.jsonl", { fs });
  assertEquals(tracer.spans.map(({ name }) => name), ["open /logs/a.jsonl"]);
});

Deno.test("what is done to a state is one span for each record, and its snapshots", async () => {
  const tracer = new FakeTracer();
  using _ = instrument({ tracer });
  const fs = new MemoryFileSystem();
  const state = await StateManager.open("/sum", { ...SUM, fs });
  await tracer.within("request", async () => {
    await state.apply(1);
    await state.applyBatch([2, 3]);
    await state.createSnapshot();
  });
  await state.close();
  assertEquals(tracer.tree(), [
    "open /sum (client)",
    "  open /sum (client)",
    "request (internal)",
    "  apply /sum (client)",
    "    commit /sum (internal)",
    "  BATCH apply /sum (client)",
    "    commit /sum (internal)",
    "  snapshot /sum (internal)",
  ]);
  const snapshot = tracer.spans.at(-1)!.attributes;
  assertEquals(snapshot["mini_state.seq"], 2);
  assert(snapshot["mini_state.snapshot.bytes"] as number > 0);
});

Deno.test("a commit that several callers share begins a trace, and is linked with each", async () => {
  const tracer = new FakeTracer();
  using _ = instrument({ tracer });
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>("/log/journal.jsonl", { fs });
  const calls = ["a", "b", "c"].map((name) =>
    tracer.within(name, () => store.append(1))
  );
  await Promise.all(calls);
  await store.close();
  const appends = tracer.named("append");
  assertEquals(appends.length, 3);
  const linked = tracer.named("commit").flatMap(
    ({ links, parentId, context }) => {
      if (parentId !== undefined) return [parentId];
      assertEquals(links.length > 1, true);
      assert(!appends.some((one) => one.context.traceId === context.traceId));
      return links.map((link) => link.context.spanId);
    },
  );
  assertEquals(linked, appends.map(({ context }) => context.spanId));
  assert(tracer.named("commit").some(({ links }) => links.length > 1));
});

Deno.test("a failed operation has the code of its error, and nothing of its text", async () => {
  const tracer = new FakeTracer();
  const meter = new FakeMeter();
  using _ = instrument({ tracer, meter });
  const fs = new MemoryFileSystem();
  const state = await StateManager.open("/sum", { ...SUM, fs });
  await assertRejects(() => state.apply(-7));
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  await assertRejects(() => state.apply(1));
  await state.close().catch(() => {});
  const applies = tracer.named("apply");
  assertEquals(
    applies.map(({ attributes, status }) => [attributes["error.type"], status]),
    [["ABORTED_MUTATION", 2], ["POISONED", 2]],
  );
  const failed = tracer.named("commit").at(-1)!;
  assertEquals(failed.attributes["error.type"], "POISONED");
  assertEquals(failed.events, ["mini_state.poisoned"]);
  assert(!JSON.stringify(tracer.spans).includes("secret"));
  assertEquals(
    meter.of("db.client.operation.duration")
      .map(({ attributes }) => attributes!["error.type"]),
    // Opening, of the log within; and the append that records the abort.
    [undefined, undefined, undefined, "ABORTED_MUTATION", "POISONED"],
  );
  const counted = meter.values.filter(({ name }) =>
    /aborted|poisoned/.test(name)
  );
  const attributes = { "db.system.name": "mini-state", "db.namespace": "/sum" };
  assertEquals(counted, [
    { name: "mini_state.aborted", value: 1, attributes },
    {
      name: "mini_state.poisoned",
      value: 1,
      attributes: { ...attributes },
    },
  ]);
});

Deno.test("a meter gets every metric with its unit, and what a log does", async () => {
  const meter = new FakeMeter();
  const fs = new MemoryFileSystem();
  {
    using _ = instrument({ meter });
    const store = await MiniStore.open<number>("/log/journal.jsonl", { fs });
    await store.append(1);
    await store.append(2, { durable: false });
    await store.close();
  }
  assertEquals(
    meter.options,
    Object.fromEntries(
      Object.entries(METRICS).map(([name, info]) => {
        const { instrument: kind, unit, description, boundaries } = info;
        const advice = kind === "histogram" &&
          { advice: { explicitBucketBoundaries: boundaries } };
        return [name, { kind, unit, description, ...advice }];
      }),
    ),
  );
  const place = { "db.system.name": "mini-state", "db.namespace": "/log" };
  const commit = { ...place, "db.operation.name": "commit" };
  const found = meter.values.map(({ name, value, attributes }) =>
    [
      name,
      /duration|bytes/.test(name) ? value >= 0 : value,
      attributes,
    ] as const
  );
  const append = { ...place, "db.operation.name": "append" };
  const open = {
    ...place,
    "db.operation.name": "open",
    "mini_state.kind": "store",
  };
  assertEquals(found, [
    ["db.client.operation.duration", true, open],
    ["mini_state.commit.duration", true, commit],
    ["mini_state.commit.callers", 1, commit],
    ["mini_state.commit.records", 1, commit],
    ["mini_state.commit.bytes", true, commit],
    ["mini_state.sync.duration", true, commit],
    ["db.client.operation.duration", true, append],
    ["mini_state.commit.duration", true, commit],
    ["mini_state.commit.callers", 1, commit],
    ["mini_state.commit.records", 1, commit],
    ["mini_state.commit.bytes", true, commit],
    ["db.client.operation.duration", true, append],
  ]);
  const { length } = meter.values;
  await MiniStore.open("/log/journal.jsonl", { fs }).then((store) =>
    store.close()
  );
  assertEquals(meter.values.length, length);
});

Deno.test("what an append sets off, and begins when it is over, begins a trace", async () => {
  const tracer = new FakeTracer();
  using _ = instrument({ tracer });
  const fs = new MemoryFileSystem();
  const path = "/log/journal.jsonl";
  const store = await MiniStore.open<string>(path, { fs, maxSegmentBytes: 1 });
  await tracer.within("request", () => store.append("a"));
  await store.close();
  const [rotated] = tracer.named("rotate");
  assertEquals(rotated!.parentId, undefined);
});

Deno.test("a snapshot that a mutation waits for is part of it", async () => {
  const tracer = new FakeTracer();
  using _ = instrument({ tracer });
  await using sum = await StateManager.open("/sum", {
    fs: new MemoryFileSystem(),
    snapshotEvery: 1,
    initial: () => 0,
    apply: (state, by: number) => state + by,
  });
  await tracer.within("request", () => sum.apply(1));
  const [applied] = tracer.named("apply");
  const [snapshot] = tracer.named("snapshot");
  assertEquals(snapshot!.parentId, applied!.context.spanId);
});
