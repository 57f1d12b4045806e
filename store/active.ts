import type { FileHandle } from "./fs.ts";
import type { Encoded } from "./line.ts";
import { fromOs, isNoSpace } from "./os_errors.ts";
import type { JournalContext } from "./segment.ts";

/**
 * The segment that is being written.
 *
 * What is thrown says what is true: after a {@linkcode MiniError} the file is as
 * it was before, after anything else it is unknown and the log is poisoned.
 */
export class ActiveSegment {
  readonly #context: JournalContext;
  readonly #file: FileHandle;
  readonly #identity: string;
  /** Its size, all of it whole lines. */
  sizeBytes: number;
  /** The running checksum there. */
  chain: number;
  /** Whether every byte is on stable storage. */
  isSynced = true;
  /** How much of it is acknowledged, and may be read. */
  readableBytes: number;

  private constructor(
    context: JournalContext,
    file: FileHandle,
    end: { sizeBytes: number; chain: number; identity: string },
  ) {
    this.#context = context;
    this.#file = file;
    this.#identity = end.identity;
    this.sizeBytes = end.sizeBytes;
    this.readableBytes = end.sizeBytes;
    this.chain = end.chain;
  }

  /** Goes on at the end of an open file, every byte of which is on stable storage. */
  static async at(
    context: JournalContext,
    file: FileHandle,
    end: { sizeBytes: number; chain: number },
  ): Promise<ActiveSegment> {
    const { identity } = await file.stat();
    return new ActiveSegment(context, file, { ...end, identity });
  }

  /** Appends. Throws `NO_SPACE` once the file is as it was before. */
  async write({ bytes, chain }: Encoded): Promise<void> {
    this.isSynced = false;
    try {
      await this.#file.write(bytes);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      await this.#cutBack();
      const { directory, active: path } = this.#context.paths;
      throw fromOs(
        error,
        `append to "${path}"`,
        "nothing of it was kept, and the log goes on",
        { directory, path },
      );
    }
    this.sizeBytes += bytes.length;
    this.chain = chain;
  }

  /**
   * Appends the mark of a clean shutdown, durably, everything before it being
   * durable already. Where that fails the mark is taken back: shown by the page
   * cache and not on the disk, it would lie to whoever opens the log next.
   */
  async writeMark(mark: Encoded): Promise<void> {
    const { sizeBytes, chain } = this;
    try {
      await this.write(mark);
      await this.sync();
    } catch {
      this.sizeBytes = sizeBytes;
      this.chain = chain;
      await this.#cutBack().catch(() => {});
    }
  }

  /** Takes back what was written after `sizeBytes`, durably. */
  async #cutBack(): Promise<void> {
    await this.#file.truncate(this.sizeBytes);
    await this.sync();
  }

  /** Puts every byte on stable storage. */
  async sync(): Promise<void> {
    await this.#file.sync();
    this.isSynced = true;
  }

  /** Throws unless the journal's name still stands for this file, and nobody else has changed its size. */
  async assertOurs(): Promise<void> {
    const { fs, paths: { active: path } } = this.#context;
    const named = await fs.stat(path);
    if (
      named?.identity === this.#identity && named.sizeBytes === this.sizeBytes
    ) {
      return;
    }
    const what = named === undefined
      ? "was removed or renamed"
      : named.identity !== this.#identity
      ? "was replaced by another file"
      : `has ${named.sizeBytes} bytes in place of ${this.sizeBytes}`;
    throw new Error(`something else changed the file: it ${what}`);
  }

  /** Whether the name stands for this file. */
  async isAt(path: string): Promise<boolean> {
    const named = await this.#context.fs.stat(path);
    return named !== undefined && named.identity === this.#identity;
  }

  /** Frees the file. */
  async close(): Promise<void> {
    await this.#file.close().catch(() => {});
  }
}
