import { MiniError } from "../../base/errors.ts";
import { Mutex } from "../../base/mutex.ts";
import type { Calls } from "../../fs/steps/calls.ts";
import { after, type Eventual } from "../../fs/steps/steps.ts";
import type { Unit } from "../format/line.ts";
import type { AppendMessage } from "../telemetry.ts";
import { type Commit, CommitQueue, type PartOfCommit } from "./commit_queue.ts";

/** Makes a commit, with one half of the file system. Never throws. */
type MakeCommit = (calls: Calls, commit: Commit) => Eventual<void>;

/** Decides when commits are made and other tasks run: one at a time touches the files, in the order of the calls. */
export class Turns {
  readonly #calls: Calls;
  readonly #blocking: Calls | undefined;
  readonly #path: string;
  readonly #make: MakeCommit;
  readonly #mutex = new Mutex();
  readonly #queue = new CommitQueue();
  #isCommitting = false;
  /** The number of tasks that touch the files, or will before an append that is called now. */
  #tasks = 0;

  /**
   * @param halves The calls of everything that does not run at once, and of what does.
   * @param path The file of the active segment.
   */
  constructor(
    { calls, blocking }: {
      readonly calls: Calls;
      readonly blocking: Calls | undefined;
    },
    path: string,
    make: MakeCommit,
  ) {
    this.#calls = calls;
    this.#blocking = blocking;
    this.#path = path;
    this.#make = make;
  }

  /** The number of appends that wait for their commit to begin. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Queues units for one commit. Resolves to the number of the last record once the commit is made. */
  add(
    units: readonly Unit[],
    isDurable: boolean,
    message: AppendMessage | undefined,
  ): Promise<number> {
    const { commit, before } = this.#queue.add(units, isDurable, message);
    const added = commit.done.then((first) => first + before);
    if (!this.#isCommitting) this.#commitAll();
    return added;
  }

  /** Makes every commit that waits, and that of these units, before it returns. Throws if it cannot, or something else has begun. */
  addAtOnce(
    units: readonly Unit[],
    isDurable: boolean,
    message: AppendMessage | undefined,
  ): PartOfCommit {
    const calls = this.#callsAtOnce();
    const part = this.#queue.add(units, isDurable, message);
    while (!this.#queue.isEmpty) this.#commitNext(calls);
    return part;
  }

  #callsAtOnce(): Calls {
    const path = this.#path;
    const cannot = `Cannot append synchronously to "${path}":`;
    if (this.#blocking === undefined) {
      const message =
        `${cannot} its file system has no synchronous calls; nothing was written, and append() works`;
      throw new MiniError("UNSUPPORTED", message, { path });
    }
    if (this.#tasks === 0) return this.#blocking;
    const message =
      `${cannot} a commit, a rotation, a compaction or another task that is not synchronous is under way; nothing was written: await it, or append synchronously throughout`;
    throw new MiniError("BUSY", message, { path });
  }

  /** Runs a task after the appends that were called before it, and before those that are called later. */
  afterAppends<T>(task: () => Promise<T>): Promise<T> {
    const last = this.#queue.closeLast();
    this.#tasks++;
    return this.#mutex.run(async () => {
      try {
        while (this.#queue.has(last)) {
          await this.#commitNext(this.#calls);
        }
        return await task();
      } finally {
        this.#tasks--;
      }
    });
  }

  /** Waits for the tasks that have begun. */
  ended(): Promise<void> {
    return this.#mutex.run(() => {});
  }

  async #commitAll(): Promise<void> {
    this.#isCommitting = true;
    const commitNext = () => this.#commitNext(this.#calls);
    while (!this.#queue.isEmpty) {
      await this.#queue.settle();
      await this.#mutex.run(commitNext);
    }
    this.#isCommitting = false;
  }

  #commitNext(calls: Calls): Eventual<void> {
    const commit = this.#queue.shift();
    if (commit === undefined) return;
    this.#tasks++;
    // Those who wait for the commit run once this has ended, where it has not more to do.
    return after(this.#make(calls, commit), () => void this.#tasks--);
  }
}
