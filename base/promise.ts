/** Returns what the caller's code returned. Throws a `TypeError` for a promise, and for `undefined` unless that is an answer. */
export function given<T>(name: string, value: T, canBeNothing = false): T {
  if (isPromise(value)) {
    throw new TypeError(`${name} must not return a promise`);
  }
  if (value !== undefined || canBeNothing) return value;
  throw new TypeError(`${name} must not return undefined`);
}

/**
 * Whether the caller's code returned a promise, of any realm or library, where
 * it must answer at once. Nobody awaits that promise, so its rejection is
 * handled here: it must not end the process.
 */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  const isOne = typeof value === "object" && value !== null &&
    "then" in value && typeof value.then === "function";
  if (isOne) Promise.resolve(value).catch(() => {});
  return isOne;
}

/** Returns a promise and the functions that settle it. Node 20 has no `Promise.withResolvers`. */
export function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T | PromiseLike<T>) => void;
  let reject!: (reason?: unknown) => void;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
