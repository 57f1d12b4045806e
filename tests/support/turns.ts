import type { StateOptions } from "@mini/state/state";

/** Which turn each caller has come to, and how often one did not follow on. */
export interface Turns {
  readonly last: Record<string, number>;
  count: number;
  outOfOrder: number;
}

/** A turn that a caller has taken. */
export interface Turn {
  readonly caller: string;
  readonly turn: number;
}

/** A state that shows a turn that was lost or taken in twice. */
export const TURNS: StateOptions<Turns, Turn> = {
  initial: () => ({ last: {}, count: 0, outOfOrder: 0 }),
  apply: (state, { caller, turn }) => {
    if (turn !== (state.last[caller] ?? 0) + 1) state.outOfOrder++;
    state.last[caller] = turn;
    state.count++;
  },
  snapshotEvery: 150,
  retain: { records: 100 },
  maxSegmentBytes: 5_000,
};

/** The same by code that leaves each state as it is. */
export const UNCHANGED_TURNS: StateOptions<Turns, Turn> = {
  ...TURNS,
  immutable: true,
  apply: ({ last, count, outOfOrder }, { caller, turn }) => ({
    last: { ...last, [caller]: turn },
    count: count + 1,
    outOfOrder: outOfOrder + (turn === (last[caller] ?? 0) + 1 ? 0 : 1),
  }),
};

/** The same by older code, which does not know the turns of some callers. */
export const OLDER_TURNS: StateOptions<Turns, Turn> = {
  ...TURNS,
  apply: (state, { caller, turn }) => {
    state.last[caller] = turn;
    if (Number(caller) % 4 === 3) throw new Error("it is not known");
    state.count++;
  },
};
