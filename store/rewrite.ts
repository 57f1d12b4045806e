import { replaceFileDurably } from "../fs/atomic_file.ts";
import { readBlock } from "../fs/blocks.ts";
import type { FileHandle } from "../fs/file_system.ts";
import type { JournalContext } from "./journal.ts";

/** What becomes of the active segment after an unclean end. */
export interface Rewrite {
  /** How much of it is kept. */
  readonly keepBytes: number;
  /** What is written after that. */
  readonly added: Uint8Array<ArrayBuffer>;
  /** What is cut off; kept in a file of its own. */
  readonly torn: Uint8Array<ArrayBuffer>;
}

/**
 * Writes what has survived an unclean end into a new file before any of it is
 * shown. Cutting in place is not enough: after a failed fsync the page cache
 * shows records that are not on the disk, and no later fsync puts them there.
 */
export async function rewriteActive(
  context: JournalContext,
  { keepBytes, added, torn }: Rewrite,
  check?: () => Promise<void>,
): Promise<FileHandle> {
  const { paths, staging } = context;
  if (torn.length > 0) {
    const file = await replaceFileDurably(
      staging,
      paths.torn,
      (file) => file.write(torn),
    );
    await file.close();
  }
  const fill = async (file: FileHandle) => {
    await copyActive(context, keepBytes, file);
    await file.write(added);
  };
  return await replaceFileDurably(staging, paths.active, fill, check);
}

/** Copies what the active segment holds. */
export async function copyActive(
  { fs, paths }: JournalContext,
  sizeBytes: number,
  to: FileHandle,
): Promise<void> {
  const from = await fs.open(paths.active, "read");
  try {
    for (let left = sizeBytes; left > 0;) {
      const block = await readBlock(from, left);
      if (block.length === 0) {
        const path = paths.active;
        throw new Error(`"${path}" has become shorter while it was copied`);
      }
      await to.write(block);
      left -= block.length;
    }
  } finally {
    await from.close();
  }
}
