import { onAbort } from "./abort.ts";
import { withResolvers } from "./promise.ts";

/** Settles as the promise does, or rejects with a `TimeoutError` after `ms` milliseconds. The `deadline` of `@std/async` needs what Node 20 lacks. */
export function deadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  const signal = AbortSignal.timeout(ms);
  const { promise: late, reject } = withResolvers<never>();
  const release = onAbort(signal, () => reject(signal.reason));
  return Promise.race([promise, late]).finally(release);
}
