import { withResolvers } from "../../base/promise.ts";
import { MiniError } from "../../base/errors.ts";
import { poisoned } from "../../fs/os_errors.ts";
import type { Steps } from "../../fs/steps/steps.ts";

/** Decides which failures poison a log. */
export class Poison {
  readonly #path: string;
  readonly #onFailure: (error: MiniError) => void;
  readonly #failed = withResolvers<MiniError>();
  /** The error that has poisoned the log. */
  failure: MiniError | undefined;

  /** @param onFailure Told of each failure of a task, and of the one that poisons. */
  constructor(path: string, onFailure: (error: MiniError) => void) {
    this.#path = path;
    this.#onFailure = onFailure;
  }

  /** Resolves when the log is poisoned, with the reason. */
  get failed(): Promise<MiniError> {
    return this.#failed.promise;
  }

  /** Runs a task that may leave the disk in an unknown state, which poisons the log: the task and everything that waits are rejected. */
  *guard<T>(task: () => Steps<T>): Steps<T> {
    if (this.failure !== undefined) throw this.failure;
    try {
      return yield* task();
    } catch (error) {
      throw this.judge(error);
    }
  }

  /** The error of a task that has failed with `error`, which poisons the log unless it is a {@linkcode MiniError}. */
  judge(error: unknown): MiniError {
    if (error instanceof MiniError) {
      if (error !== this.failure) this.#onFailure(error);
      return error;
    }
    this.failure = poisoned(this.#path, error);
    this.#onFailure(this.failure);
    this.#failed.resolve(this.failure);
    return this.failure;
  }
}
