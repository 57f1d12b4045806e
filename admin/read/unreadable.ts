import { readBlock } from "../../fs/blocks.ts";
import { openIfExists } from "../../fs/directory.ts";
import type { FileSystem } from "../../fs/file_system.ts";
import { isUnreadable } from "../../fs/os_errors.ts";
import { LineCutter, type RawLine } from "./raw_lines.ts";

/** The unit in which a disk fails to read. */
const STEP_BYTES = 4_096;
const MAX_BLOCK_BYTES = 256 * 1024;

/**
 * Reads a file by lines, as `rawLines` does, and reads on behind what the disk
 * cannot read: in small blocks near it, each of which is skipped if it fails.
 */
export async function* readableLines(
  fs: FileSystem,
  path: string,
  maxBytes: number,
): AsyncGenerator<Iterable<RawLine>, void, undefined> {
  const file = await openIfExists(fs, path);
  // Compacted since it was listed.
  if (file === undefined) return;
  const cutter = new LineCutter(maxBytes);
  let at = 0;
  let blockBytes = MAX_BLOCK_BYTES;
  try {
    for (;;) {
      let block: Uint8Array<ArrayBuffer>;
      try {
        block = await readBlock(file, blockBytes);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        const { sizeBytes } = await file.stat();
        const next = Math.min(at + STEP_BYTES - at % STEP_BYTES, sizeBytes);
        if (blockBytes <= STEP_BYTES) {
          // There is nothing behind it.
          if (next <= at) break;
          cutter.skip(next - at);
          at = next;
        }
        blockBytes = STEP_BYTES - at % STEP_BYTES;
        await file.seek(at);
        continue;
      }
      if (block.length === 0) break;
      at += block.length;
      blockBytes = Math.min(
        2 * Math.max(blockBytes, STEP_BYTES / 2),
        MAX_BLOCK_BYTES,
      );
      yield cutter.push(block);
    }
    yield cutter.end();
  } finally {
    await file.close();
  }
}
