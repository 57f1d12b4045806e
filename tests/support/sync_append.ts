import { assertThrows } from "@std/assert";
import {
  type FileSystem,
  MiniError,
  MiniStore,
  type StoreOptions,
} from "@mini/state/store";
import type { MemoryFileSystem } from "@mini/state/testing";

/** The path of the log. */
export const PATH = "/data/journal.jsonl";

/** Opens the log. */
export function open(
  fs: FileSystem,
  options: StoreOptions<unknown> = {},
): Promise<MiniStore<unknown>> {
  return MiniStore.open<unknown>(PATH, { ...options, fs });
}

/** The error that a call throws. */
export function thrown(call: () => unknown): MiniError {
  return assertThrows(call, MiniError);
}

/** The records that a kill has left. */
export async function left(fs: MemoryFileSystem): Promise<unknown[]> {
  fs.restart();
  fs.hooks = {};
  const store = await open(fs);
  const data = await Array.fromAsync(store.replay(), ({ data }) => data);
  await store.close();
  return data;
}
