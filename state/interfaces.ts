import type { SnapshotInfo } from "../snap/mod.ts";
import type {
  AppendOptions,
  CompactionReport,
  LogRecord,
  MiniError,
} from "../store/mod.ts";

/**
 * The log as a {@linkcode StateManager} sees it. `MiniStore` is one; another
 * may stand behind the same API when one machine is outgrown.
 *
 * @example A state over a log of one's own
 * ```ts
 * import { MiniStore, StateManager } from "@mini/state";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * const log = await MiniStore.open<unknown>(`${dir}/elsewhere.jsonl`);
 * await using sum = await StateManager.open(dir, {
 *   log, // or whatever else implements the interface
 *   initial: () => 0,
 *   apply: (state, by: number) => state + by,
 * });
 * await sum.apply(2);
 * assertEquals([sum.state, log.sequence], [2, 1]);
 * ```
 */
export interface Log<T> {
  /** What tells it from every other log; its snapshots carry it too. */
  readonly id?: string | undefined;
  /** The number of the last acknowledged record. */
  readonly sequence: number;
  /** The number of the first record that is there, or of the next one where none is. */
  readonly firstSequence: number;
  /** Up to where the log proves that its records had been applied, as it was found on opening: see {@linkcode AppendOptions.applied}. Without it, it proves nothing. */
  readonly applied?: number;
  /** Appends a record, taken as it is at the call; resolves, in the order of the calls, to its number once it is durable. */
  append(record: T, options?: AppendOptions): Promise<number>;
  /** Appends records as one atomic unit; resolves to the number of the last. */
  appendBatch(records: readonly T[]): Promise<number>;
  /** Reads the acknowledged records in order. */
  replay(
    range?: { from?: number; to?: number; signal?: AbortSignal },
  ): AsyncIterable<LogRecord<T>>;
  /** Reads as `replay`, then every further record once it is acknowledged; ends when the log is closed. */
  follow(
    options?: { from?: number; signal?: AbortSignal },
  ): AsyncIterable<LogRecord<T>>;
  /** Removes records that are all `<= upTo`, as far as it can. */
  compact(upTo: number): Promise<CompactionReport>;
  /** Makes sure that what was appended so far can be removed by a later `compact`, where that takes more. */
  rotate?(): Promise<void>;
  /** Makes durable what was appended with `durable: false`, where the log knows that. */
  sync?(): Promise<void>;
  /** Goes on with record `seq + 1` of the log `id`, which lies ahead; what is there may go. Without it a snapshot that is ahead of the log is refused. */
  resetTo?(seq: number, id?: string): Promise<void>;
  /** Frees it. `applied` below the last record says that the end is not to count as clean. */
  close(options?: { readonly applied?: number }): Promise<void>;
}

/** The snapshots as a {@linkcode StateManager} sees them. `SnapStore` is one. */
export interface Snapshots<S> {
  /** Makes a snapshot, durably. The state does not change until `onCaptured` is called, or that is done. */
  create(
    state: S,
    seq: number,
    options?: { version?: number; logId?: string; onCaptured?: () => void },
  ): Promise<SnapshotInfo>;
  /** The newest whole one that stands at `upTo` at most. */
  restore(upTo?: number): Promise<
    | {
      readonly state: S;
      readonly seq: number;
      readonly version?: number;
      readonly logId?: string;
    }
    | undefined
  >;
  /** Those that `restore` has found damaged so far. */
  readonly rejected?: readonly {
    readonly path: string;
    readonly error: MiniError;
  }[];
  /** Those there are, oldest first. */
  list(): Promise<SnapshotInfo[]>;
}
