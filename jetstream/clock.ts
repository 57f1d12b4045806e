import { onAbort } from "../base/abort.ts";
import { pause } from "../base/deadline.ts";

/** How long to ask, and how long for one answer. */
export interface Patience {
  readonly requestTimeoutMs: number;
  readonly doubtMs: number;
}

/** The first pause before another try, and the longest, in milliseconds. */
const FIRST_PAUSE_MS = 10;
const MAX_PAUSE_MS = 500;

/** The tries of one operation, until it has taken too long. */
export class Tries {
  readonly #until: number;
  readonly #signal: AbortSignal | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor({ doubtMs }: Pick<Patience, "doubtMs">, signal?: AbortSignal) {
    this.#until = performance.now() + doubtMs;
    this.#signal = signal;
  }

  /** Resolves to `true` when it is time for another try, to `false` if there has been enough time. */
  async again(): Promise<boolean> {
    const leftMs = this.#until - performance.now();
    if (leftMs <= 0) return false;
    await pause(Math.min(this.#pauseMs, leftMs), this.#signal);
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
    return true;
  }
}

/** Resolves when the promise does, or when the signal is aborted. */
export function either(
  happened: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const letGo = onAbort(signal, resolve);
    happened.then(() => {
      letGo();
      resolve();
    });
  });
}
