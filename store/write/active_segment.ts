import type { FileHandle } from "../../fs/file_system.ts";
import type { Encoded } from "../format/line.ts";
import { fromOs, isNoSpace } from "../../fs/os_errors.ts";
import type { JournalContext } from "../journal.ts";

/** The end of a segment. */
interface SegmentEnd {
  readonly sizeBytes: number;
  readonly chain: number;
  readonly isMarked?: boolean;
}

/**
 * The segment that is being written.
 *
 * The kind of error tells the state of the file: after a {@linkcode MiniError} it
 * is as before; after any other error it is unknown, and the log is poisoned.
 */
export class ActiveSegment {
  readonly #context: JournalContext;
  readonly #file: FileHandle;
  readonly #identity: string;
  /** Its size: every line is complete. */
  sizeBytes: number;
  /** The running checksum at its end. */
  chain: number;
  /** Whether every byte is on stable storage. */
  isSynced = true;
  /** The number of bytes that are acknowledged, and may be read. */
  readableBytes: number;
  /** The number of those that are durable. */
  durableBytes: number;
  /** Whether its last line is a durable mark of a clean end. */
  #isMarked: boolean;

  private constructor(
    context: JournalContext,
    file: FileHandle,
    end: SegmentEnd & { identity: string },
  ) {
    this.#context = context;
    this.#file = file;
    this.#identity = end.identity;
    this.sizeBytes = end.sizeBytes;
    this.readableBytes = this.durableBytes = end.sizeBytes;
    this.chain = end.chain;
    this.#isMarked = end.isMarked ?? false;
  }

  /** Continues at the end of an open file, every byte of which is on stable storage. */
  static async at(
    context: JournalContext,
    file: FileHandle,
    end: SegmentEnd,
  ): Promise<ActiveSegment> {
    const { identity } = await file.stat();
    return new ActiveSegment(context, file, { ...end, identity });
  }

  /** Appends; resolves to how long that took, in milliseconds. Throws `NO_SPACE` once the file is as it was before. */
  async write({ bytes, chain }: Encoded): Promise<number> {
    const start = performance.now();
    this.isSynced = this.#isMarked = false;
    try {
      await this.#file.write(bytes);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      await this.#cutBack();
      const { directory, active: path } = this.#context.paths;
      throw fromOs(
        error,
        `append to "${path}"`,
        "nothing of it was kept, and the log stays usable",
        { directory, path },
      );
    }
    this.sizeBytes += bytes.length;
    this.chain = chain;
    return performance.now() - start;
  }

  /**
   * Appends the mark of a clean end, once everything before it is durable, then
   * a second one, which proves that the first is durable: opening may then keep
   * the first as it is. A mark whose write or fsync fails is removed again.
   */
  async writeMarks(encode: (chain: number) => Encoded): Promise<void> {
    for (let needed = this.#isMarked ? 1 : 2; needed > 0; needed--) {
      const { sizeBytes, chain } = this;
      try {
        await this.write(encode(chain));
        await this.sync();
      } catch {
        this.sizeBytes = sizeBytes;
        this.chain = chain;
        await this.#cutBack().catch(() => {});
        return;
      }
    }
  }

  /** Removes what was written after `sizeBytes`, durably. */
  async #cutBack(): Promise<void> {
    await this.#file.truncate(this.sizeBytes);
    await this.sync();
  }

  /** Puts every byte on stable storage; resolves to how long that took, in milliseconds. */
  async sync(): Promise<number> {
    const start = performance.now();
    await this.#file.sync();
    this.isSynced = true;
    return performance.now() - start;
  }

  /** Throws unless the journal's name still refers to this file, and no other process has changed its size. */
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
      : `has ${named.sizeBytes} bytes instead of ${this.sizeBytes}`;
    throw new Error(`another program changed the file: it ${what}`);
  }

  /** Whether the path refers to this file. */
  async isAt(path: string): Promise<boolean> {
    const named = await this.#context.fs.stat(path);
    return named !== undefined && named.identity === this.#identity;
  }

  /** Frees the file. */
  async close(): Promise<void> {
    await this.#file.close().catch(() => {});
  }
}
