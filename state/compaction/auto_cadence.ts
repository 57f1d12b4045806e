import type { SnapshotInfo } from "../../snap/mod.ts";
import { weightOf } from "./weight.ts";

/** A shorter log is replayed in a moment. */
const MIN_BYTES = 4 * 1024 * 1024;

/** How many times the state, and its last snapshot, the log after that must be. */
const FACTOR = 8;

/**
 * Decides when a snapshot makes itself: once the log after the last one is
 * `FACTOR` times its size, and the size of the state now as far as that can be
 * told, so that snapshots cost a fraction of what the log costs. Where no size is
 * known, once as many records follow the last one as it covers.
 */
export class AutoCadence {
  /** The number of the last snapshot. */
  #seq = 0;
  /** Its size; 0 if that is not known, `undefined` if nobody has looked. */
  #sizeBytes: number | undefined;
  /** How much was logged when the next one may be due. */
  #dueAt = 0;
  #begin = 0;

  /** Begins after a snapshot, made when `loggedBytes` were logged. */
  restart(seq: number, loggedBytes: number, sizeBytes?: number): void {
    this.#seq = seq;
    this.#sizeBytes = sizeBytes === undefined ? undefined : known(sizeBytes);
    this.#begin = loggedBytes;
    this.#postpone(loggedBytes);
  }

  /** Makes none before so much more is logged as after a snapshot. */
  #postpone(loggedBytes: number): void {
    const sizeBytes = FACTOR * (this.#sizeBytes ?? 0);
    this.#dueAt = loggedBytes + Math.max(MIN_BYTES, sizeBytes);
  }

  /** Makes no more. */
  stop(): void {
    this.#dueAt = Infinity;
  }

  /** Whether a snapshot may be due: cheap, asked at each record. */
  mayBeDue(loggedBytes: number): boolean {
    return loggedBytes >= this.#dueAt;
  }

  /** Whether one is due, at record `sequence`. */
  async isDue(
    sequence: number,
    loggedBytes: number,
    list: () => Promise<readonly SnapshotInfo[]>,
  ): Promise<boolean> {
    // If listing fails, the next try is not at the next record.
    this.#postpone(loggedBytes);
    this.#sizeBytes ??= known(
      (await list()).find(({ seq }) => seq === this.#seq)?.sizeBytes,
    );
    if (this.#sizeBytes === 0) return sequence - this.#seq >= this.#seq;
    const isDue = loggedBytes - this.#begin >= FACTOR * this.#sizeBytes;
    if (!isDue) this.#postpone(this.#begin);
    return isDue;
  }

  /** Whether the log outweighs a state that is plain JSON. If not, it must have doubled before the next look. */
  outweighs(loggedBytes: number, state: unknown): boolean {
    const bytes = loggedBytes - this.#begin;
    const isLight = weightOf(state, bytes / FACTOR) <= bytes / FACTOR;
    if (!isLight) this.#dueAt = loggedBytes + bytes;
    return isLight;
  }
}

/** A size, as far as it says something. */
function known(sizeBytes: number | undefined): number {
  return sizeBytes !== undefined && sizeBytes > 0 ? sizeBytes : 0;
}
