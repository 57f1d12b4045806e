import { hasCode } from "../../base/errors.ts";
import { aSignal, assertOptions, countFrom } from "../../base/checks.ts";
import { pause } from "../../base/deadline.ts";
import { openState, type StateManager } from "../manager.ts";
import { findStart, type RebuildSources, type Rebuilt } from "../rebuild.ts";
import type { HandOver } from "../recover.ts";
import type { StateViewOptions, StateViewSource } from "./options.ts";
import type { Follower } from "./follower.ts";
import type { ViewState } from "./view_state.ts";

/** The milliseconds between two looks at a lock that is held. */
const LOOK_MS = 100;

/**
 * How a view takes over.
 *
 * @example Only if the writer is gone
 * ```ts
 * import { MiniError, StateManager, StateView } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * const sum = {
 *   initial: () => 0,
 *   apply: (state: number, by: number) => state + by,
 * };
 * await using _writer = await StateManager.open(dir, sum);
 * await using view = await StateView.open(dir, sum);
 * const code = await view.promote({ waitMs: 200 }).then(
 *   () => "promoted",
 *   (error: MiniError) => error.code,
 * );
 * assertEquals(code, "LOCKED");
 * ```
 */
export interface PromoteOptions {
  /** How long to look again while the lock is held, or a log of the caller's is `UNAVAILABLE`, in milliseconds. @default {0} */
  waitMs?: number;
  /** Ends the waiting, and what is done before the view is stopped, by throwing its reason. */
  signal?: AbortSignal;
}

/** A view that is to be promoted. */
export interface Promotion<S, M> {
  readonly dir: string | undefined;
  /** Opens the log and the snapshots that the view was given, for writing. */
  readonly own: StateViewSource<S>["own"];
  readonly options: StateViewOptions<S, M>;
  readonly sources: RebuildSources<S, M>;
  readonly state: ViewState<S, M>;
  readonly follower: Follower;
  /** Throws if the view was closed. */
  assertOpen(): void;
}

/** Opens the state of a view for writing, with the state that the view has. The view follows no more then. */
export async function promote<S, M>(
  { dir, own, options, sources, state, follower, assertOpen }: Promotion<S, M>,
  limits: PromoteOptions,
): Promise<StateManager<S, M>> {
  assertOptions("promote()", limits, {
    waitMs: countFrom(0),
    signal: aSignal,
  });
  const { waitMs = 0, signal } = limits;
  const { ifMissing: _, ...stateOptions } = options;
  if (dir === undefined && own === undefined) {
    throw new TypeError(
      "Cannot promote the view: it was given a log and snapshots that cannot be written, and no directory",
    );
  }
  let isStopped = false;
  const handOver: HandOver<S, M> = async (written) => {
    const newest = (await written.snapshots.list()).at(-1)?.seq ?? 0;
    const isCurrent = await follower.look() &&
      // It may wait for what the log says of its last records.
      state.sequence === written.log.sequence;
    signal?.throwIfAborted();
    // A snapshot ahead of the log stands for what was lost.
    if (!isCurrent || newest > state.sequence) return undefined;
    isStopped = true;
    await follower.stop();
    written.aborts.takeOver(sources.aborts);
    // A snapshot that the view has not seen may be damaged, or of another version.
    const start = newest === state.from
      ? { seq: newest, unusable: state.unusable }
      : await findStart(written, Infinity);
    return handedOver(state, start);
  };
  const until = performance.now() + waitMs;
  for (;;) {
    signal?.throwIfAborted();
    assertOpen();
    try {
      const owned = await own?.(signal);
      return await openState(dir, { ...stateOptions, ...owned }, handOver);
    } catch (error) {
      if (isStopped) follower.resume();
      isStopped = false;
      const leftMs = until - performance.now();
      if (!mayPass(error) || leftMs <= 0) throw error;
      await pause(Math.min(LOOK_MS, leftMs), signal);
    }
  }
}

/** Whether somebody has the lock, or the servers of a log do not answer. */
function mayPass(error: unknown): boolean {
  return hasCode(error, "LOCKED") || hasCode(error, "UNAVAILABLE");
}

/** The state of a view, as opening would have rebuilt it from where it starts. */
function handedOver<S, M>(
  { state, sequence: end, from, bytes }: ViewState<S, M>,
  { seq, unusable }: Pick<Rebuilt<S>, "seq" | "unusable">,
): Rebuilt<S> {
  const replayed = end - seq;
  const replayedBytes = bytes * replayed / Math.max(1, end - from);
  return { state, seq, unusable, replayed, replayedBytes, end };
}
