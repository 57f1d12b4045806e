/**
 * Runs tasks one after another, in the order they were asked for. A task that
 * fails fails its caller alone. Not re-entrant: a task that waits for another
 * task of the same mutex waits for ever.
 */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` once every earlier one has ended. */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}
