import { MiniError } from "../../base/errors.ts";
import { tooLarge } from "../../base/json.ts";
import { wallClockMs } from "../../fs/system.ts";
import type { Encoded, WriteFormat } from "../format/line.ts";
import type { Commit } from "./commit_queue.ts";

/** Makes the lines of commits, and knows their times. */
export class Encoder {
  readonly #format: WriteFormat;
  readonly #maxRecordBytes: number;
  readonly #hasTimes: boolean;
  /** The last time of the log, if it has one. */
  at: number | undefined;

  constructor(
    { format, hasTimes, lastTime, context: { maxRecordBytes } }: {
      readonly format: WriteFormat;
      readonly hasTimes: boolean;
      readonly lastTime?: number | undefined;
      readonly context: { readonly maxRecordBytes: number };
    },
  ) {
    this.#format = format;
    this.#maxRecordBytes = maxRecordBytes;
    this.#hasTimes = hasTimes;
    this.at = lastTime;
  }

  /** The time of a commit, in a log with times: it never goes back, whatever the clock does. */
  now(): number | undefined {
    if (!this.#hasTimes) return undefined;
    const wall = wallClockMs();
    return wall === undefined ? this.at : Math.max(wall, this.at ?? wall);
  }

  /** Encodes a commit. Nothing is written yet, so a failure affects only it. */
  encode(
    { units, records }: Commit,
    { first, durable, chain, at }: {
      readonly first: number;
      readonly durable: number;
      readonly chain: number;
      readonly at: number | undefined;
    },
  ): Encoded {
    const seq = first - 1;
    if (seq + records > Number.MAX_SAFE_INTEGER) {
      const message = "Cannot append: there are no more sequence numbers";
      throw new MiniError("TOO_LARGE", message, { seq });
    }
    try {
      return this.#format.encode(units, first, durable, chain, at);
    } catch (cause) {
      // The units are text already, so only the length of a string or a buffer can fail.
      const size = "longer than a line can be";
      throw tooLarge(size, this.#maxRecordBytes, cause);
    }
  }
}
