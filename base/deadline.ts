import { onAbort } from "./abort.ts";
import { withResolvers } from "./promise.ts";

/** Resolves after `ms` milliseconds, or rejects with the reason of the signal once that is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      letGo();
      resolve();
    }, ms);
    const letGo = onAbort(signal, () => {
      clearTimeout(timer);
      letGo();
      reject(signal!.reason);
    });
  });
}

/** Settles as the promise does, or rejects with a `TimeoutError` after `ms` milliseconds. The `deadline` of `@std/async` needs what Node 20 lacks. */
export function deadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  const signal = AbortSignal.timeout(ms);
  const { promise: late, reject } = withResolvers<never>();
  const release = onAbort(signal, () => reject(signal.reason));
  return Promise.race([promise, late]).finally(release);
}
