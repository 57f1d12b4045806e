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

/** The end of a call. */
type Ended<R> = { readonly value: R } | { readonly error: unknown };

/** Calls a function of the program. */
function attempt<R>(call: () => R): Ended<R> {
  try {
    return { value: call() };
  } catch (error) {
    return { error };
  }
}

/** A function of the program that is to be called once, through code that may call it or not, or throw. */
export class Once<R> {
  readonly #call: () => R;
  #ended: Ended<R> | undefined;

  constructor(call: () => R) {
    this.#call = call;
  }

  /** Calls it, unless it was called. Never throws. */
  readonly run = (): void => {
    this.#ended ??= attempt(this.#call);
  };

  /** Returns or throws what it did. Calls it if nothing has. */
  result(): R {
    this.run();
    const ended = this.#ended!;
    if ("error" in ended) throw ended.error;
    return ended.value;
  }
}
