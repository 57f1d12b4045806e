import { assert, assertEquals, assertRejects } from "@std/assert";
import { tracingChannel } from "node:diagnostics_channel";
import {
  type AppendMessage,
  type CommitMessage,
  MiniStore,
} from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { Listener } from "../support/listener.ts";

const PATH = "/data/journal.jsonl";

function listen(): Listener {
  const points = ["poisoned", "no-space", "torn", "slow"];
  return new Listener(
    ["open", "append", "commit", "rotate", "compact"],
    points,
  );
}

Deno.test("a log tells of its opening, its appends, the commit that they share, rotation and compaction", async () => {
  const fs = new MemoryFileSystem();
  using listener = listen();
  const store = await MiniStore.open<string>(PATH, { fs });
  await Promise.all([store.append("a"), store.appendBatch(["b", "c"])]);
  await store.rotate();
  const { removedBytes } = await store.compact(3);
  await store.close();

  const [opened] = listener.of("open asyncEnd");
  assertEquals([opened!.kind, opened!.path], ["store", PATH]);
  assertEquals((opened!.recovery as { outcome: string }).outcome, "created");

  const names = listener.events.map(({ name }) => name);
  assertEquals(names.slice(0, 4), [
    ...["open start", "open end", "open asyncStart", "open asyncEnd"],
  ]);
  const appends = listener.of("append asyncEnd") as unknown as AppendMessage[];
  assertEquals(appends.map(({ records, seq }) => [records, seq]), [[1, 1], [
    2,
    3,
  ]]);
  const commits = listener.of("commit asyncEnd") as unknown as CommitMessage[];
  assertEquals(commits.length, 1);
  const { first, last, records, durable, logId, bytes } = commits[0]!;
  assertEquals(
    { first, last, records, durable, logId },
    {
      first: 1,
      last: 3,
      records: 3,
      durable: true,
      logId: store.id,
    },
  );
  assertEquals(commits[0]!.callers, 2);
  const callers = commits[0]!.appends as AppendMessage[];
  assertEquals(callers.map(({ seq }) => seq), [1, 3]);
  assert(bytes! > 0 && commits[0]!.writeMs! >= 0 && commits[0]!.syncMs! >= 0);

  assertEquals(listener.of("rotate asyncEnd").map(({ last }) => last), [3]);
  const [compacted] = listener.of("compact asyncEnd");
  assertEquals(
    [compacted!.upTo, compacted!.removed, compacted!.firstSequence],
    [3, 1, 4],
  );
  assertEquals(compacted!.removedBytes, removedBytes);
  assertEquals(listener.events.filter(({ name }) => /error/.test(name)), []);
});

Deno.test("a log tells of a full disk, of an fsync that failed, and of what opening has cut off", async () => {
  const fs = new MemoryFileSystem();
  using listener = listen();
  const store = await MiniStore.open<string>(PATH, { fs });
  const fail = (operation: string, code: string) => {
    fs.hooks.before = (call) =>
      call.operation === operation ? { code } : undefined;
  };
  fail("write", "ENOSPC");
  const full = await assertRejects(() => store.append("a"));
  assertEquals(listener.of("no-space"), [{ path: PATH, error: full }]);
  assertEquals(listener.of("commit error").map(({ error }) => error), [full]);
  fail("sync", "EIO");
  const poisoned = await assertRejects(() => store.append("b"));
  assertEquals(listener.of("poisoned"), [{ path: PATH, error: poisoned }]);
  assertEquals(store.metrics().failures, 2);
  await store.close();

  fs.hooks = {};
  fs.restart();
  const end = await fs.open(PATH, "append");
  await end.write(new TextEncoder().encode('{"crc":"'));
  await end.close();
  await using again = await MiniStore.open<string>(PATH, { fs });
  const { tornBytes, tornPath } = again.recovery;
  assertEquals(listener.of("torn"), [{ path: PATH, tornBytes, tornPath }]);
});

Deno.test("a log tells of an append that it refuses after a failure", async () => {
  const fs = new MemoryFileSystem();
  using listener = listen();
  await using store = await MiniStore.open<string>(PATH, { fs });
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  const failures = [
    await assertRejects(() => store.append("a")),
    await assertRejects(() => store.append("b")),
  ];
  fs.hooks = {};
  const told = listener.of("append error").map(({ error }) => error);
  assertEquals(told, failures);
});

Deno.test("a log tells the end of a commit that fails before anything is written too, once", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  using listener = new Listener(["commit"], []);
  // Too large for one commit.
  const text = "x".repeat(3 * 1024 * 1024);
  const appends = [store.append(text), store.append(text)];
  for (const result of await Promise.allSettled(appends)) {
    assertEquals(result.status, "rejected");
  }
  const ends = ["error", "asyncStart", "asyncEnd"];
  const names = listener.events.map(({ name }) => name.slice(7));
  assertEquals(
    names.filter((name) => ends.includes(name)),
    [...ends, ...ends],
  );
  assertEquals(names.filter((name) => name === "end").length, 2);
  fs.hooks = {};
  await store.close();
});

Deno.test("a log has counted the failure that poisons it when failed resolves", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  const counted = store.failed.then(() => store.metrics());
  await assertRejects(() => store.append("a"));
  const { failures, waiting } = await counted;
  assertEquals({ failures, waiting }, { failures: 1, waiting: 0 });
  fs.hooks = {};
  await store.close();
});

Deno.test("a log tells of no rotation where there is no record to seal, and counts none", async () => {
  const fs = new MemoryFileSystem();
  using listener = listen();
  await using store = await MiniStore.open<string>(PATH, { fs });
  await store.rotate();
  await store.append("a");
  await store.rotate();
  await store.rotate();
  assertEquals(listener.of("rotate start").map(({ last }) => last), [1]);
  assertEquals(store.metrics().rotations, 1);
});

Deno.test("a log tells of no compaction where a consumer is opened", async () => {
  const fs = new MemoryFileSystem();
  using listener = listen();
  await using store = await MiniStore.open<string>(PATH, { fs });
  await store.append("a");
  await using _consumer = await store.consumer("reader");
  assertEquals(listener.of("compact start"), []);
});

Deno.test("a log tells of an fsync that took slowMs, and of what waits for the next", async () => {
  const fs = new MemoryFileSystem();
  using listener = listen();
  await using store = await MiniStore.open<string>(PATH, { fs, slowMs: 1 });
  let next: Promise<number> | undefined;
  fs.hooks.before = ({ operation }) => {
    if (operation !== "sync" || next !== undefined) return undefined;
    next = store.append("next");
    const start = performance.now();
    while (performance.now() - start < 1);
    return undefined;
  };
  await store.append("first");
  await next;
  const [slow] = listener.of("slow");
  assertEquals(
    [slow!.path, slow!.records, slow!.waiting],
    [PATH, 1, 1],
  );
});

Deno.test("metrics() counts the records, commits and failures of a log, and what waits", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(PATH, { fs });
  const appended = Promise.all([store.append("a"), store.append("b")]);
  assertEquals(store.metrics().waiting, 2);
  await appended;
  await store.append("c", { durable: false });
  await store.rotate();
  const found = store.metrics();
  assertEquals(JSON.parse(JSON.stringify(found)), found);
  const { kind, records, waiting, failures, rotations } = found;
  assertEquals(
    { kind, records, waiting, failures, rotations },
    { kind: "store", records: 3, waiting: 0, failures: 0, rotations: 1 },
  );
  assert(found.bytes > 0 && found.openMs > 0);
  assertEquals([found.commitMs.count, found.syncMs.count], [2, 1]);
  const { count, sum, max, buckets } = found.callers;
  assertEquals({ count, sum, max }, { count: 2, sum: 3, max: 2 });
  const [one, two] = buckets;
  assertEquals([one, two], [{ upTo: 1, count: 1 }, { upTo: 2, count: 1 }]);
});

Deno.test("metrics() counts an append as waiting until it is acknowledged, also while its fsync hangs", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(PATH, { fs });
  const waiting: number[] = [];
  fs.hooks.before = ({ operation }) => {
    if (operation === "sync") waiting.push(store.metrics().waiting);
    return undefined;
  };
  await Promise.all([store.append("a"), store.append("b")]);
  fs.hooks.before = ({ operation }) =>
    operation === "write" ? { code: "ENOSPC" } : undefined;
  await assertRejects(() => store.append("c"));
  fs.hooks = {};
  assertEquals([...waiting, store.metrics().waiting], [2, 0]);
});

Deno.test("a log does not heed a subscriber that throws: the runtime reports it", async () => {
  const fs = new MemoryFileSystem();
  const reported: unknown[] = [];
  const report = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error);
  };
  globalThis.addEventListener("error", report);
  const error = new Error("a flawed subscriber");
  const flawed = () => {
    throw error;
  };
  const { start, asyncEnd } = tracingChannel("mini-state:commit");
  start.subscribe(flawed);
  asyncEnd.subscribe(flawed);
  try {
    await using store = await MiniStore.open<string>(PATH, { fs });
    assertEquals(await store.append("a"), 1);
    assertEquals(await store.append("b"), 2);
  } finally {
    start.unsubscribe(flawed);
    asyncEnd.unsubscribe(flawed);
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve);
  await promise;
  globalThis.removeEventListener("error", report);
  assertEquals(reported, [error, error, error, error]);
});

Deno.test("a log tells of the segments that it removes by itself", async () => {
  const fs = new MemoryFileSystem();
  using listener = listen();
  const keep = { records: 1 };
  await using store = await MiniStore.open<string>(PATH, { fs, keep });
  for (const record of ["a", "b", "c"]) {
    await store.append(record);
    await store.rotate();
  }
  const told = listener.of("compact asyncEnd");
  assertEquals(
    told.map(({ upTo, removed, firstSequence }) => [
      upTo,
      removed,
      firstSequence,
    ]),
    [[1, 1, 2], [2, 1, 3]],
  );
  assertEquals(store.firstSequence, 3);
});
