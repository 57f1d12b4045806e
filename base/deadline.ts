import { onAbort } from "./abort.ts";

/** The longest delay of a timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves after `ms` milliseconds, or rejects with the reason of the signal once that is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    let timer: ReturnType<typeof setTimeout>;
    const wait = (leftMs: number) => {
      timer = setTimeout(() => {
        if (leftMs > MAX_TIMER_MS) return wait(leftMs - MAX_TIMER_MS);
        letGo();
        resolve();
      }, Math.min(leftMs, MAX_TIMER_MS));
    };
    wait(ms);
    const letGo = onAbort(signal, () => {
      clearTimeout(timer);
      letGo();
      reject(signal!.reason);
    });
  });
}

/** Settles as the promise does, or rejects with a `TimeoutError` after `ms` milliseconds. The `deadline` of `@std/async` needs what Node 20 lacks. */
export function deadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  const stop = new AbortController();
  const late = pause(ms, stop.signal).then(() => {
    throw new DOMException("Signal timed out.", "TimeoutError");
  });
  return Promise.race([promise, late]).finally(() => stop.abort());
}
