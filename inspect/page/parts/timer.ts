/** A job that is put off each time it is asked for. */
export class Delay {
  readonly #ms: number;
  readonly #job: () => void;
  #timer: number | undefined;

  constructor(ms: number, job: () => void) {
    this.#ms = ms;
    this.#job = job;
  }

  /** Runs the job later, and not before. */
  start(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#job, this.#ms);
  }
}

/** Resolves later. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
