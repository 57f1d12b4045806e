import type { FileHandle, FileStat } from "../../fs/file_system.ts";
import type { Encoded } from "../format/line.ts";
import { isNoSpace } from "../../fs/os_errors.ts";
import { failed } from "./failed.ts";
import { attempt } from "../../fs/atomic_file.ts";
import type { Calls } from "../../fs/steps/calls.ts";
import {
  after,
  type Eventual,
  settle,
  type Steps,
  wait,
} from "../../fs/steps/steps.ts";
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
 * What it does to the file works with either half of the file system.
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
  static *at(
    calls: Calls,
    context: JournalContext,
    file: FileHandle,
    end: SegmentEnd,
  ): Steps<ActiveSegment> {
    const { identity } = yield* wait(calls.of(file).stat());
    return new ActiveSegment(context, file, { ...end, identity });
  }

  /** Appends. Throws `NO_SPACE` once the file is as it was before. */
  write(calls: Calls, { bytes, chain }: Encoded): Eventual<void> {
    this.isSynced = this.#isMarked = false;
    return settle(
      () => calls.of(this.#file).write(bytes),
      () => {
        this.sizeBytes += bytes.length;
        this.chain = chain;
      },
      (error) => {
        if (!isNoSpace(error)) throw error;
        return after(calls.run(this.#cutBack(calls)), () => {
          const kept = "nothing of it was kept, and the log stays usable";
          throw failed(this.#context, error, "append to", kept);
        });
      },
    );
  }

  /**
   * Appends the mark of a clean end, once everything before it is durable, then
   * a second one, which proves that the first is durable: opening may then keep
   * the first as it is. A mark whose write or fsync fails is removed again.
   */
  *writeMarks(
    calls: Calls,
    encode: (chain: number) => Encoded,
  ): Steps<void> {
    for (let needed = this.#isMarked ? 1 : 2; needed > 0; needed--) {
      const { sizeBytes, chain } = this;
      try {
        yield* wait(this.write(calls, encode(chain)));
        yield* wait(this.sync(calls));
      } catch {
        this.sizeBytes = sizeBytes;
        this.chain = chain;
        yield* attempt(() => calls.run(this.#cutBack(calls)));
        return;
      }
    }
  }

  /** Removes what was written after `sizeBytes`, durably. */
  *#cutBack(calls: Calls): Steps<void> {
    yield calls.of(this.#file).truncate(this.sizeBytes);
    yield* wait(this.sync(calls));
  }

  /** Puts every byte on stable storage. */
  sync(calls: Calls): Eventual<void> {
    return after(
      calls.of(this.#file).sync(),
      () => void (this.isSynced = true),
    );
  }

  /** Throws unless the journal's name still refers to this file, and no other process has changed its size. */
  assertOurs(calls: Calls): Eventual<void> {
    const found = calls.stat(this.#context.paths.active);
    return after(found, (named) => this.#assertNamed(named));
  }

  #assertNamed(named: FileStat | undefined): void {
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
  *isAt(calls: Calls, path: string): Steps<boolean> {
    const named = yield* wait(calls.stat(path));
    return named !== undefined && named.identity === this.#identity;
  }

  /** Frees the file. */
  *close(calls: Calls): Steps<void> {
    yield* attempt(() => calls.of(this.#file).close());
  }
}
