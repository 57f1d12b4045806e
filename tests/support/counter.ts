import { StateManager, type StateOptions } from "@mini/state/state";

/** A state that remembers what was done to it. */
export interface Counter {
  value: number;
  log: string[];
}

/** A mutation of it; `fail` makes `apply` throw half-way. */
export interface Add {
  readonly by: number;
  readonly note?: string;
  readonly fail?: boolean;
}

export const COUNTER: StateOptions<Counter, Add> = {
  initial: () => ({ value: 0, log: [] }),
  apply: (state, { by, note, fail }) => {
    state.value += by;
    if (note !== undefined) state.log.push(note);
    if (fail) throw new Error(`cannot add ${by}`);
  },
};

/** Opens the counter in a directory. */
export function openCounter(
  dir: string,
  options: Partial<StateOptions<Counter, Add>> = {},
): Promise<StateManager<Counter, Add>> {
  return StateManager.open(dir, { ...COUNTER, ...options });
}
