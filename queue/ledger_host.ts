import type { MiniError } from "../base/errors.ts";
import type {
  AppliedMutation,
  ApplyOptions,
  CompactionReport,
  FollowOptions,
  Health,
  HealthOptions,
  ReplayRange,
} from "../state/mod.ts";

/** The state that holds the ledger of a queue. `StateManager` is one. */
export interface LedgerHost<S, M> {
  /** The state. */
  readonly state: S;
  /** The sequence number of the last record that the state has applied. */
  readonly sequence: number;
  /** Resolves at the next change of the state, and when the state is closed or has failed. */
  readonly changed: Promise<void>;
  /** Whether the state was closed. */
  readonly isClosed: boolean;
  /** Why nothing more can be applied, with code `POISONED` or `DEPOSED`. */
  readonly failure: MiniError | undefined;
  /** The file of the log, absolute, if it has one. */
  readonly journalPath?: string | undefined;
  /** The id of the log, if it is known. */
  readonly logId?: string | undefined;
  /** Applies a mutation. Resolves to its sequence number. */
  apply(mutation: M, options?: ApplyOptions): Promise<number>;
  /** Fast path: applies the JSON text of a mutation that the caller has checked. A state with a schema leaves it out. */
  applyJson?(json: string, options?: ApplyOptions): Promise<number>;
  /** Gives a copy of the state as it was after a record. Without it, and `history`, a queue tells no events of the past. */
  at?(seq: number): Promise<S>;
  /** Gives the mutations that had an effect, oldest first. */
  history?(range?: ReplayRange): AsyncIterable<AppliedMutation<M>>;
  /** Gives the mutations from `from`, then each further one once it is applied. Ends when the state is closed. */
  watch?(options?: FollowOptions): AsyncIterable<AppliedMutation<M>>;
  /** Tells whether the state is well. Never rejects. Without it, a queue tells only whether it is itself. */
  health?(options?: HealthOptions): Promise<Health>;
  /** Makes a snapshot, and removes the records that it makes unnecessary. */
  compact(): Promise<CompactionReport>;
}
