import { NEWLINE } from "../base/bytes.ts";
import { hasCode, MiniError } from "../base/errors.ts";
import { readBlock } from "../fs/blocks.ts";
import { openIfExists } from "../fs/directory.ts";
import type { FileSystem } from "../fs/file_system.ts";
import type { Damage } from "./format/records.ts";
import type { JournalContext } from "./journal.ts";

/** The error for damage to what had been durable. */
export function corrupt(path: string, damage: Damage): MiniError {
  const { reason, ...place } = damage;
  const where = [
    place.line !== undefined ? `line ${place.line}` : "",
    place.offset !== undefined ? `offset ${place.offset}` : "",
  ].filter((part) => part !== "").join(", ");
  return new MiniError(
    "CORRUPT",
    `Cannot read "${path}"${
      where && ` (${where})`
    }: ${reason}; nothing was changed`,
    { path, ...place },
  );
}

/** The error for an intact line over the limit. */
export async function tooLong(
  { fs, maxRecordBytes }: JournalContext,
  path: string,
  damage: Damage & { offset: number },
): Promise<MiniError> {
  const { line } = await corruptAt(fs, path, damage.offset, damage);
  return new MiniError(
    "TOO_LARGE",
    `Cannot read "${path}" (line ${line}): ${damage.reason}, and maxRecordBytes is ${maxRecordBytes}; nothing was changed`,
    {
      path,
      offset: damage.offset,
      ...(line && { line }),
      ...(damage.seq && { seq: damage.seq }),
    },
  );
}

/** The same, with the number of the line at `offset`, which takes reading up to it, unless the file has another name by now. */
export async function corruptAt(
  fs: FileSystem,
  path: string,
  offset: number,
  damage: Damage,
): Promise<MiniError> {
  const file = await openIfExists(fs, path);
  if (file === undefined) return corrupt(path, { ...damage, offset });
  try {
    let line = 1;
    for (let left = offset; left > 0;) {
      const block = await readBlock(file, left);
      if (block.length === 0) break;
      for (let at = -1; (at = block.indexOf(NEWLINE, at + 1)) !== -1;) line++;
      left -= block.length;
    }
    return corrupt(path, { ...damage, offset, line });
  } finally {
    await file.close();
  }
}

/** The error for a file that is not a journal of this format. */
export function unsupported(path: string, isNewer: boolean): MiniError {
  const why = isNewer
    ? "it was written by a newer version of this package"
    : "it is not a journal";
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot read "${path}": ${why}; nothing was changed`,
    { path },
  );
}

/** The damage that an error reports, if it reports one. */
export function damageOf(error: unknown): string | undefined {
  return hasCode(error, "CORRUPT") ? error.message : undefined;
}
