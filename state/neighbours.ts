import { join } from "node:path";
import { readBlock } from "../fs/blocks.ts";
import type { FileHandle, FileSystem } from "../fs/file_system.ts";
import { sameFile } from "../store/spelling.ts";

/** Enough for a header, and for what a record starts with. */
export const START_BYTES = 4_096;

const CLOSE = /^.{18}"close":/;
const ENTRY =
  /^.{18}"seq":\d+,("durable":\d+,)?("applied":\d+,)?"data":\{"(apply|applyBatch|abort)":/;

/** A sealed segment, which its active one stands for. */
const SEALED = /\.\d{20}\.jsonl$/;

/**
 * Throws a `TypeError` where the log of another state stands in the directory:
 * each would take the snapshots of the other for its own.
 */
export async function assertAlone(
  fs: FileSystem,
  dir: string,
  journal: string,
): Promise<void> {
  const names = await namesIn(fs, dir);
  // The directory may list it in another spelling.
  const isSame = sameFile(fs, names);
  for (const name of names) {
    const path = join(dir, name);
    const isOther = name.endsWith(".jsonl") && !SEALED.test(name) &&
      !await isSame(path, join(dir, journal)) && await isOfState(fs, path);
    if (!isOther) continue;
    throw new TypeError(
      `"${dir}" holds another state, the log of which is "${name}"; give each a directory of its own`,
    );
  }
}

async function namesIn(fs: FileSystem, dir: string): Promise<string[]> {
  try {
    return await fs.list(dir);
  } catch {
    // Opening the log will say what is wrong.
    return [];
  }
}

/** Whether a log starts as that of a state does, or has nothing left but what a snapshot stands for. */
async function isOfState(fs: FileSystem, path: string): Promise<boolean> {
  const [header = "", ...lines] = (await startOf(fs, path)).split("\n");
  // The mark of a clean end stays where it is, and records may follow it.
  const record = lines.find((line) => !CLOSE.test(line)) ?? "";
  const base = /^\{"crc":"[0-9a-f]{8}","mini":1,.*"base":(\d+)/.exec(header)
    ?.[1];
  if (base === undefined) return false;
  return record === "" ? Number(base) > 0 : ENTRY.test(record);
}

/** What a file starts with; nothing where it cannot be read. */
export async function startOf(fs: FileSystem, path: string): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await fs.open(path, "read");
    return new TextDecoder().decode(await readBlock(file, START_BYTES));
  } catch {
    return "";
  } finally {
    await file?.close();
  }
}
