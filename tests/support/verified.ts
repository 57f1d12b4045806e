import {
  type FileSystem,
  type SegmentReport,
  verifySegments,
} from "@mini/state/admin";
import type { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals } from "@std/assert";
import { openCounter } from "./counter.ts";

/** Where the tests of verifying have a state. */
export const DIR: string = "/state";
/** Its log. */
export const LOG: string = `${DIR}/journal.jsonl`;

/** A counter of ten records in segments, with a snapshot at 4. */
export async function counterIn(fs: MemoryFileSystem): Promise<void> {
  await using counter = await openCounter(DIR, { fs, maxSegmentBytes: 200 });
  for (let by = 1; by <= 10; by++) {
    await counter.apply({ by });
    if (by === 4) await counter.createSnapshot();
  }
}

/** The path of a sealed segment, by the number before its first record. */
export function sealed(base: number): string {
  return `${DIR}/journal.${String(base).padStart(20, "0")}.jsonl`;
}

/** Fails if a report is more than plain JSON. */
export function assertPlain(report: unknown): void {
  assertEquals(JSON.parse(JSON.stringify(report)), report);
}

/** The reports on the segments of a log. */
export async function segments(
  path: string,
  fs: FileSystem,
): Promise<SegmentReport[]> {
  return await Array.fromAsync(verifySegments(path, { fs }));
}
