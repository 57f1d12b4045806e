import { type Checks, oneOf } from "../../base/checks.ts";
import type { SnapshotReader, Snapshots } from "../../snap/mod.ts";
import type { Log, LogReader } from "../../store/mod.ts";
import { STATE_CHECKS, type StateOptions } from "../options.ts";

/**
 * The options of a view: those of the state, so that the writer and its views
 * share them, also what only matters once a view is promoted.
 *
 * @example A view that may come before the writer
 * ```ts
 * import { StateManager, StateView } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * const sum = {
 *   initial: () => 0,
 *   apply: (state: number, by: number) => state + by,
 * };
 * await using view = await StateView.open(dir, { ...sum, ifMissing: "empty" });
 * await using manager = await StateManager.open(dir, sum);
 * await view.until(await manager.apply(2));
 * assertEquals(view.state, 2);
 * ```
 */
export interface StateViewOptions<S, M>
  extends Omit<StateOptions<S, M>, "log" | "snapshots"> {
  /** Whether a directory without a log is an error, `NOT_FOUND`, or a state that is initial until a log is there. @default {"error"} */
  ifMissing?: "error" | "empty";
}

/**
 * Where a view reads, in place of a directory: a log, and the snapshots of its
 * state. They stay open when the view is closed.
 *
 * @typeParam S The state.
 *
 * @example A view within the process that writes
 * ```ts
 * import { MiniStore, SnapStore, StateView } from "@mini/state";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * await using log = await MiniStore.open<unknown>(`${dir}/journal.jsonl`);
 * const snapshots = new SnapStore<number>(dir, { readOnly: true });
 * await using view = await StateView.open({ log, snapshots }, {
 *   initial: () => 0,
 *   apply: (state, by: number) => state + by,
 * });
 * await log.append({ apply: 2 }); // as a state manager does
 * await view.until(1);
 * assertEquals(view.state, 2);
 * ```
 */
export interface StateViewSource<S> {
  /** The log. */
  readonly log: LogReader<unknown>;
  /** The snapshots. */
  readonly snapshots: SnapshotReader<S>;
  /**
   * Opens both for writing, when the view is promoted; throws `LOCKED` while
   * somebody else has them open. Without it, `promote` is a `TypeError`.
   */
  readonly own?: (signal?: AbortSignal) => Promise<{
    readonly log: Log<unknown>;
    readonly snapshots: Snapshots<S>;
  }>;
}

const { log: _log, snapshots: _snapshots, ...OF_STATE } = STATE_CHECKS;

/** The check of each option. */
export const VIEW_CHECKS: Checks<StateViewOptions<unknown, unknown>> = {
  ...OF_STATE,
  ifMissing: oneOf("error", "empty"),
};
