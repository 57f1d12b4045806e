/**
 * Keeps what a tracer or a meter throws from the program: the runtime reports
 * what a subscriber of a channel throws as uncaught, which ends a process.
 */
export class Guard {
  #onError: ((error: unknown) => void) | undefined;

  /** @param onError Told of the first error. */
  constructor(onError: ((error: unknown) => void) | undefined) {
    this.#onError = onError;
  }

  /** Calls a function; `undefined` if it throws. */
  run<R>(call: () => R): R | undefined {
    try {
      return call();
    } catch (error) {
      const onError = this.#onError;
      this.#onError = undefined;
      this.run(() => onError?.(error));
      return undefined;
    }
  }
}
