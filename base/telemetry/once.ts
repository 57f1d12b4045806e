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

  /** Whether it has thrown this. */
  hasThrown(error: unknown): boolean {
    const ended = this.#ended;
    return ended !== undefined && "error" in ended && ended.error === error;
  }

  /** Returns or throws what it did. Calls it if nothing has. */
  result(): R {
    this.run();
    const ended = this.#ended!;
    if ("error" in ended) throw ended.error;
    return ended.value;
  }
}
