import { assert } from "@std/assert";
import { type FileSystem, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";

/** Where the tests of what is damaged have their log. */
export const PATH = "/data/journal.jsonl";

/** The sealed segment that begins after record `base`. */
export function sealed(base: number): string {
  return `/data/journal.${String(base).padStart(20, "0")}.jsonl`;
}

/** A log of the texts "record 1" to "record 6", two a segment. */
export async function sixRecords(
  path: string = PATH,
): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(path, { fs });
  for (let seq = 1; seq <= 6; seq++) {
    await store.append(`record ${seq}`);
    if (seq === 2 || seq === 4) await store.rotate();
  }
  return fs;
}

/** Replaces the first place of a text in a file. */
export function flip(
  fs: MemoryFileSystem,
  path: string,
  was: string,
  is: string,
): void {
  const text = new TextDecoder().decode(fs.content(path));
  assert(text.includes(was), `${path}: ${text}`);
  fs.put(path, new TextEncoder().encode(text.replace(was, is)));
}

/** The records that a log has when it is opened, or the code of the error. Changes nothing. */
export async function opened(
  fs: MemoryFileSystem,
  path: string = PATH,
): Promise<unknown[] | string> {
  const copy: FileSystem = new MemoryFileSystem(fs.snapshot());
  try {
    await using store = await MiniStore.open<unknown>(path, {
      fs: copy,
      verifyFrom: 1,
    });
    return await Array.fromAsync(store.replay(), ({ data }) => data);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** A log whose active segment is that of an older copy. */
export async function withOlderActive(): Promise<MemoryFileSystem> {
  const older = await sixRecords();
  const fs = new MemoryFileSystem(older.snapshot());
  fs.restart();
  {
    await using store = await MiniStore.open<string>(PATH, { fs });
    await store.rotate();
    await store.append("record 7");
    await store.rotate();
  }
  fs.unlink(sealed(4));
  fs.put(PATH, older.content(PATH)!);
  return fs;
}
