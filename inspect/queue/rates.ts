import type { MiniQueue } from "../../queue/mod.ts";
import type { QueueRates } from "../api_types.ts";

/** The number of seconds that are kept. */
const SECONDS = 300;

/** The most messages of which it is known when they were enqueued. */
const MAX_KNOWN = 10_000;

const COUNTED = ["enqueued", "delivered", "done", "retried", "dead"] as const;

/** The events of a second. */
interface Second {
  /** Its number. */
  readonly number: number;
  readonly counts: Record<typeof COUNTED[number], number>;
  /** How long delivered messages had waited, in all, in milliseconds. */
  waitedMs: number;
  /** How many those were. */
  waited: number;
}

/** Counts what becomes of the messages of a queue, while somebody looks. */
export class Rates {
  readonly #queue: Pick<MiniQueue<unknown>, "events">;
  #kept: Second[] = [];
  #began = 0;
  #watchers = 0;
  #stop = new AbortController();
  #counting: Promise<void> | undefined;
  /** When the messages were enqueued that were seen to be. */
  readonly #enqueuedAt = new Map<number, number>();

  constructor(queue: Pick<MiniQueue<unknown>, "events">) {
    this.#queue = queue;
  }

  /** Counts until the returned function is called, by this watcher and all others. */
  watch(): () => void {
    if (this.#watchers++ === 0) {
      this.#stop = new AbortController();
      this.#kept = [];
      this.#enqueuedAt.clear();
      this.#began = secondNow();
      const { signal } = this.#stop;
      // A queue that is closed, or has failed, has no more events.
      this.#counting = this.#count(signal).catch(() => {});
    }
    let isWatching = true;
    return () => {
      if (isWatching && --this.#watchers === 0) this.#stop.abort();
      isWatching = false;
    };
  }

  /** Resolves when nothing is read any more. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#counting;
  }

  /** The counts so far; `undefined` while nobody watches. */
  now(): QueueRates | undefined {
    if (this.#watchers === 0) return undefined;
    const last = secondNow();
    const first = Math.max(this.#began, last - SECONDS + 1);
    const seconds = last - first + 1;
    const known = new Map(this.#kept.map((second) => [second.number, second]));
    const all = Array.from(
      { length: seconds },
      (_, at) => known.get(first + at),
    );
    const of = (name: typeof COUNTED[number]) =>
      all.map((second) => second?.counts[name] ?? 0);
    return {
      seconds,
      enqueued: of("enqueued"),
      delivered: of("delivered"),
      done: of("done"),
      retried: of("retried"),
      dead: of("dead"),
      waitedMs: all.map((second) =>
        second === undefined || second.waited === 0
          ? 0
          : Math.round(second.waitedMs / second.waited)
      ),
    };
  }

  async #count(signal: AbortSignal): Promise<void> {
    for await (
      const { type, id, at, attempts } of this.#queue.events({ signal })
    ) {
      const name = COUNTED.find((counted) => counted === type);
      if (name === undefined) continue;
      const second = this.#second();
      second.counts[name]++;
      if (name === "enqueued") this.#note(id, at.getTime());
      if (name !== "delivered" || attempts > 1) continue;
      const enqueuedAt = this.#enqueuedAt.get(id);
      if (enqueuedAt === undefined) continue;
      this.#enqueuedAt.delete(id);
      second.waitedMs += Math.max(0, at.getTime() - enqueuedAt);
      second.waited++;
    }
  }

  #note(id: number, at: number): void {
    this.#enqueuedAt.set(id, at);
    if (this.#enqueuedAt.size <= MAX_KNOWN) return;
    for (const oldest of this.#enqueuedAt.keys()) {
      return void this.#enqueuedAt.delete(oldest);
    }
  }

  #second(): Second {
    const number = secondNow();
    const last = this.#kept.at(-1);
    if (last?.number === number) return last;
    const counts = { enqueued: 0, delivered: 0, done: 0, retried: 0, dead: 0 };
    const second = { number, counts, waitedMs: 0, waited: 0 };
    this.#kept.push(second);
    if (this.#kept.length > SECONDS) this.#kept.shift();
    return second;
  }
}

function secondNow(): number {
  return Math.floor(performance.now() / 1_000);
}
