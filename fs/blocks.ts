import type { FileHandle } from "./file_system.ts";

/** The most that one read takes. */
const BLOCK_BYTES = 256 * 1024;

/** The size of the first read: most files are small, and a header always fits. */
export const FIRST_BLOCK_BYTES: number = 4_096;

/** Reads on from the position of the handle; empty at the end of the file. */
export async function readBlock(
  file: FileHandle,
  maxBytes: number = BLOCK_BYTES,
): Promise<Uint8Array<ArrayBuffer>> {
  const block = new Uint8Array(Math.min(maxBytes, BLOCK_BYTES));
  return block.subarray(0, await file.read(block));
}

/** Reads block after block, each into the memory of the one before. */
export class BlockReader {
  readonly #file: FileHandle;
  #memory = new Uint8Array(FIRST_BLOCK_BYTES);

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Reads on, more each time; empty at the end of the file. */
  async next(maxBytes: number = Infinity): Promise<Uint8Array<ArrayBuffer>> {
    const block = this.#memory.subarray(0, maxBytes);
    const count = await this.#file.read(block);
    if (count === this.#memory.length && count < BLOCK_BYTES) {
      this.#memory = new Uint8Array(8 * count);
    }
    return block.subarray(0, count);
  }
}
