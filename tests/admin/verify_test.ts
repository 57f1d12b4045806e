import { MiniError, repair, verify, verifySnapshots } from "@mini/state/admin";
import { SnapStore } from "@mini/state/snap";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  flip,
  opened,
  PATH,
  sealed,
  withOlderActive,
} from "../support/damaged.ts";
import { openCounter } from "../support/counter.ts";
import {
  assertPlain,
  counterIn,
  DIR,
  LOG,
  segments,
} from "../support/verified.ts";

Deno.test("verify reports on a log and its snapshots in plain JSON", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  const report = await verify(DIR, { fs });
  assertPlain(report);
  const { sizeBytes, segments: count, ...others } = report;
  assertEquals(others, {
    path: LOG,
    format: "mini",
    first: 1,
    last: 10,
    verified: [{ from: 1, to: 10 }],
    end: "closed",
    tornBytes: 0,
    snapshots: 1,
    snapshotAhead: null,
    damagedSegments: 0,
    findings: [],
    setAside: [],
  });
  const names = fs.names(DIR).filter((name) => /^journal.*jsonl$/.test(name));
  assertEquals(count, names.length);
  const bytes = names.map((name) => fs.content(`${DIR}/${name}`)!.length);
  assertEquals(sizeBytes, bytes.reduce((sum, size) => sum + size));
  assertEquals(await verify(LOG, { fs }), report);
});

Deno.test("verify and repair see that an older copy of the active segment was put back", async () => {
  const fs = await withOlderActive();
  assertEquals(await opened(fs), "CORRUPT");
  const { findings } = await verify(PATH, { fs });
  assertEquals(findings.map(({ blocksOpen, path }) => [blocksOpen, path]), [
    [true, sealed(6)],
  ]);
  const { needed } = await repair(PATH, { fs });
  assertEquals([needed, (await opened(fs)).length], [true, 4]);
});

Deno.test("verify says of each damage whether it blocks opening", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  const [first, second, third] = await segments(DIR, fs);
  flip(fs, first!.path, '"by":1', '"by":7');
  const covered = await verify(DIR, { fs });
  assertPlain(covered);
  assertEquals(
    covered.findings.map(({ code, blocksOpen, remedy, path }) => [
      code,
      blocksOpen,
      remedy,
      path,
    ]),
    [["CORRUPT", false, "none", first!.path]],
  );
  await (await openCounter(DIR, { fs })).close();
  flip(fs, third!.path, '"by":', '"bY":');
  const { findings, damagedSegments, verified } = await verify(DIR, { fs });
  assertEquals(damagedSegments, 2);
  assertEquals(findings.map(({ remedy }) => remedy), ["none", "salvage"]);
  assertEquals(findings[1]!.blocksOpen, true);
  assertEquals(findings[1]!.line, 2);
  assertEquals(verified, [
    { from: second!.base + 1, to: second!.last },
    { from: third!.last + 1, to: 10 },
  ]);
  const error = await assertRejects(() => openCounter(DIR, { fs }), MiniError);
  assertEquals(error.code, findings[1]!.code);
});

Deno.test("verify tells of a snapshot that is damaged, of another log, or ahead", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  const snapshots = new SnapStore<unknown>(DIR, { fs });
  const { path } = await snapshots.create({ value: 1 }, 6);
  flip(fs, path, '"value": 1', '"value": 2');
  const damaged = await verify(DIR, { fs });
  assertEquals(
    damaged.findings.map(({ code, blocksOpen, remedy, path }) => [
      code,
      blocksOpen,
      remedy,
      path,
    ]),
    [["CORRUPT", false, "none", path]],
  );
  await snapshots.create({ value: 1 }, 8, { logId: "0".repeat(32) });
  const stranger = (await verify(DIR, { fs })).findings.at(-1)!;
  assertEquals(
    [stranger.seq, stranger.blocksOpen, stranger.remedy],
    [8, true, "restore-copy"],
  );
  await snapshots.create({ value: 1 }, 12);
  const ahead = await verify(DIR, { fs });
  assertEquals(ahead.snapshotAhead, 12);
  const { seq, blocksOpen, remedy } = ahead.findings.at(-1)!;
  assertEquals([seq, blocksOpen, remedy], [11, false, "restore-copy"]);
});

Deno.test("verify tells of records that are missing between a snapshot and the log", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  const all = await segments(DIR, fs);
  const gone = all.filter(({ base }) => base < 6);
  for (const { path } of gone) fs.unlink(path);
  const { first, findings: [finding] } = await verify(DIR, { fs });
  assertEquals(first, gone.at(-1)!.last + 1);
  assertEquals(finding?.seq, 5);
  assertEquals([finding?.blocksOpen, finding?.remedy], [true, "restore-copy"]);
});

Deno.test("verify and verifySegments tell of a segment and a snapshot that the disk does not give back", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  const [, second] = await segments(DIR, fs);
  const [snapshot] = await verifySnapshots(DIR, { fs });
  const lost = [second!.path, snapshot!.path];
  fs.hooks.before = ({ operation, path }) =>
    operation === "read" && lost.includes(path) ? { code: "EIO" } : undefined;
  const { findings, verified } = await verify(DIR, { fs });
  assertEquals(
    findings.map(({ code, blocksOpen, remedy, path }) => [
      code,
      blocksOpen,
      remedy,
      path,
    ]),
    lost.map((path) => ["IO", true, "salvage", path]),
  );
  assertEquals(verified, [
    { from: 1, to: second!.base },
    { from: second!.last + 1, to: 10 },
  ]);
  const reports = await segments(DIR, fs);
  assertEquals(reports[1]!.problem?.code, "IO");
  assertEquals(reports.at(-1)!.last, 10);
  const [unread] = await verifySnapshots(DIR, { fs });
  assertEquals([unread!.status, unread!.problem?.code], ["damaged", "IO"]);
});

Deno.test("verify takes a snapshot for a log that is gone, as opening does", async () => {
  const fs = new MemoryFileSystem();
  await new SnapStore(DIR, { fs }).create({ value: 1, log: [] }, 5);
  const report = await verify(DIR, { fs });
  assertEquals([report.path, report.segments, report.last], [LOG, 0, 0]);
  assertEquals(report.snapshotAhead, 5);
  assertEquals(report.findings[0]!.blocksOpen, false);
  const [only, ...others] = await segments(DIR, fs);
  assertEquals([only!.end, others], ["missing", []]);
});

Deno.test("verify tells of a segment of other records under a name, and ends", async () => {
  const fs = new MemoryFileSystem();
  for (const path of ["/data/journal.jsonl", "/other/journal.jsonl"]) {
    await using store = await MiniStore.open(path, {
      fs,
      maxSegmentBytes: 200,
    });
    for (let seq = 1; seq <= 9; seq++) await store.append(`record ${seq}`);
  }
  const [first, second, third] = fs.names("/data");
  fs.put(`/data/${second}`, fs.content(`/other/${first}`)!);
  const onProgress = ({ doneBytes }: { doneBytes: number }) => {
    assert(doneBytes < 100_000, "the same is read again and again");
  };
  const { findings, verified } = await verify("/data", { fs, onProgress });
  const [finding, ...others] = findings;
  assertEquals([finding?.code, finding?.blocksOpen], ["CORRUPT", true]);
  assertEquals([finding?.path, others], [`/data/${second}`, []]);
  const from = Number(third!.split(".")[1]) + 1;
  assertEquals(verified.at(-1), { from, to: 9 });
});
