import { assertEquals } from "@std/assert";
import {
  type FileSystem,
  type LogRecord,
  MiniStore,
  systemFileSystem,
} from "@mini/state/store";

/** A log of records 1 to 9 in three segments, with a batch in each. */
export async function threeSegments(
  path: string,
  fs: FileSystem = systemFileSystem,
): Promise<MiniStore<number>> {
  const store = await MiniStore.open<number>(path, { fs });
  for (const first of [1, 4, 7]) {
    await store.append(first);
    await store.appendBatch([first + 1, first + 2]);
    if (first < 7) await store.rotate();
  }
  return store;
}

/** The records' values, each of which must equal its number. */
export function numbers(records: LogRecord<number>[]): number[] {
  return records.map(({ seq, data }) => {
    assertEquals(seq, data);
    return data;
  });
}
