import { assertEquals } from "@std/assert";
import { MiniError } from "@mini/state/store";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { say } from "../support/report.ts";

const OPTIONS = {
  initial: () => [] as number[],
  apply: (items: number[], item: number) => {
    items.push(item);
  },
};

const ACTIVE = "/data/journal.jsonl";
const sealed = (base: number) =>
  `/data/journal.${String(base).padStart(20, "0")}.jsonl`;
const snapshot = (seq: number) =>
  `/data/snapshot_${String(seq).padStart(20, "0")}.json`;
const TEMPORARY = ["/data/journal.jsonl.tmp", `${snapshot(9)}.tmp`];

/** Five records in a segment each, snapshots at the second and the fourth, and what unfinished work leaves. */
async function everything(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const fs = new MemoryFileSystem();
  const manager = await StateManager.open("/data", {
    ...OPTIONS,
    fs,
    maxSegmentBytes: 1,
  });
  for (let item = 1; item <= 5; item++) {
    await manager.apply(item);
    if (item % 2 === 0) await manager.createSnapshot();
  }
  await manager.close();
  for (const path of TEMPORARY) {
    fs.put(path, new TextEncoder().encode('{"crc":"'));
  }
  const paths = [0, 1, 2, 3, 4].map(sealed).concat(
    ACTIVE,
    snapshot(2),
    snapshot(4),
    TEMPORARY,
  );
  return new Map(paths.map((path) => [path, fs.content(path)!]));
}

function itemsTo(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index + 1);
}

/** The expected result of opening these files: the items up to a number, or a refusal. */
function expected(has: (path: string) => boolean): number[] | "CORRUPT" {
  const from = [4, 2].find((seq) => has(snapshot(seq))) ?? 0;
  const newest = [4, 3, 2, 1, 0].find((base) => has(sealed(base)));
  const end = has(ACTIVE) ? 5 : newest === undefined ? 0 : newest + 1;
  for (let seq = from + 1; seq <= end; seq++) {
    if (!has(sealed(seq - 1))) return "CORRUPT";
  }
  // Where the snapshot is ahead of the log it is all there is.
  return itemsTo(Math.max(end, from));
}

/** Opens, applies another item, and opens again: the item must be there, and nothing else. */
async function goOn(
  fs: MemoryFileSystem,
  next: number,
): Promise<number[] | string> {
  try {
    const manager = await StateManager.open("/data", { ...OPTIONS, fs });
    const found = manager.snapshot();
    assertEquals(await manager.apply(next), next);
    fs.restart();
    const again = await StateManager.open("/data", { ...OPTIONS, fs });
    assertEquals(again.state, [...found, next]);
    return found;
  } catch (error) {
    if (error instanceof MiniError) return error.code;
    throw error;
  }
}

Deno.test("StateManager knows what to do with every subset of its files", async () => {
  const files = await everything();
  const paths = [...files.keys()];
  const counts = { opened: 0, refused: 0 };
  for (let subset = 0; subset < 2 ** paths.length; subset++) {
    const fs = new MemoryFileSystem();
    const kept = paths.filter((_, index) => (subset >> index & 1) === 1);
    for (const path of kept) fs.put(path, files.get(path)!);
    const want = expected((path) => kept.includes(path));
    const found = await goOn(fs, want === "CORRUPT" ? 0 : want.length + 1);
    assertEquals(found, want, kept.join(" "));
    if (want === "CORRUPT") counts.refused++;
    else counts.opened++;
  }
  say(
    `every subset of ${paths.length} files: ${2 ** paths.length} verdicts, ` +
      `${counts.opened} opened, ${counts.refused} refused, 0 violations`,
  );
});
