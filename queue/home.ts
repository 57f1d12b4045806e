import { MiniError } from "../store/errors.ts";
import type { CompactionReport } from "../store/mod.ts";
import type { ApplyOptions } from "../state/mod.ts";
import { type Clock, QueueTime } from "./clock.ts";
import type { LedgerEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import { deadWeightOf, type Lines, linesOf } from "./lines.ts";

/** The state manager that a ledger lives in, as a queue sees it. `StateManager` is one. */
export interface LedgerHost<S, M> {
  /** The state. */
  readonly state: S;
  /** The number of the last record that the state has taken in. */
  readonly sequence: number;
  /** Resolves when the state has changed, can no longer change, or was closed. */
  readonly changed: Promise<void>;
  /** Whether it was closed. */
  readonly isClosed: boolean;
  /** Why nothing more can be applied. */
  readonly failure: MiniError | undefined;
  /** Applies a mutation. */
  apply(mutation: M, options?: ApplyOptions): Promise<number>;
  /** Makes a snapshot, and removes what it makes unneeded. */
  compact(): Promise<CompactionReport>;
}

/** What happens to a ledger, without the time. */
export type LedgerEvent<T> = LedgerEntry<T> extends infer Entry
  ? Entry extends unknown ? Omit<Entry, "at" | "drift"> : never
  : never;

/** Where the ledger of a queue is, and its time. */
export class Home<T, M> {
  readonly #host: LedgerHost<unknown, M>;
  readonly #find: () => Ledger<T>;
  readonly #wrap: (entry: LedgerEntry<T>) => M;
  #time!: QueueTime;
  /** The numbers that no message was given; goes on where another queue in the same place has ended. */
  readonly numbers: { next: number };
  /** Messages that were picked, and are not on record as delivered yet. */
  readonly #picked: Set<number>;

  private constructor(
    host: LedgerHost<unknown, M>,
    find: () => Ledger<T>,
    wrap: (entry: LedgerEntry<T>) => M,
    numbers: { next: number },
    picked: Set<number>,
  ) {
    this.numbers = numbers;
    this.#picked = picked;
    this.#host = host;
    this.#find = find;
    this.#wrap = wrap;
  }

  /**
   * Moves in.
   *
   * @param find Gives the ledger in the state.
   * @param wrap Makes the mutation of the state that enters something into it.
   * @param picked Where those are noted that were picked, for others who ask for the lines.
   */
  static async at<T, M>(
    { host, find, wrap, clock, numbers = { next: 1 }, picked = new Set() }: {
      readonly host: LedgerHost<unknown, M>;
      readonly find: () => Ledger<T>;
      readonly wrap: (entry: LedgerEntry<T>) => M;
      readonly clock: Clock;
      readonly numbers?: { next: number };
      readonly picked?: Set<number>;
    },
  ): Promise<Home<T, M>> {
    const home = new Home(host, find, wrap, numbers, picked);
    home.#time = new QueueTime(clock, await home.readable());
    return home;
  }

  /** The ledger. Throws `ABORTED_MUTATION` while its state is being made anew. */
  get ledger(): Ledger<T> {
    return this.#find();
  }

  /** The ledger, once it can be read. */
  async readable(): Promise<Ledger<T>> {
    for (;;) {
      const { changed } = this.#host;
      const ledger = this.ifReadable();
      if (ledger !== undefined) return ledger;
      await changed;
    }
  }

  /** The ledger, if it can be read now. */
  ifReadable(): Ledger<T> | undefined {
    try {
      return this.ledger;
    } catch (error) {
      const isPassing = error instanceof MiniError &&
        error.code === "ABORTED_MUTATION";
      if (isPassing) return undefined;
      throw error;
    }
  }

  get changed(): Promise<void> {
    return this.#host.changed;
  }

  get sequence(): number {
    return this.#host.sequence;
  }

  get isClosed(): boolean {
    return this.#host.isClosed;
  }

  get failure(): MiniError | undefined {
    return this.#host.failure;
  }

  /** Who is next. */
  async lines(): Promise<Lines<T>> {
    return linesOf(await this.readable(), this.#picked);
  }

  /** From how many records behind a snapshot on most of them are dead weight. */
  async deadWeight(): Promise<number> {
    return deadWeightOf(await this.readable(), this.#picked);
  }

  /** How long until the next delay is over, in milliseconds. */
  get untilNextMs(): number {
    const ledger = this.ifReadable();
    if (ledger === undefined || ledger.paused) return Infinity;
    return linesOf(ledger, this.#picked).nextDue - this.now();
  }

  /** Picks up to so many messages that can be received now; nobody else is given them. */
  pick(max: number): number[] {
    const ids: number[] = [];
    const lines = linesOf(this.ledger, this.#picked);
    const now = this.now();
    while (ids.length < max) {
      const message = lines.next(now);
      if (message === undefined) break;
      this.#picked.add(message.id);
      ids.push(message.id);
    }
    return ids;
  }

  /** Says that messages that were picked are on record as delivered, or are not. */
  async unpick(ids: readonly number[]): Promise<void> {
    const lines = await this.lines();
    for (const id of ids) {
      this.#picked.delete(id);
      lines.putBack(id);
    }
  }

  /** The queue's time, in milliseconds. */
  now(): number {
    return this.#time.now();
  }

  /** The queue's time in so many milliseconds; 0 for at once. */
  dueAfter(ms: number): number {
    return ms === 0 ? 0 : Math.ceil(this.now() + ms);
  }

  /** The mutation of the state by which something is entered into the ledger. */
  mutation(event: LedgerEvent<T>): M {
    const stamp = this.#time.stamp(this.ifReadable()?.drift);
    return this.#wrap({ ...stamp, ...event } as LedgerEntry<T>);
  }

  /** Whether the wall clock has moved in a way that is not on record. */
  get hasDrifted(): boolean {
    return this.#time.stamp(this.ifReadable()?.drift).drift !== undefined;
  }

  /** Enters something into the ledger; it is taken as it is at the call. */
  async enter(event: LedgerEvent<T>, durable: boolean): Promise<void> {
    await this.#host.apply(this.mutation(event), { durable });
  }

  compact(): Promise<CompactionReport> {
    return this.#host.compact();
  }
}
