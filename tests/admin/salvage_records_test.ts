import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  convert,
  type DamagedLine,
  repair,
  salvage,
  type SalvagedRecords,
  salvageRecords,
  type SalvageRecordsOptions,
} from "@mini/state/admin";
import { MiniStore } from "@mini/state/store";
import type { MemoryFileSystem } from "@mini/state/testing";
import { filesIn } from "../support/copies.ts";
import { flip, opened, PATH, sealed, sixRecords } from "../support/damaged.ts";
import { errorOf } from "../support/journal.ts";
import { unreadable } from "../support/unreadable.ts";

async function linesOf(
  options: SalvageRecordsOptions,
  path = PATH,
): Promise<(SalvagedRecords | DamagedLine)[]> {
  return await Array.fromAsync(salvageRecords(path, options));
}

/** The numbers that were read, and the places of what was not. */
function summary(lines: readonly (SalvagedRecords | DamagedLine)[]): unknown[] {
  return lines.map((line) =>
    line.kind === "records"
      ? line.seq
      : `${line.place.offset}+${line.place.sizeBytes}`
  );
}

Deno.test("salvageRecords() gives records and damaged lines in order, and changes nothing", async () => {
  const fs = await sixRecords();
  flip(fs, sealed(2), "record 3", "record 0");
  const before = filesIn(fs, "/data");
  const lines = await linesOf({ fs });
  assertEquals(
    lines.map((line) => line.kind === "records" ? line.seq : line.reason),
    [1, 2, "the line fails its checksum", 4, 5, 6],
  );
  const [first] = lines as SalvagedRecords[];
  assertEquals(first, {
    kind: "records",
    seq: 1,
    records: ["record 1"],
    isVerified: true,
    applied: first!.applied!,
    place: first!.place,
  });
  assertEquals(filesIn(fs, "/data"), before);
});

Deno.test("salvageRecords() begins at a record, in the middle of a batch too, and parses what is wanted", async () => {
  const fs = await sixRecords();
  {
    await using store = await MiniStore.open<string>(PATH, { fs });
    await store.appendBatch(["a", "b", "c"]);
  }
  const from = await linesOf({ fs, from: 8 }) as SalvagedRecords[];
  assertEquals(from.map(({ seq, records }) => [seq, records]), [
    [8, ["b", "c"]],
  ]);
  const wants = (seq: number) => seq === 5;
  const some = await linesOf({ fs, from: 5, wants }) as SalvagedRecords[];
  assertEquals(some.map(({ seq, records }) => [seq, [...records]]), [
    [5, ["record 5"]],
    [6, [undefined]],
    [7, ["a", "b", "c"]],
  ]);
  const wrong = () => salvageRecords(PATH, { fs, from: 0 });
  assertThrows(wrong, RangeError);
  const error = await errorOf(linesOf({ fs }, "/none"));
  assertEquals(error.code, "NOT_FOUND");
});

Deno.test("salvageRecords() reads beside a writer, and stops with the reason of its signal", async () => {
  const fs = await sixRecords();
  await using store = await MiniStore.open<string>(PATH, { fs });
  const seen: number[] = [];
  for await (const line of salvageRecords(PATH, { fs })) {
    if (line.kind === "records") seen.push(line.seq);
    if (line.kind === "records" && line.seq === 1) await store.append("more");
  }
  assertEquals(seen, [1, 2, 3, 4, 5, 6, 7]);
  const stop = new AbortController();
  const reason = new Error("enough");
  const read = async () => {
    for await (const _ of salvageRecords(PATH, { fs, signal: stop.signal })) {
      stop.abort(reason);
    }
  };
  assertStrictEquals(await read().catch((error) => error), reason);
  assertEquals(await store.append("next"), 8);
});

/** A log of records that fill many blocks of a disk. */
async function large(): Promise<MemoryFileSystem> {
  const fs = await sixRecords();
  await using store = await MiniStore.open<string>("/big/journal.jsonl", {
    fs,
  });
  for (let seq = 1; seq <= 300; seq++) await store.append("x".repeat(2_000));
  return fs;
}

Deno.test("salvage reads on behind what the disk cannot read, which is a damaged line with its range", async () => {
  const fs = await large();
  const path = "/big/journal.jsonl";
  const whole = summary(await linesOf({ fs }, path));
  assertEquals(whole.length, 300);
  const bad = unreadable(fs, path, [[81_920, 4_096], [90_112, 8_192]]);
  const lines = await linesOf({ fs: bad }, path);
  const holes = lines.filter((line) => line.kind === "damage");
  const reasons = holes.map(({ reason }) => reason);
  assertEquals(reasons, [
    "the disk cannot read it",
    "its beginning cannot be read",
    "the disk cannot read it",
    "its beginning cannot be read",
  ]);
  const ends = holes.map(({ place }) => place.offset + place.sizeBytes);
  assertEquals([ends[0], ends[2]], [86_016, 98_304]);
  const read = lines.filter((line) => line.kind === "records");
  assert(read.length >= 290, `${read.length} records`);
  // Between two such places no next line may confirm one.
  assert(read.filter(({ isVerified }) => !isVerified).length <= 1);
  assertEquals(read.at(-1)?.seq, 300);

  const report = await salvage(path, "/new/journal.jsonl", { fs: bad });
  assertEquals([report.records, report.damages], [read.length, 4]);
  assertEquals(report.gaps.length, 2);
  const copy = await opened(fs, "/new/journal.jsonl") as unknown[];
  assertEquals(copy.length, read.length);
});

Deno.test("salvage reads what it can of a log whose end, or whose only block, is unreadable", async () => {
  const fs = await large();
  const path = "/big/journal.jsonl";
  const size = fs.content(path)!.length;
  const end = size - size % 4_096;
  const bad = unreadable(fs, path, [[end, 4_096]]);
  const report = await salvage(path, "/new/journal.jsonl", { fs: bad });
  assert(report.records >= 297 && report.records < 300, `${report.records}`);
  assertEquals(report.damages, 1);
  assertEquals(report.damaged[0]?.sizeBytes, size - report.damaged[0]!.offset);
  const sealedOne = unreadable(fs, sealed(2), [[0, 4_096]]);
  const rest = await salvage(PATH, "/rest/journal.jsonl", { fs: sealedOne });
  assertEquals(rest.gaps, [{ from: 3, to: 4 }]);
  const active = unreadable(fs, PATH, [[0, 4_096]]);
  const start = await salvage(PATH, "/start/journal.jsonl", { fs: active });
  assertEquals([start.records, start.damages], [4, 1]);
});

Deno.test("salvage of a log of the Rust crate takes no rest of a line for a record", async () => {
  const fs = await sixRecords();
  const lines = Array.from({ length: 5_000 }, (_, at) => `${100_000 + at}\n`);
  const text = `// MINISTORE JOURNAL v0.1.4\n${lines.join("")}`;
  fs.put("/rust/x.log", new TextEncoder().encode(text));
  const bad = unreadable(fs, "/rust/x.log", [[8_192, 4_096]]);
  const found = await linesOf({ fs: bad }, "/rust/x.log");
  const start = unreadable(fs, "/rust/x.log.001", [[0, 4_096]]);
  fs.put("/rust/x.log.001", fs.content("/rust/x.log")!);
  const both = await linesOf({ fs: start }, "/rust/x.log");
  assert(both.length > 9_000, `${both.length} lines`);
  const values = found.flatMap((line) =>
    line.kind === "records" ? line.records : []
  ) as number[];
  assert(values.every((value) => value >= 100_000), "a rest of a line");
  assert(values.length > 4_400 && values.at(-1) === 104_999);
});

Deno.test("salvage, convert and repair pass on an error that is not one of the disk", async () => {
  const fs = await sixRecords();
  fs.hooks.before = ({ operation, path }) =>
    operation === "read" && path === sealed(2) ? { code: "EACCES" } : undefined;
  const codes = await Promise.all([
    errorOf(linesOf({ fs })),
    errorOf(salvage(PATH, "/new.jsonl", { fs })),
    errorOf(repair(PATH, { fs })),
    errorOf(repair(PATH, { fs, dryRun: true })),
  ]);
  assertEquals(
    codes.map(({ code }) => code),
    new Array(4).fill("PERMISSION"),
  );
  fs.hooks.before = ({ operation }) =>
    operation === "read" ? { code: "EACCES" } : undefined;
  const error = await errorOf(convert(PATH, "/new.jsonl", { fs }));
  assertEquals(error.code, "PERMISSION");
});

Deno.test("salvage reads on where compaction takes a segment away", async () => {
  const fs = await sixRecords();
  await using store = await MiniStore.open<string>(PATH, { fs });
  const seen: number[] = [];
  for await (const line of salvageRecords(PATH, { fs })) {
    if (line.kind === "records") seen.push(line.seq);
    await store.compact(4);
  }
  assertEquals(seen, [1, 2, 5, 6]);
});
