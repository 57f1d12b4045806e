import type { FileHandle } from "../../fs/file_system.ts";
import type { Encoded } from "../format/line.ts";
import { fromOs, isNoSpace } from "../../fs/os_errors.ts";
import type { JournalContext } from "../journal.ts";

/** Where a segment ends. */
interface SegmentEnd {
  readonly sizeBytes: number;
  readonly chain: number;
  readonly isMarked?: boolean;
}

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
  /** Whether its last line is a mark of a clean end, which is durable. */
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
    this.readableBytes = end.sizeBytes;
    this.chain = end.chain;
    this.#isMarked = end.isMarked ?? false;
  }

  /** Goes on at the end of an open file, every byte of which is on stable storage. */
  static async at(
    context: JournalContext,
    file: FileHandle,
    end: SegmentEnd,
  ): Promise<ActiveSegment> {
    const { identity } = await file.stat();
    return new ActiveSegment(context, file, { ...end, identity });
  }

  /** Appends. Throws `NO_SPACE` once the file is as it was before. */
  async write({ bytes, chain }: Encoded): Promise<void> {
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
        "nothing of it was kept, and the log goes on",
        { directory, path },
      );
    }
    this.sizeBytes += bytes.length;
    this.chain = chain;
  }

  /**
   * Appends the mark of a clean end, everything before it being durable already,
   * then a second one, which says that the first is durable: opening may keep
   * the first as it stands. A mark whose write or fsync fails is taken back.
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
