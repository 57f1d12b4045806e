import { crc32 } from "../base/checksum.ts";
import { MiniError } from "../base/errors.ts";
import type { FileHandle, FileSystem } from "./file_system.ts";
import { replaceFileDurably, type Staging } from "./atomic_file.ts";
import { readBlock } from "./blocks.ts";

/** Copies the first bytes of a file to an open one; gives their checksum. */
export async function copyBytes(
  fs: FileSystem,
  from: string,
  to: FileHandle,
  sizeBytes: number = Infinity,
): Promise<number> {
  const file = await fs.open(from, "read");
  try {
    let crc = 0;
    for (let left = sizeBytes; left > 0;) {
      const block = await readBlock(file, left);
      if (block.length === 0) break;
      crc = crc32(block, crc);
      left -= block.length;
      await to.write(block);
    }
    return crc;
  } finally {
    await file.close();
  }
}

/** Makes a durable copy of a file, whole or of its beginning, and reads it back before it gets its name; gives its checksum. */
export async function copyFile(
  staging: Staging,
  from: string,
  to: string,
  sizeBytes: number = Infinity,
): Promise<number> {
  const { fs, temporary } = staging;
  let written = 0;
  const copy = await replaceFileDurably(
    staging,
    to,
    async (file) => {
      written = await copyBytes(fs, from, file, sizeBytes);
    },
    async () => {
      if (await checksumOf(fs, temporary) === written) return;
      const message =
        `Cannot copy "${from}": the copy does not read back as written`;
      throw new MiniError("IO", message, { path: to });
    },
  );
  await copy.close();
  return written;
}

async function checksumOf(fs: FileSystem, path: string): Promise<number> {
  const file = await fs.open(path, "read");
  try {
    let crc = 0;
    for (;;) {
      const block = await readBlock(file);
      if (block.length === 0) return crc;
      crc = crc32(block, crc);
    }
  } finally {
    await file.close();
  }
}
