import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
} from "@mini/state/queue";
import type { FileSystem } from "@mini/state/store";
import { StateManager, type StateOptions } from "@mini/state/state";
import type { Random } from "@mini/state/testing";
import { DIR } from "./process.ts";
import { pick } from "./world.ts";

/** What has happened, in order, and a queue. */
export interface State {
  readonly seen: string[];
  readonly box: Ledger<string>;
}

/** What happens; a boom goes off half-way. */
export type Change = { readonly event: string } | { readonly boom: string } | {
  readonly box: LedgerEntry<string>;
};

function apply(state: State, change: Change): void {
  if ("box" in change) return applyToLedger(state.box, change.box);
  const name = "event" in change ? change.event : change.boom;
  state.seen.push(name);
  if ("boom" in change) throw new Error(`${name} goes off half-way`);
}

/** The state under test. */
export type Manager = StateManager<State, Change>;

/** How the state of a run is kept. */
export function optionsOf(random: Random): StateOptions<State, Change> {
  return {
    initial: () => ({ seen: [], box: emptyLedger<string>() }),
    apply,
    maxSegmentBytes: pick(random, [500, 3_000, 100_000]),
    keepSnapshots: 1 + random.below(3),
    ...(random.oneIn(3) && { snapshotEvery: 5 + random.below(20) }),
  };
}

/** Opens the state that is on a disk. */
export function openState(
  fs: FileSystem,
  options: StateOptions<State, Change>,
): Promise<Manager> {
  return StateManager.open<State, Change>(DIR, { ...options, fs });
}
