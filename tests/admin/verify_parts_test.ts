import { relative } from "@std/path";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type AdminProgress,
  MiniError,
  verify,
  type VerifyReport,
  verifySegments,
  verifySnapshots,
} from "@mini/state/admin";
import { SnapStore } from "@mini/state/snap";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { flip } from "../support/damaged.ts";
import { meanwhile } from "../support/copies.ts";
import { openCounter } from "../support/counter.ts";
import { stoppedEverywhere } from "../support/interrupted.ts";
import { fixture } from "../support/mini.ts";
import {
  assertPlain,
  counterIn,
  DIR,
  LOG,
  MOST,
  openRestless,
  sealed,
  segments,
} from "../support/verified.ts";

Deno.test("verifySegments gives each segment once it is read", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  const all = await segments(LOG, fs);
  assertPlain(all);
  const { logId } = all[0]!;
  assertEquals(logId?.length, 32);
  const ends = all.map(({ end }) => end);
  assertEquals(ends, [...ends.slice(1).map(() => "sealed" as const), "closed"]);
  assertEquals(all.map(({ base }) => base), [
    0,
    ...all.slice(0, -1).map(({ last }) => last),
  ]);
  assertEquals(all.map(({ path }) => path), [
    ...all.slice(0, -1).map(({ base }) => sealed(base)),
    LOG,
  ]);
  const read = new Set<string>();
  fs.hooks.before = ({ operation, path }) => {
    if (operation === "read") read.add(path);
    return undefined;
  };
  for await (const { path } of verifySegments(DIR, { fs })) {
    assert(read.has(path));
    break;
  }
  assert(!read.has(sealed(all[2]!.base)), [...read].join());
  fs.hooks = {};
  flip(fs, all[1]!.path, '"by":', '"bY":');
  const [, bad, next] = await segments(DIR, fs);
  assertEquals([bad!.end, bad!.last], ["damaged", bad!.base]);
  assertEquals(bad!.problem?.seq, bad!.base + 1);
  assertEquals([bad!.problem?.blocksOpen, next!.problem], [true, undefined]);
});

Deno.test("verifySegments tells the times of a log that has them, and refuses one without checksums", async () => {
  const fs = new MemoryFileSystem();
  {
    await using store = await MiniStore.open<number>(LOG, {
      fs,
      timestamps: true,
    });
    await store.append(1);
  }
  const [only] = await segments(LOG, fs);
  const { at } = (await Array.fromAsync(MiniStore.replay(LOG, { fs })))[0]!;
  assertEquals(only!.lastTime, at?.toISOString());
  const rust = verifySegments(fixture("mini-rs/counter.log"));
  await assertRejects(() => Array.fromAsync(rust), TypeError, "no checksums");
  const { format, verified, last } = await verify(
    fixture("mini-rs/counter.log"),
  );
  assertEquals([format, verified, last], ["ministore", [], 12]);
});

Deno.test("verifySnapshots judges every snapshot, the oldest first", async () => {
  const fs = new MemoryFileSystem();
  const snapshots = new SnapStore<unknown>(DIR, { fs, keep: 5 });
  await snapshots.create({ value: 1 }, 3, { version: 2, logId: "a" });
  const { path } = await snapshots.create({ value: 2 }, 7);
  flip(fs, path, '"value": 2', '"value": 3');
  const all = await verifySnapshots(DIR, { fs });
  assertPlain(all);
  assertEquals(
    all.map(({ seq, status, version, logId, problem }) => [
      seq,
      status,
      version,
      logId,
      problem?.blocksOpen,
    ]),
    [[3, "whole", 2, "a", undefined], [
      7,
      "damaged",
      undefined,
      undefined,
      false,
    ]],
  );
  const rust = await verifySnapshots(fixture("mini-rs/state"));
  assertEquals(rust.map(({ status }) => status), ["unverified"]);
  const missing = () => verifySnapshots("/none", { fs });
  const { code } = await assertRejects(missing, MiniError);
  assertEquals(code, "NOT_FOUND");
});

Deno.test("verify and its like say what they cannot find, and refuse misuse", async () => {
  const fs = new MemoryFileSystem();
  for (
    const [path, call] of [
      [DIR, () => verify(DIR, { fs })],
      [DIR, () => segments(DIR, fs)],
      [LOG, () => segments(LOG, fs)],
    ] as const
  ) {
    const error = await assertRejects(call, MiniError);
    assertEquals([error.code, error.path], ["NOT_FOUND", path]);
  }
  for (const name of ["a", "b"]) {
    await using store = await MiniStore.open(`${DIR}/${name}.jsonl`, { fs });
    await store.append(name);
  }
  await assertRejects(() => verify(DIR, { fs }), TypeError, "a.jsonl, b.jsonl");
  const { last } = await verify(DIR, { fs, journal: "b.jsonl" });
  assertEquals(last, 1);
  const wrong = { fs, maxrecordBytes: 1 } as unknown as { fs: typeof fs };
  await assertRejects(() => verify(DIR, wrong), TypeError, "maxrecordBytes");
  await assertRejects(() => verifySnapshots(DIR, wrong), TypeError);
  for (const path of ["", 1 as unknown as string]) {
    for (const call of [verify, verifySnapshots]) {
      await assertRejects(() => call(path), TypeError, "is not a path");
    }
  }
  let thrown: unknown;
  try {
    verifySegments(DIR, wrong);
  } catch (error) {
    thrown = error;
  }
  assert(thrown instanceof TypeError);
  fs.hooks.before = ({ operation }) =>
    operation === "list" ? { code: "EACCES" } : undefined;
  const denied = await assertRejects(() => verify(DIR, { fs }), MiniError);
  assertEquals([denied.code, denied.path], ["PERMISSION", DIR]);
});

Deno.test("verify and its like tell how far they are", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  const { sizeBytes } = await verify(DIR, { fs });
  const told: AdminProgress[] = [];
  const onProgress = (progress: AdminProgress) => void told.push(progress);
  await verify(DIR, { fs, onProgress });
  const last = told.at(-1)!;
  assertEquals(last.doing, "verifying");
  assert(last.totalBytes > sizeBytes, "the snapshot counts too");
  assert(last.doneBytes >= last.totalBytes);
  const verifying = told.filter(({ doing }) => doing === "verifying");
  const done = verifying.map(({ doneBytes }) => doneBytes);
  assertEquals(done, done.toSorted((a, b) => a - b));
  told.length = 0;
  await verifySnapshots(DIR, { fs, onProgress });
  assertEquals(told.at(-1)!.doing, "checking");
});

Deno.test("verify and its like stop where they are told to, with the reason", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  const disk = fs.snapshot();
  const calls: ((
    fs: MemoryFileSystem,
    signal: AbortSignal,
  ) => Promise<unknown>)[] = [
    (fs, signal) => verify(DIR, { fs, signal }),
    (fs, signal) => Array.fromAsync(verifySegments(DIR, { fs, signal })),
    (fs, signal) => verifySnapshots(DIR, { fs, signal }),
  ];
  for (const call of calls) {
    for await (const { fs: left } of stoppedEverywhere(disk, call)) {
      assertEquals(left.names(DIR), fs.names(DIR));
    }
  }
});

Deno.test("verify and its like find nothing amiss beside a writer that rotates and compacts", async () => {
  const fs = new MemoryFileSystem();
  const options = { fs, maxSegmentBytes: 200 };
  await using counter = await openCounter(DIR, options);
  await counter.apply({ by: 1 });
  let opened = 0;
  // The writer starts fewer segments than are read meanwhile, as every writer does.
  const beside = meanwhile(fs, async () => {
    if (++opened % 8 === 0) await counter.apply({ by: 1 });
    if (opened % 160 === 0) await counter.compact();
  });
  for (let turn = 1; turn <= 20; turn++) {
    const found: VerifyReport = await verify(DIR, { fs: beside });
    assertEquals([found.findings, found.end], [[], "open"]);
    assert(counter.sequence >= found.last);
    for (const { problem } of await segments(DIR, beside)) {
      assertEquals(problem, undefined);
    }
    for (const { status } of await verifySnapshots(DIR, { fs: beside })) {
      assertEquals(status, "whole");
    }
  }
  assert(counter.firstSequence > 1, "nothing was compacted");
});

Deno.test("verify and verifySegments end beside a writer that starts a segment whenever one is read", async () => {
  const fs = new MemoryFileSystem();
  await using restless = await openRestless(fs);
  const { store, beside } = restless;
  const there = (await segments(LOG, fs)).length;
  const found: VerifyReport = await verify(LOG, { fs: beside });
  assertEquals([found.findings, found.end], [[], "open"]);
  // Some may be started before it lists them.
  assert(found.segments >= there && found.segments < there + 5);
  assert(store.sequence < MOST);
  const since = (await segments(LOG, fs)).length;
  const reports = await segments(LOG, beside);
  assert(reports.length >= since && reports.length < since + 5);
  assertEquals(reports.filter(({ problem }) => problem), []);
  assert(store.sequence < MOST);
});

Deno.test("verifySnapshots tells absolute paths", async () => {
  const dir = relative(Deno.cwd(), fixture("mini-rs/state"));
  const [snapshot] = await verifySnapshots(dir);
  assertEquals(snapshot!.path, fixture("mini-rs/state/snapshot.json"));
});
