import type { MiniError } from "../../base/errors.ts";
import type { Calls } from "../../fs/steps/calls.ts";
import { type Steps, wait } from "../../fs/steps/steps.ts";
import type { KeepOptions } from "../options.ts";
import type { WriterMeter } from "./meter.ts";
import type { SegmentSet } from "./segment_set.ts";

/** When a new segment begins, and what the last rotations failed with. */
export class Rotation {
  readonly #segments: SegmentSet;
  readonly #meter: WriterMeter;
  readonly #maxSegmentBytes: number;
  /** The limits beyond which a rotation removes the oldest segments. */
  readonly keep: KeepOptions | undefined;
  #beyond: number;
  /** The error of the last rotation that an append started, if it failed. */
  failure: MiniError | undefined;
  /** The error of the last rotation that could not remove what is beyond `keep`. */
  keepFailure: MiniError | undefined;

  constructor(
    { segments, meter }: { segments: SegmentSet; meter: WriterMeter },
    { maxSegmentBytes, keep }: {
      readonly maxSegmentBytes: number;
      readonly keep?: KeepOptions | undefined;
    },
  ) {
    this.#segments = segments;
    this.#meter = meter;
    this.#maxSegmentBytes = this.#beyond = maxSegmentBytes;
    this.keep = keep;
  }

  /** Whether the active segment is full. */
  get isDue(): boolean {
    return this.#segments.sizeBytes > this.#beyond;
  }

  /** Seals the active segment, which ends with record `sequence` and is durable, unless it holds no record. */
  *seal(calls: Calls, sequence: number): Steps<void> {
    const segments = this.#segments;
    if (sequence > segments.base) {
      const rotate = () => calls.run(segments.rotate(calls, sequence));
      yield* wait(this.#meter.rotate(sequence, rotate));
      this.#meter.rotations++;
    }
    this.#beyond = this.#maxSegmentBytes;
    this.failure = undefined;
  }

  /** Removes what is beyond `keep`, once the rotation is durable; it succeeds even if this fails. */
  *trim(calls: Calls): Steps<void> {
    if (this.keep === undefined) return;
    this.keepFailure = undefined;
    const [segments, meter] = [this.#segments, this.#meter];
    const compact = (upTo: number) =>
      segments.canCompact(upTo) &&
      meter.compact(upTo, () => calls.run(segments.compact(calls, upTo)));
    try {
      yield* segments.trim(calls, this.keep, compact);
    } catch (error) {
      this.keepFailure = error as MiniError;
    }
  }

  /** Lets the segment grow by another one's size before the next attempt. */
  postpone(failure: MiniError): void {
    this.failure = failure;
    this.#beyond = this.#segments.sizeBytes + this.#maxSegmentBytes;
  }
}
