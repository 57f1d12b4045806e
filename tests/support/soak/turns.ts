import type { StateOptions } from "@mini/state/state";

/** A turn that a caller has taken. */
export interface Turn {
  readonly caller: string;
  readonly turn: number;
}

/** The last turn of each caller. */
export type Turns = Record<string, number>;

/** Takes in a turn, and throws if it does not follow on the one before: one was lost, or is there twice. */
export function takeIn(turns: Turns, { caller, turn }: Turn): void {
  const last = turns[caller] ?? 0;
  if (turn !== last + 1) {
    throw new Error(`turn ${turn} of ${caller} follows on ${last}`);
  }
  turns[caller] = turn;
}

/** A state that refuses a turn that does not follow on, and whose log and snapshots are limited. */
export const TURNS: StateOptions<Turns, Turn> = {
  initial: () => ({}),
  apply: takeIn,
  retain: { records: 2_000 },
  maxSegmentBytes: 50_000,
};

/** The paths of a program's data. */
export function placesIn(dir: string): {
  readonly log: string;
  readonly state: string;
  readonly queue: string;
} {
  return {
    log: `${dir}/log/journal.jsonl`,
    state: `${dir}/state`,
    queue: `${dir}/queue`,
  };
}
