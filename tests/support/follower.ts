import { MiniStore } from "@mini/state/store";
import type { FollowPathOptions, LogRecord } from "@mini/state/store";
import { errorOf } from "./journal.ts";

/** Somebody who follows a log from outside, step by step. */
export class Follower<T> implements AsyncDisposable {
  readonly #records: AsyncIterator<LogRecord<T>, void>;
  readonly #stop = new AbortController();

  constructor(path: string, options: FollowPathOptions<T>) {
    const { signal } = this.#stop;
    const records = MiniStore.follow(path, { signal, ...options });
    this.#records = records[Symbol.asyncIterator]();
  }

  /** Waits for as many records. */
  async take(count: number): Promise<T[]> {
    const taken: T[] = [];
    for (; count > 0; count--) taken.push(await this.next());
    return taken;
  }

  /** Waits for a record. */
  async next(): Promise<T> {
    const { value } = await this.#records.next();
    return value!.data;
  }

  /** Waits for an error: its code, and the number that it names. */
  async failure(): Promise<[code: string, seq: number | undefined]> {
    const { code, seq } = await errorOf(this.next());
    return [code, seq];
  }

  /** Stops it, also while it waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#records.return?.();
  }
}
