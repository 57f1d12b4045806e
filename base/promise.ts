import { field } from "./reason.ts";

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

/** The part of a log that frees it. */
interface Closable {
  readonly applied?: number;
  close(options: { readonly applied: number }): Promise<void>;
}

/**
 * Runs what owns a log from then on, which it may not have looked at yet, and
 * closes the log if that fails.
 */
export async function owning<R>(
  log: unknown,
  run: () => Promise<R>,
): Promise<R> {
  try {
    return await run();
  } catch (error) {
    const given = log as Partial<Closable> | null | undefined;
    // What was not applied here must not count as applied.
    const close = async () =>
      await given?.close?.({ applied: given.applied ?? 0 });
    await close().catch(() => {});
    throw error;
  }
}

/** The log that one of some options gives, which were not checked yet. */
export function logIn(...options: readonly unknown[]): unknown {
  return options.map((each) => field(each, "log")).find((log) => log);
}
