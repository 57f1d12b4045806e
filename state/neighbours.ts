import { join } from "@std/path";
import { readBlock } from "../store/block.ts";
import type { FileHandle, FileSystem } from "../store/fs.ts";

/** Enough for a header, and for what a record starts with. */
const START_BYTES = 4_096;

const CLOSE = /^.{18}"close":/;
const ENTRY =
  /^.{18}"seq":\d+,("durable":\d+,)?("applied":\d+,)?"data":\{"(apply|applyAll|abort)":/;

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
  for (const name of await namesIn(fs, dir)) {
    const isOther = name.endsWith(".jsonl") && name !== journal &&
      !SEALED.test(name);
    if (!isOther || !await isOfState(fs, join(dir, name))) continue;
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
  let file: FileHandle | undefined;
  try {
    file = await fs.open(path, "read");
    const start = new TextDecoder().decode(await readBlock(file, START_BYTES));
    const [header = "", record = ""] = start.split("\n", 2);
    const { mini, base } = JSON.parse(header);
    if (mini !== 1) return false;
    return record === "" || CLOSE.test(record) ? base > 0 : ENTRY.test(record);
  } catch {
    return false;
  } finally {
    await file?.close();
  }
}
