/** Where messages come from that nobody here enqueues. */
export interface Source {
  /** When to look next, by the monotonic clock. */
  readonly next: number;
  /** Enqueues what is there. What fails is told, and tried again later. */
  look(): Promise<void>;
  /** Tells that somebody waits, until the returned function was called. */
  wait(): () => void;
  /** Ends the look that is under way; there is no other. */
  end(): Promise<void>;
}

/**
 * Runs `start` while somebody waits: returns a function that tells so, and
 * returns another that tells that they wait no longer.
 */
export function whileWaiting(
  start: (signal: AbortSignal) => void,
): () => () => void {
  let waiting = 0;
  let stop = new AbortController();
  return () => {
    if (waiting++ === 0) {
      stop = new AbortController();
      start(stop.signal);
    }
    return () => {
      if (--waiting === 0) stop.abort("nobody waits");
    };
  };
}
