import { MiniStore } from "@mini/state/store";
import {
  type FileSystem,
  type SegmentReport,
  verifySegments,
} from "@mini/state/admin";
import type { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals } from "@std/assert";
import { meanwhile } from "./copies.ts";
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

/** The most records of a restless writer: a reader that comes that far had no end of its own. */
export const MOST = 3000;

/** A log whose writer starts a segment, and whose consumer commits that, whenever a reader of `beside` opens a file. */
export interface Restless extends AsyncDisposable {
  readonly store: MiniStore<number>;
  readonly beside: FileSystem;
}

/** Opens such a log at `LOG`. */
export async function openRestless(fs: MemoryFileSystem): Promise<Restless> {
  const store = await MiniStore.open<number>(LOG, { fs, maxSegmentBytes: 1 });
  const consumer = await store.consumer("mailer");
  const followed = consumer.follow()[Symbol.asyncIterator]();
  const step = async () => {
    if (store.sequence === MOST) return;
    await store.append(0);
    const { value } = await followed.next();
    await consumer.commit(value!.seq);
  };
  for (let turn = 1; turn <= 5; turn++) await step();
  return {
    store,
    beside: meanwhile(fs, step),
    [Symbol.asyncDispose]: async () => {
      await followed.return?.();
      await consumer.close();
      await store.close();
    },
  };
}
