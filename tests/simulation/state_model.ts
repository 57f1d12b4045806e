import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
} from "@mini/state/queue";
import type { FileSystem } from "@mini/state/store";
import { StateManager, type StateOptions, StateView } from "@mini/state/state";
import type { Random } from "@mini/state/testing";
import { DIR } from "./process.ts";
import { pick } from "./world.ts";

/** The events so far, in order, and a queue. */
export interface State {
  readonly seen: string[];
  readonly box: Ledger<string>;
}

/** An event; only newer code knows one that is novel. */
export interface Event {
  readonly event: string;
  readonly isNovel?: true;
}

/** An event; a boom throws half-way. */
export type Change = Event | { readonly boom: string } | {
  readonly box: LedgerEntry<string>;
};

/** Of which time the code is. */
export type Age = "older" | "newer";

/** Whether code of some age does not take changes that are one. */
export function throwsFor(changes: readonly Change[], age: Age): boolean {
  return changes.some((change) =>
    "boom" in change || age === "older" && "isNovel" in change
  );
}

function applyAt(age: Age): (state: State, change: Change) => State {
  return (state, change) => {
    if ("box" in change) applyToLedger(state.box, change.box);
    else {
      const name = "event" in change ? change.event : change.boom;
      state.seen.push(name);
      if (throwsFor([change], age)) {
        throw new Error(`${name} goes off half-way`);
      }
    }
    return state;
  };
}

/** The same by code that leaves the state as it is, and gives the next one. */
function immutablyAt(age: Age): (state: State, change: Change) => State {
  const apply = applyAt(age);
  return ({ seen, box }, change) =>
    apply(
      { seen: [...seen], box: "box" in change ? structuredClone(box) : box },
      change,
    );
}

/** The state under test. */
export type Manager = StateManager<State, Change>;

/** How a state is kept, whatever the code. */
export type Keeping = Omit<StateOptions<State, Change>, "initial" | "apply">;

/** How often code changes the state that it is given. */
const IMMUTABLE = [false, false, false, true, "checked"] as const;

/** How the state of a run is kept. */
export function keepingOf(random: Random): Keeping {
  return {
    maxSegmentBytes: pick(random, [500, 3_000, 100_000]),
    keepSnapshots: 1 + random.below(3),
    ...(random.oneIn(3)
      ? { snapshotEvery: 5 + random.below(20) }
      : { snapshotEvery: "never" }),
    ...(random.oneIn(2) && { retain: { records: random.below(30) } }),
    immutable: pick<NonNullable<Keeping["immutable"]>>(random, IMMUTABLE),
  };
}

function optionsOf(
  fs: FileSystem,
  keeping: Keeping,
  age: Age,
): StateOptions<State, Change> {
  return {
    initial: () => ({ seen: [], box: emptyLedger<string>() }),
    apply: keeping.immutable ? immutablyAt(age) : applyAt(age),
    ...keeping,
    fs,
  };
}

/** Opens the state that is on a disk. */
export function openState(
  fs: FileSystem,
  keeping: Keeping,
  age: Age = "newer",
): Promise<Manager> {
  return StateManager.open(DIR, optionsOf(fs, keeping, age));
}

/** A view of the state under test. */
export type View = StateView<State, Change>;

/** Opens a view of the state that is on a disk, by newer code. */
export function openView(fs: FileSystem, keeping: Keeping): Promise<View> {
  const { log: _, snapshots: __, ...options } = optionsOf(fs, keeping, "newer");
  return StateView.open<State, Change>(DIR, { ...options, ifMissing: "empty" });
}
