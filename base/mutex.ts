/**
 * Runs tasks one after another, in the order they were asked for. A task that
 * fails fails its caller alone. Not re-entrant: a task that waits for another
 * task of the same mutex never ends.
 */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();
  #tasks = 0;

  /** Whether every task has ended. */
  get isFree(): boolean {
    return this.#tasks === 0;
  }

  /** Runs `task` once every earlier one has ended. */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    this.#tasks++;
    const result = this.#last.then(task);
    const ended = () => void this.#tasks--;
    this.#last = result.then(ended, ended);
    return result;
  }
}
