import { onAbort } from "../../base/abort.ts";
import type { FileSystem } from "../../fs/file_system.ts";

/** The longest pause between two looks: a network folder, or a container, may give no hints. */
const LOOK_MS = 500;

/** Waits for changes in a directory: for a hint of the file system, and no longer than until the next look. */
export class Lookout {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #stop = new AbortController();
  readonly #letGo: readonly (() => void)[];
  #isWatching = false;
  #isHinted = false;
  #wake = () => {};

  /** Begins to listen, so that no hint is missed after the first look. */
  constructor(
    fs: FileSystem,
    directory: string,
    signals: readonly (AbortSignal | undefined)[],
  ) {
    this.#fs = fs;
    this.#directory = directory;
    this.#letGo = signals.map((signal) => onAbort(signal, () => this.end()));
    if (signals.some((signal) => signal?.aborted)) this.end();
    this.#listen();
  }

  /** Whether it was ended, or a signal has fired. */
  get isEnded(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Resolves once it is time for a look: at once if there was a hint since the last wait. */
  async wait(): Promise<void> {
    this.#listen();
    if (!this.#isHinted && !this.isEnded) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isHinted = false;
  }

  /** Lets the next look be at once. */
  hint(): void {
    this.#isHinted = true;
    this.#wake();
  }

  /** Ends the wait, and lets go of the signals and of the file system. */
  end(): void {
    for (const letGo of this.#letGo) letGo();
    this.#stop.abort();
    this.#wake();
  }

  /** Listens, unless it does: where that is impossible, as for a directory that is not there yet, it looks and tries again. */
  async #listen(): Promise<void> {
    const { watch } = this.#fs;
    if (watch === undefined || this.#isWatching || this.isEnded) return;
    this.#isWatching = true;
    try {
      const { signal } = this.#stop;
      for await (const _ of watch.call(this.#fs, this.#directory, signal)) {
        this.hint();
      }
    } catch {
      // Its looks are enough.
    }
    this.#isWatching = false;
  }
}
