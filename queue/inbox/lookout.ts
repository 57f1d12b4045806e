import type { Clock } from "../clock.ts";
import { whileWaiting } from "../source.ts";
import type { InboxFolder } from "./folder.ts";

/** How often to look without a hint, in milliseconds: a folder on a network, or of a container, may give none. */
const LOOK_EVERY_MS = 1_000;

/** Decides when to look into a folder: after a hint of the system, and now and then. Hints come only while somebody waits. */
export class Lookout {
  readonly #folder: InboxFolder;
  readonly #clock: Clock;
  readonly #onHint: () => void;
  #next = 0;
  /** Takes hints until the returned function was called, once for each call of this one. */
  readonly wait: () => () => void;

  /** @param onHint Called when it is time to look earlier than `next` said. */
  constructor(folder: InboxFolder, clock: Clock, onHint: () => void) {
    this.#folder = folder;
    this.#clock = clock;
    this.#onHint = onHint;
    this.wait = whileWaiting((signal) => {
      this.#watch(signal);
      // What has come before is no hint.
      this.hint();
    });
  }

  /** When to look, by the monotonic clock. */
  get next(): number {
    return this.#next;
  }

  /** Notes that somebody looks now. */
  looks(): void {
    this.#next = this.#clock.monotonic() + LOOK_EVERY_MS;
  }

  /** Makes it time to look. */
  hint(): void {
    this.#next = -Infinity;
    this.#onHint();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    try {
      for await (const _ of this.#folder.watch(signal)) this.hint();
    } catch {
      // It is looked at now and then all the same.
    }
  }
}
