import { join } from "@std/path";
import type { FileSystem } from "../fs/file_system.ts";
import { MAX_DEPTH } from "../base/json.ts";
import { keepInteger } from "../base/json.ts";
import { decodeJson, type SnapCodec } from "../base/codec.ts";
import { damaged } from "./errors.ts";
import { parseSnapshot, wholeText } from "./snapshot_file.ts";
import type { StoredSnapshot } from "./snapshots.ts";

/**
 * Reads what early versions of the Rust crate `minisnap` wrote: the state in
 * one file, its number in another.
 */
export async function readRustPair<S>(
  fs: FileSystem,
  dir: string,
  codec: SnapCodec<S> | undefined,
): Promise<StoredSnapshot<S> | undefined> {
  const path = join(dir, "snapshot.json");
  const seqPath = join(dir, "snapshot.seq");
  if (await fs.stat(seqPath) === undefined) return undefined;
  const digits = (await wholeText(fs, seqPath)).trim();
  const seq = Number(digits);
  if (!/^\d+$/.test(digits) || !Number.isSafeInteger(seq)) {
    throw damaged(seqPath, "it holds no sequence number");
  }
  if (await fs.stat(path) === undefined) throw damaged(path, "it is missing");
  const text = await wholeText(fs, path);
  const json = parseSnapshot(text, path, MAX_DEPTH, keepInteger);
  return { seq, state: await decodeJson(codec, json) };
}
