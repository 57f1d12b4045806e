import { onAbort } from "../base/abort.ts";
import { Signal } from "../base/signal.ts";

/** Changes that nobody counts: all that happen before somebody looks are one. */
export class Changes {
  readonly #signal = new Signal();
  #isPending = false;

  /** Something has changed. */
  add(): void {
    this.#isPending = true;
    this.#signal.fire();
  }

  /** Yields after each change. Ends when the signal fires. */
  async *until(signal: AbortSignal): AsyncGenerator<void, void, undefined> {
    const letGo = onAbort(signal, () => this.#signal.fire());
    try {
      while (!signal.aborted) {
        if (!this.#isPending) await this.#signal.next;
        else {
          this.#isPending = false;
          yield;
        }
      }
    } finally {
      letGo();
    }
  }
}
