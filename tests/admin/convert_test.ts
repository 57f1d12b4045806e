import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { convert } from "@mini/state/admin";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { filesIn } from "../support/copies.ts";
import { openCounter } from "../support/counter.ts";
import { opened } from "../support/damaged.ts";
import {
  type Left,
  onFullDisk,
  stoppedEverywhere,
} from "../support/interrupted.ts";
import { errorOf } from "../support/journal.ts";
import { size } from "../support/size.ts";

const HEADER = "// MINISTORE JOURNAL v0.1.4\n";
const TO = "/new/journal.jsonl";

function holding(files: Record<string, string>): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  for (const [path, text] of Object.entries(files)) {
    fs.put(path, new TextEncoder().encode(text));
  }
  return fs;
}

/** A log of two segments, in a directory with a snapshot. */
function rustState(): MemoryFileSystem {
  return holding({
    "/rust/journal.jsonl.001": `${HEADER}{"by":1}\n{"by":2}\n`,
    "/rust/journal.jsonl": `${HEADER}{"by":3}\n`,
    "/rust/snapshot.json": '{"value":3,"log":[]}',
    "/rust/snapshot.seq": "2",
  });
}

Deno.test("convert() makes a log of all segments, and reports what it left out", async () => {
  const fs = holding({
    "/rust/x.log.001": `${HEADER}1\n`,
    "/rust/x.log": `${HEADER}[2]\n{"half`,
    "/rust/x.log.consumer.mail": "{}",
    "/rust/inbox/one.json": "{}",
  });
  const before = filesIn(fs, "/rust");
  const report = await convert("/rust/x.log", TO, { fs });
  assertEquals(report, {
    from: "/rust/x.log",
    to: TO,
    records: 2,
    snapshot: null,
    tornBytes: 6,
    consumers: ["mail"],
    posted: 1,
  });
  assertEquals(await opened(fs, TO), [1, [2]]);
  assertEquals(fs.names("/new"), ["journal.jsonl", "journal.jsonl.lock"]);
  assertEquals(filesIn(fs, "/rust"), before);
});

Deno.test("convert() of a state makes one that opens with its snapshot", async () => {
  const fs = rustState();
  const report = await convert("/rust", "/new", { fs });
  assertEquals([report.records, report.snapshot, report.to], [3, 2, TO]);
  await using counter = await openCounter("/new", { fs });
  assertEquals([counter.state.value, counter.sequence], [6, 3]);
});

Deno.test("convert() refuses what is missing, native or damaged, and a place that is taken", async () => {
  const fs = rustState();
  assertEquals((await errorOf(convert("/none", TO, { fs }))).code, "NOT_FOUND");
  await convert("/rust/journal.jsonl", TO, { fs });
  const again = () => convert("/rust/journal.jsonl", TO, { fs });
  await assertRejects(again, TypeError, "already exists");
  const native = () => convert(TO, "/other/x.jsonl", { fs });
  await assertRejects(native, TypeError, "is already a native journal");
  const full = () => convert("/rust", "/new", { fs });
  await assertRejects(full, TypeError, "is not empty");
  const wrong = { fs, dryRun: true };
  await assertRejects(() => convert("/rust", "/x", wrong), TypeError);
  fs.put("/bad/x.log", new TextEncoder().encode(`${HEADER}1\n{{\n3\n`));
  const error = await errorOf(convert("/bad/x.log", "/bad.jsonl", { fs }));
  assertEquals([error.code, error.line], ["CORRUPT", 3]);
  assertStringIncludes(error.message, "an unfinished copy: remove it");
  assertEquals(await opened(fs, "/bad.jsonl"), "UNSUPPORTED_FORMAT");
});

Deno.test("convert() reads on beside a program that has the log open, and makes way for one that makes the same log", async () => {
  const fs = rustState();
  await using store = await MiniStore.open("/rust/journal.jsonl", { fs });
  const others: Promise<unknown>[] = [];
  const { records } = await convert("/rust/journal.jsonl", TO, {
    fs,
    onProgress({ doing }) {
      if (doing !== "converting" || others.length > 0) return;
      others.push(
        store.append({ by: 4 }),
        errorOf(convert("/rust/journal.jsonl", TO, { fs })),
      );
    },
  });
  const [, other] = await Promise.all(others);
  assertEquals((other as { code: string }).code, "LOCKED");
  assert(records === 3 || records === 4, `${records} records`);
  assertEquals((await opened(fs, TO) as unknown[]).length, records);
});

/** A conversion that did not end has left nothing that opens, and the original as it was. */
async function assertNothing(
  { fs, isDone }: Left,
  before: Record<string, string>,
): Promise<void> {
  assertEquals(filesIn(fs, "/rust"), before);
  const found = await opened(fs, TO);
  if (isDone) assertEquals((found as unknown[]).length, 3);
  else if (found !== "UNSUPPORTED_FORMAT") assertEquals(found, []);
}

for (const [from, to] of [["/rust/journal.jsonl", TO], ["/rust", "/new"]]) {
  Deno.test(`convert() of ${from} stopped at any step, or on a full disk, leaves nothing that opens`, async () => {
    const source = rustState();
    const before = filesIn(source, "/rust");
    const disk = source.snapshot();
    const task = (fs: MemoryFileSystem, signal: AbortSignal) =>
      convert(from!, to!, { fs, signal });
    for await (const left of stoppedEverywhere(disk, task, size(2, 1))) {
      await assertNothing(left, before);
      if (to !== TO || left.isDone) continue;
      await convert(from!, to, { fs: left.fs });
    }
    for await (const left of onFullDisk(disk, task)) {
      await assertNothing(left, before);
    }
  });
}
