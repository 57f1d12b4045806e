/** The number of callers that count. */
export const CALLERS = 64;

/** A caller, and its number of this mutation. */
export type Numbered = readonly [caller: number, number: number];

/** A state that refuses gaps and duplicates: each caller counts. */
export const NUMBERED = {
  initial: (): number[] => Array(CALLERS).fill(0),
  apply(state: number[], [caller, number]: Numbered): void {
    if (number !== state[caller]! + 1) {
      throw new Error(
        `caller ${caller} has ${state[caller]}, not ${number - 1}`,
      );
    }
    state[caller] = number;
  },
};

/** Adds up what each caller has counted. */
export function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
