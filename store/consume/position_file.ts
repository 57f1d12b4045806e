import { MiniError } from "../../base/errors.ts";
import { replaceFileDurably } from "../../fs/atomic_file.ts";
import { readBlock } from "../../fs/blocks.ts";
import { openIfExists } from "../../fs/directory.ts";
import type { FileLock } from "../../fs/file_system.ts";
import { fromOs } from "../../fs/os_errors.ts";
import type { JournalContext } from "../journal.ts";
import {
  encodePosition,
  parsePosition,
  type Position,
  POSITION_BYTES,
} from "./position.ts";

/**
 * Reads the position of a consumer; `undefined` if there is no such consumer.
 *
 * @throws {MiniError} `CORRUPT`, `UNSUPPORTED_FORMAT`, `PERMISSION`, `IO`.
 */
export async function readPosition(
  { fs, paths }: JournalContext,
  name: string,
): Promise<Position | undefined> {
  const path = paths.consumer(name);
  const bytes = await contentOf();
  if (bytes === undefined) return undefined;
  if (bytes.length > POSITION_BYTES) throw unsupported(path, "it holds none");
  const position = parsePosition(bytes);
  if (position === "newer") {
    throw unsupported(path, "a newer version of this package wrote it");
  }
  if (position === "damaged") throw damaged(path, name);
  return position;

  async function contentOf(): Promise<Uint8Array | undefined> {
    try {
      const file = await openIfExists(fs, path);
      if (file === undefined) return undefined;
      try {
        return await readBlock(file, POSITION_BYTES + 1);
      } finally {
        await file.close();
      }
    } catch (error) {
      const { directory } = paths;
      const doing = `read the position of consumer "${name}" in "${path}"`;
      throw fromOs(error, doing, "nothing was changed", { directory, path });
    }
  }
}

function unsupported(path: string, why: string): MiniError {
  const message =
    `Cannot read the position of a consumer in "${path}": ${why}; nothing was changed`;
  return new MiniError("UNSUPPORTED_FORMAT", message, { path });
}

function damaged(path: string, name: string): MiniError {
  const message =
    `Cannot read the position of consumer "${name}" in "${path}": the file is damaged, so that it is unknown how far the consumer came; the log keeps every record it holds: reset(seq) of the consumer sets a new position, and reset(0), or one less than the first record that is left, gives them all again`;
  return new MiniError("CORRUPT", message, { path });
}

/** Replaces the position of a consumer, durably. If that fails, the file has the old one, or the new one. */
export async function writePosition(
  { staging, paths }: JournalContext,
  name: string,
  position: Position,
  lock: FileLock,
): Promise<void> {
  const path = paths.consumer(name);
  const temporary = `${path}.tmp`;
  try {
    if (!await lock.isCurrent()) {
      throw new Error("its lock file was removed or replaced");
    }
    const file = await replaceFileDurably(
      { ...staging, temporary },
      path,
      (file) => file.write(encodePosition(position)),
    );
    await file.close();
  } catch (error) {
    const { directory } = paths;
    const doing = `write the position of consumer "${name}" to "${path}"`;
    const after = "the file has the position of before, or this one";
    throw fromOs(error, doing, after, { directory, path });
  }
}
