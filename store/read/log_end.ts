import { Mutex } from "../../base/mutex.ts";
import { listIfExists } from "../../fs/directory.ts";
import type { Shape } from "../format/shape.ts";
import type { JournalContext } from "../journal.ts";
import type { IfMissing } from "./journal_segments.ts";
import { LogTail } from "./log_tail.ts";

/** How far a log reaches that somebody else writes, as of the last look. Reads the newest segment, and parses next to nothing. */
export class LogEnd {
  readonly #tail: LogTail;
  readonly #mutex = new Mutex();
  #starts = 0;
  // Of the lines that are taken: a look that fails half-way must not forget what they say.
  #durable = 0;
  #applied = 0;
  /** Identifies the log; `undefined` if it has no id, or is not there. */
  id: string | undefined;
  sequence = 0;
  /** The last record that a later line, or a mark of a clean end, proves durable. */
  durableSequence = 0;
  /** Up to where the lines of this segment, and of those read before it, say that records had been applied. */
  applied = 0;

  constructor(context: JournalContext, ifMissing: IfMissing) {
    this.#tail = new LogTail(context, { from: Infinity, ifMissing });
  }

  /** Looks again. */
  refresh(): Promise<void> {
    return this.#mutex.run(() => this.#refresh());
  }

  /** Frees the file. */
  close(): Promise<void> {
    return this.#mutex.run(() => this.#tail.close());
  }

  async #refresh(): Promise<void> {
    const tail = this.#tail;
    for (;;) {
      const lines = await tail.next();
      if (tail.starts !== this.#starts) {
        this.#starts = tail.starts;
        this.#durable = this.#applied = 0;
      }
      if (lines === undefined) break;
      const proven = provenBy(tail.pass());
      this.#durable = Math.max(this.#durable, proven.durable);
      this.#applied = Math.max(this.#applied, proven.applied);
    }
    const { segment, layout } = tail;
    const { header, lines } = segment ?? {};
    this.id = header?.journal || undefined;
    this.sequence = (lines?.next ?? 1) - 1;
    // What is sealed is durable.
    const sealed = layout?.isNative ? header?.base ?? 0 : 0;
    this.durableSequence = Math.min(
      Math.max(this.#durable, sealed),
      this.sequence,
    );
    this.applied = Math.min(this.#applied, this.sequence);
  }

  /** The number of the first record that is there, or of the next one if there is none. */
  firstSequence(): Promise<number> {
    return this.#mutex.run(async () => {
      const { segment, layout } = this.#tail;
      if (segment === undefined || !layout!.isNative) return 1;
      const { fs, paths } = layout!.context;
      const names = await listIfExists(fs, paths.directory);
      return (paths.sealedBases(names)[0] ?? segment.header.base) + 1;
    });
  }
}

/** The last record of a line, and the numbers up to which it says that records were durable, and applied. A mark of a clean end says both. */
export function provenBy(
  shape: Shape | undefined,
): {
  readonly last: number;
  readonly durable: number;
  readonly applied: number;
} {
  if (shape?.kind === "records") {
    return { ...shape, last: shape.seq + shape.count - 1 };
  }
  const seq = shape?.kind === "close" ? shape.seq : 0;
  return { last: seq, durable: seq, applied: seq };
}
