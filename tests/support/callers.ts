import type { MiniError, StateManager } from "@mini/state/state";
import { CALLERS, type Numbered, sumOf } from "./numbered.ts";

/** A state in which callers count. */
export type NumberedState = StateManager<number[], Numbered>;

/** Callers that work on a state, one mutation after another each, and know what was acknowledged. */
export class Callers {
  /** The number of the last mutation of each that was acknowledged. */
  readonly #acknowledged: number[] = Array(CALLERS).fill(0);
  /** The number of the last mutation of each that was tried. */
  readonly #tried: number[] = Array(CALLERS).fill(0);
  #isOver = false;

  /** How many mutations were acknowledged. */
  get count(): number {
    return sumOf(this.#acknowledged);
  }

  /** Works until stopped or refused. Resolves to the codes of what was refused. */
  async work(state: NumberedState): Promise<string[]> {
    this.#isOver = false;
    const codes = new Set<string>();
    const from = state.snapshot();
    await Promise.all(from.map(async (last, caller) => {
      try {
        for (let number = last + 1; !this.#isOver; number++) {
          this.#tried[caller] = number;
          await state.apply([caller, number]);
          this.#acknowledged[caller] = number;
        }
      } catch (error) {
        codes.add((error as MiniError).code);
      }
    }));
    return [...codes];
  }

  /** Lets the work end when what is under way has been acknowledged. */
  stop(): void {
    this.#isOver = true;
  }

  /** How many mutations were acknowledged that a state lacks, and how many it has that nobody tried. */
  compare(state: readonly number[]): { lost: number; invented: number } {
    const lost = sumOf(
      this.#acknowledged.map((told, at) => Math.max(0, told - state[at]!)),
    );
    const invented = sumOf(
      state.map((found, at) => Math.max(0, found - this.#tried[at]!)),
    );
    return { lost, invented };
  }
}

/** Resolves when `count` more are acknowledged, or the state has failed. */
export async function written(
  state: NumberedState,
  count: number = CALLERS,
): Promise<void> {
  const until = state.sequence + count;
  while (state.sequence < until && state.failure === undefined) {
    await state.changed;
  }
}
