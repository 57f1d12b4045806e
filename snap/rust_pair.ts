import { join } from "@std/path";
import type { FileSystem } from "../store/fs.ts";
import { decodeJson, type SnapCodec } from "./codec.ts";
import { damaged, type Restored, wholeText } from "./snapshot_file.ts";

/**
 * Reads what early versions of the Rust crate `minisnap` wrote: the state in
 * one file, its number in another.
 */
export async function readRustPair<S>(
  fs: FileSystem,
  dir: string,
  codec: SnapCodec<S> | undefined,
): Promise<Restored<S> | undefined> {
  const path = join(dir, "snapshot.json");
  const seqPath = join(dir, "snapshot.seq");
  if (await fs.stat(seqPath) === undefined) return undefined;
  const text = (await wholeText(fs, seqPath)).trim();
  const seq = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(seq)) {
    throw damaged(seqPath, "it holds no sequence number");
  }
  let json: unknown;
  try {
    json = JSON.parse(await wholeText(fs, path));
  } catch {
    throw damaged(path, "it is not JSON");
  }
  return { seq, state: await decodeJson(codec, json) };
}
