import { MiniError } from "../base/errors.ts";
import { MAX_DEPTH, toJson } from "../base/json.ts";
import type {
  AppliedMutation,
  ApplyOptions,
  CompactionReport,
  DeepReadonly,
  FollowOptions,
  ReplayRange,
} from "../state/mod.ts";
import { type Clock, QueueTime } from "./clock.ts";
import {
  type LedgerEntry,
  type NewMessage,
  type Settlement,
  versionOf,
} from "./ledger/entry.ts";
import { Gathering } from "./entry_batcher.ts";
import type { Ledger, LedgerMessage } from "./ledger/ledger.ts";
import { type Lines, linesOf } from "./ledger/ready_index.ts";
import { deadWeightOf, Weight } from "./ledger/compaction_policy.ts";

/** The state manager that a ledger lives in, as a queue sees it. `StateManager` is one. */
export interface LedgerHost<S, M> {
  /** The state. What it is, `snapshot` says. */
  readonly state: NoInfer<DeepReadonly<S>>;
  /** The number of the last record that the state has taken in. */
  readonly sequence: number;
  /** Resolves when the state has changed, can no longer change, or was closed. */
  readonly changed: Promise<void>;
  /** Whether it was closed. */
  readonly isClosed: boolean;
  /** Why nothing more can be applied. */
  readonly failure: MiniError | undefined;
  /** A deep copy of the state. */
  snapshot(): S;
  /** Applies a mutation. */
  apply(mutation: M, options?: ApplyOptions): Promise<number>;
  /** Fast path: applies the JSON text of a mutation that the caller has checked. A state with a schema leaves it out. */
  applyJson?(json: string, options?: ApplyOptions): Promise<number>;
  /** Gives the mutations that had an effect, oldest first: those of the queue, and whatever else the state is changed by. */
  history?(range?: ReplayRange): AsyncIterable<AppliedMutation<unknown>>;
  /** Gives those from `from` on, then each further one once the state has it. Ends when the state is closed. */
  watch?(options?: FollowOptions): AsyncIterable<AppliedMutation<unknown>>;
  /** Makes a snapshot, and removes what it makes unneeded. */
  compact(): Promise<CompactionReport>;
}

/** What holds of a host whatever its state is. */
type Host<M> = Omit<LedgerHost<unknown, M>, "state" | "snapshot">;

/** What happens to a ledger, without the time. */
export type LedgerEvent<T> = LedgerEntry<T> extends infer Entry
  ? Entry extends unknown ? Omit<Entry, "at" | "drift"> : never
  : never;

/** A list of messages lies this much less deep than a record may: in an entry, that is a mutation, that is a record. */
const MAX_LIST_DEPTH = MAX_DEPTH - 3;

/** Where a ledger is. */
export interface Place<T, M> {
  readonly host: Host<M>;
  /** Gives the ledger in the state. */
  readonly find: () => Ledger<T>;
  /** Makes the mutation of the state that enters something into it. */
  readonly wrap: (entry: LedgerEntry<T>) => M;
  /** Enters what is JSON already into a state of the queue's own, where what is asked for in one turn can share an entry. In somebody else's each has its place among the mutations. */
  readonly enterJson?: LedgerHost<unknown, M>["applyJson"];
  /** The numbers that no message was given; goes on where another queue in the same place has ended. */
  readonly numbers?: { next: number };
  /** Where those are noted that were picked, for others who ask for the lines. */
  readonly picked?: Set<number>;
  /** What has happened, where somebody counts. */
  readonly weight?: Weight;
}

/** The ledger of a queue, and its time. */
export class Home<T, M> {
  readonly #place: Place<T, M>;
  readonly #host: Host<M>;
  readonly #arrivals: Gathering | undefined;
  readonly #settlements: Gathering | undefined;
  #time!: QueueTime;
  /** The numbers that no message was given. */
  readonly numbers: { next: number };
  /** Messages that were picked, and are not on record as delivered yet. */
  readonly #picked: Set<number>;
  readonly #weight: Weight;

  private constructor(place: Place<T, M>) {
    const { numbers = { next: 1 }, picked = new Set(), weight } = place;
    this.#place = place;
    this.#host = place.host;
    this.#arrivals = gatheringOf("enqueue", place);
    this.#settlements = gatheringOf("settle", place);
    this.numbers = numbers;
    this.#picked = picked;
    this.#weight = weight ?? new Weight();
  }

  /** Moves in. */
  static async at<T, M>(
    place: Place<T, M>,
    clock: Clock,
  ): Promise<Home<T, M>> {
    const home = new Home(place);
    home.#time = new QueueTime(clock, await home.readable());
    return home;
  }

  /** The ledger. Throws `ABORTED_MUTATION` while its state is being made anew. */
  get ledger(): Ledger<T> {
    return this.#place.find();
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

  /** Up to so many messages that wait, the next first. */
  async waiting(limit: number): Promise<LedgerMessage<T>[]> {
    const lines = await this.lines();
    return lines.waiting(this.now(), limit, this.#picked);
  }

  /** From which weight behind a snapshot on most of it is dead. */
  async deadWeight(): Promise<number> {
    return deadWeightOf(await this.readable(), this.#picked);
  }

  /** How long until the next delay may be over, in milliseconds. */
  get untilNextMs(): number {
    const ledger = this.ifReadable();
    if (ledger === undefined || ledger.paused) return Infinity;
    const dueMs = linesOf(ledger, this.#picked).nextDue - this.now();
    return dueMs < Infinity ? Math.min(dueMs, this.#time.lookEveryMs) : dueMs;
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
    const settle = "settle" in event ? event.settle : [];
    const { at, ...drift } = this.#stamp();
    const entry = { at, ...versionOf(settle), ...drift, ...event };
    return this.#place.wrap(entry as LedgerEntry<T>);
  }

  /** Whether the wall clock has moved in a way that is not on record. */
  get hasDrifted(): boolean {
    return this.#stamp().drift !== undefined;
  }

  #stamp(): { at: number; drift?: number } {
    return this.#time.stamp(this.ifReadable()?.drift);
  }

  /** Enters something into the ledger, after what was given before; it is taken as it is at the call. */
  async enter(event: LedgerEvent<T>, durable: boolean): Promise<void> {
    this.#flush();
    await this.#host.apply(this.mutation(event), { durable });
  }

  /** Enters messages, durably; they are taken as they are at the call. */
  enqueue(enqueue: readonly NewMessage<T>[]): Promise<void> {
    if (this.#arrivals === undefined) return this.enter({ enqueue }, true);
    const list = toJson(enqueue, Infinity, MAX_LIST_DEPTH);
    return this.#gather(this.#arrivals, list.slice(1, -1));
  }

  /** Settles a delivery, durably. */
  settle(settlement: Settlement): Promise<void> {
    if (this.#settlements === undefined) {
      return this.enter({ settle: [settlement] }, true);
    }
    const item = JSON.stringify(settlement);
    return this.#gather(this.#settlements, item, versionOf([settlement]));
  }

  #gather(
    gathering: Gathering,
    item: string,
    version: { v?: number } = {},
  ): Promise<void> {
    const { at, ...drift } = this.#stamp();
    const stamp = JSON.stringify({ at, ...version, ...drift });
    return gathering.add(stamp.slice(1, -1), item);
  }

  #flush(): void {
    this.#arrivals?.flush();
    this.#settlements?.flush();
  }

  /** Compacts the log; says as well what that has left of it. */
  async compact(): Promise<{ report: CompactionReport; left: number }> {
    const { total } = this.#weight;
    this.#weight.mark(this.sequence);
    const report = await this.#host.compact();
    this.#weight.made(total);
    const { firstSequence } = report;
    const records = this.sequence - firstSequence;
    if (records <= 0) return { report, left: 0 };
    return {
      report,
      left: Math.max(records, this.#weight.since(firstSequence - 1)),
    };
  }
}

/** What is gathered into entries of one kind, where the place takes those. */
function gatheringOf<T, M>(
  event: "enqueue" | "settle",
  { enterJson }: Place<T, M>,
): Gathering | undefined {
  if (enterJson === undefined) return undefined;
  return new Gathering(async (stamp, items) => {
    await enterJson(`{${stamp},"${event}":[${items.join()}]}`);
  });
}
