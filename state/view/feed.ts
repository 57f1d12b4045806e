import { onAbort } from "../../base/abort.ts";

/** A state that is kept up to date: that of a manager, or of a view. */
export interface Feed<S> {
  /** The state as of `sequence`. */
  readonly state: S;
  /** Whether the state can be read just now: not while it is being rebuilt. */
  readonly isReadable: boolean;
  /** The number of the last record that the state has applied. */
  readonly sequence: number;
  /** Resolves at the next change of any of these. */
  readonly changed: Promise<void>;
  /** Whether nothing more will be applied, and nothing has failed. */
  readonly isClosed: boolean;
  /** Aborted once nothing more can be applied, with the failure as the reason. */
  readonly failed: AbortSignal;
}

/** Resolves when the state has applied a record, to `false` if it never will. */
export async function isApplied(
  feed: Feed<unknown>,
  seq: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  while (feed.sequence < seq) {
    signal?.throwIfAborted();
    feed.failed.throwIfAborted();
    if (feed.isClosed) return false;
    await either(feed.changed, signal);
  }
  return true;
}

/**
 * Resolves at a change, or when the signal is aborted. A race with one promise
 * that lasts as long as the reader would leave something behind at every wait.
 */
export function either(
  changed: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const letGo = onAbort(signal, resolve);
    changed.then(() => {
      letGo();
      resolve();
    });
  });
}
