/** The callbacks of each signal. */
const CALLS = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once a signal is aborted, unless the returned function is called
 * before. All callbacks share one listener, because Node warns of a leak if a
 * signal has more than ten, and many waits share the signal of their caller.
 */
export function onAbort(
  signal: AbortSignal | undefined,
  call: () => void,
): () => void {
  if (signal === undefined) return () => {};
  const calls = CALLS.get(signal) ?? new Set();
  if (calls.size === 0) {
    CALLS.set(signal, calls);
    signal.addEventListener("abort", callAll);
  }
  calls.add(call);
  return () => {
    // A signal that has a listener is kept alive, as long as its timer.
    if (calls.delete(call) && calls.size === 0) {
      signal.removeEventListener("abort", callAll);
    }
  };
}

function callAll(this: AbortSignal): void {
  for (const call of CALLS.get(this)!) call();
}

/** A signal of one's own. */
export interface Child {
  readonly signal: AbortSignal;
  /** Aborts it. */
  abort(): void;
  /** Lets go of the signals that it follows. */
  letGo(): void;
}

/** Makes a signal that is aborted when one of others is, with the same reason, or by its owner. */
export function childOf(...others: (AbortSignal | undefined)[]): Child {
  const own = new AbortController();
  const letGos = others.map((other) => {
    if (other?.aborted) own.abort(other.reason);
    return onAbort(other, () => own.abort(other!.reason));
  });
  const letGo = () => letGos.forEach((letGo) => letGo());
  const abort = () => {
    letGo();
    own.abort();
  };
  return { signal: own.signal, abort, letGo };
}
