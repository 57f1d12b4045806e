import type { AbortedMessage, ApplyMessage } from "@mini/state/state";
import type { SnapshotMessage } from "@mini/state/snap";
import type { StateMetrics } from "@mini/state/state";
import type { Answers } from "./answers.ts";
import { same, sameNumbers } from "./compare.ts";
import type { Place } from "./log_count.ts";
import type { Ended } from "./operations.ts";

/** An open state, as it says itself. */
export interface StateFacts {
  readonly metrics: StateMetrics;
  readonly sequence: number;
  readonly failure: unknown;
  readonly replayed: number;
}

/** Counts what an open state tells, and says where that cannot be. */
export class StateCount {
  readonly #wrong: (what: string) => void;
  readonly #places: Map<object, Place>;
  readonly #replayed: number;
  /** The numbers of mutations by that of their record. */
  readonly #applied = new Map<number, number>();
  readonly #aborted = new Map<number, unknown>();
  /** Records whose callers were refused though `apply` has not thrown. */
  readonly #unexplained: unknown[] = [];
  #snapshots = 0;
  #snapshotSeq = 0;

  constructor(
    replayed: number,
    places: Map<object, Place>,
    wrong: (what: string) => void,
  ) {
    this.#replayed = replayed;
    this.#places = places;
    this.#wrong = wrong;
  }

  /** Whether it was rebuilt without a mutation. */
  get wasRebuilt(): boolean {
    return this.#aborted.size > 0;
  }

  applyEnds(message: ApplyMessage & Ended): void {
    const place = this.#places.get(message);
    if ("error" in message) return this.#refuses(message.error, place);
    const { seq, mutations, logId } = message;
    if (place === undefined || "error" in place || place.seq !== seq) {
      return this.#wrong(`record ${seq} is applied, and its commit is not so`);
    }
    if (place.logId !== logId) this.#wrong(`record ${seq} is of ${logId}`);
    if (this.#aborted.has(seq)) this.#wrong(`aborted and applied: ${seq}`);
    this.#applied.set(seq, mutations);
  }

  #refuses(error: unknown, place: Place | undefined): void {
    const isAborted = place !== undefined && "seq" in place &&
      this.#aborted.has(place.seq);
    const isOfCommit = place !== undefined && "error" in place &&
      place.error === error;
    if (!isAborted && !isOfCommit) this.#unexplained.push(error);
  }

  aborts({ seq, cause }: AbortedMessage): void {
    if (this.#aborted.has(seq)) this.#wrong(`record ${seq} is aborted twice`);
    this.#aborted.set(seq, cause);
  }

  snapshotEnds(message: SnapshotMessage & Ended): void {
    if ("error" in message) return;
    const { seq, sizeBytes } = message;
    if (!(sizeBytes! > 0) || seq < this.#snapshotSeq) {
      this.#wrong(`a snapshot at ${seq} of ${sizeBytes} bytes`);
    }
    this.#snapshotSeq = seq;
    this.#snapshots++;
  }

  /** Compares what was told with what the state says of itself, and its log. */
  compare(
    { metrics, sequence, failure, replayed }: StateFacts,
    { snapshotFailures }: Answers,
    logged: number,
  ): void {
    const wrong = this.#wrong;
    same("replayed", this.#replayed, replayed, wrong);
    sameNumbers("metrics of the state", metrics, {
      kind: "state",
      records: this.#applied.size,
      aborted: this.#aborted.size,
      waiting: 0,
      openMs: metrics.openMs,
      replayed,
      snapshotFailures,
      snapshotMs: { ...metrics.snapshotMs, count: this.#snapshots },
    }, wrong);
    if (failure !== undefined) return;
    same("the last record", sequence, logged, wrong);
    for (const error of this.#unexplained) wrong(`not applied: ${error}`);
  }

  /** Compares what was told with some writes that have succeeded. */
  compareAnswers({ written }: Answers): void {
    for (const { seq, count } of written) {
      if (this.#applied.get(seq) === count) continue;
      this.#wrong(`${count} mutations in record ${seq} are not told`);
    }
  }
}
