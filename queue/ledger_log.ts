import type { MiniError } from "../base/errors.ts";
import { MAX_DEPTH, toJsonOnce } from "../base/json.ts";
import type { CompactionReport, Health, HealthOptions } from "../state/mod.ts";
import { type Clock, LOOK_EVERY_MS, QueueTime } from "./clock.ts";
import { EntryBatcher, type Stamp } from "./entry_batcher.ts";
import type { LedgerPast } from "./events/past.ts";
import {
  CompactionPolicy,
  garbageThreshold,
} from "./ledger/compaction_policy.ts";
import {
  type KeepPolicy,
  type LedgerEntry,
  type NewMessage,
  type Settlement,
  versionOf,
} from "./ledger/entry.ts";
import type { Ledger, LedgerMessage } from "./ledger/ledger.ts";
import { ifReadable, type LedgerView } from "./ledger/read.ts";
import { type ReadyIndex, readyIndexOf } from "./ledger/ready_index.ts";
import type { LedgerHost } from "./ledger_host.ts";
import { QueueMeter } from "./telemetry/meter.ts";
import type { ToldQueue } from "./telemetry/messages.ts";

/** The parts of a host that do not depend on its state. */
type Host<M> = Omit<
  LedgerHost<unknown, M>,
  "state" | "at" | "history" | "watch"
>;

/** An entry without its time. */
export type LedgerEvent<T> = LedgerEntry<T> extends infer Entry
  ? Entry extends unknown ? Omit<Entry, "at" | "drift"> : never
  : never;

/** In a record, a list of messages lies within an entry, which lies within a mutation. */
export const MAX_LIST_DEPTH: number = MAX_DEPTH - 3;

/** The most deliveries in one entry: about a megabyte. */
const MAX_DELIVERIES = 100_000;

/** Binds a queue to a ledger in a state. */
export interface LedgerBinding<T, M> {
  readonly host: Host<M>;
  /** Gives the ledger in the state. */
  readonly find: () => Ledger<T>;
  /** Makes the mutation of the state that applies an entry to the ledger. */
  readonly wrap: (entry: LedgerEntry<T>) => M;
  /** Applies an entry, given as JSON: for a state that is the ledger, where messages may share an entry. In a shared state each has its own place among the mutations. */
  readonly applyJson?: Host<M>["applyJson"];
  /** The next id; queues that are attached to one ledger, one after another, share it. */
  readonly ids?: { next: number };
  /** The ids of messages that are picked but not yet recorded as delivered. */
  readonly picked?: Set<number>;
  /** The queue, for those who are told what it does. */
  readonly about: ToldQueue;
  readonly policy?: CompactionPolicy;
  /** The past of the ledger, if the host gives it. */
  readonly past?: LedgerPast<T> | undefined;
}

/** A group or a message that is held. */
interface Held {
  /** By how many. */
  count: number;
  /** The messages that are set aside for it. */
  readonly ids: number[];
}

/** The ledger of a queue, its time, and what is written to it. */
export class LedgerLog<T, M> {
  readonly #binding: LedgerBinding<T, M>;
  readonly #host: Host<M>;
  readonly #arrivals: EntryBatcher | undefined;
  readonly #settlements: EntryBatcher | undefined;
  #time!: QueueTime;
  /** Counts what is done. */
  #meter!: QueueMeter<T>;
  readonly #ids: { next: number };
  readonly #picked: Set<number>;
  readonly #policy: CompactionPolicy;
  /** Those that are held: groups by name, and messages by id. */
  readonly #held = new Map<string | number, Held>();
  /** How many times delivery is just being paused. */
  #pausing = 0;
  /** Called when messages that were set aside can be picked. */
  onReleased: () => void = () => {};

  private constructor(binding: LedgerBinding<T, M>) {
    const { ids = { next: 1 }, picked = new Set(), policy } = binding;
    this.#binding = binding;
    this.#host = binding.host;
    const { applyJson } = binding;
    if (applyJson !== undefined) {
      this.#arrivals = new EntryBatcher("enqueue", applyJson);
      this.#settlements = new EntryBatcher("settle", applyJson);
    }
    this.#ids = ids;
    this.#picked = picked;
    this.#policy = policy ?? new CompactionPolicy();
  }

  /** Opens the log once the ledger can be read. */
  static async open<T, M>(
    binding: LedgerBinding<T, M>,
    clock: Clock,
  ): Promise<LedgerLog<T, M>> {
    const log = new LedgerLog(binding);
    const ledger = await log.readable();
    const { size } = readyIndexOf(ledger, log.#picked);
    log.#meter = new QueueMeter(log, ledger, size);
    log.#time = new QueueTime(clock, ledger);
    log.#ids.next = Math.max(log.#ids.next, ledger.nextId);
    return log;
  }

  /** The ledger. Throws `ABORTED_MUTATION` while its state is being rebuilt. */
  get ledger(): Ledger<T> {
    return this.#binding.find();
  }

  /** The ledger, once it can be read. */
  readable(): Promise<Ledger<T>> {
    return this.whenReadable((ledger) => ledger);
  }

  /** The ledger, if it can be read now. */
  ifReadable(): Ledger<T> | undefined {
    const ledger = ifReadable(this.#binding.find);
    if (ledger !== undefined) this.#meter?.watch(ledger);
    return ledger;
  }

  /** The ledger, once it can be read, and the time. */
  async view(): Promise<LedgerView<T>> {
    const ledger = await this.readable();
    const { about } = this.#binding;
    return { ledger, about, ...this.#time.moment(), picked: this.#picked };
  }

  /** The ledger, if it can be read now, and the time. */
  lookNow(): LedgerView<T> | undefined {
    const ledger = this.ifReadable();
    if (ledger === undefined) return undefined;
    return { ledger, ...this.#time.moment(), picked: this.#picked };
  }

  /** Tells whether the state is well, if it can. */
  async health(options: HealthOptions): Promise<Health | undefined> {
    return await this.#host.health?.(options);
  }

  /** Runs a task on the ledger once it can be read: at once if it can be now, and before anything else changes it. */
  whenReadable<R>(task: (ledger: Ledger<T>) => R | Promise<R>): Promise<R> {
    try {
      const ledger = this.ifReadable();
      return ledger === undefined
        ? this.#host.changed.then(() => this.whenReadable(task))
        : Promise.resolve(task(ledger));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The queue, for those who are told what it does. */
  get about(): ToldQueue {
    return this.#binding.about;
  }

  /** Counts what is done. */
  get meter(): QueueMeter<T> {
    return this.#meter;
  }

  get past(): LedgerPast<T> | undefined {
    return this.#binding.past;
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

  /** Whether others apply to the ledger too. */
  get isShared(): boolean {
    return this.#binding.applyJson === undefined;
  }

  /** Whether nothing changes any more. */
  get isOver(): boolean {
    return this.isClosed || this.failure !== undefined;
  }

  get failure(): MiniError | undefined {
    return this.#host.failure;
  }

  async readyIndex(): Promise<ReadyIndex<T>> {
    return readyIndexOf(await this.readable(), this.#picked);
  }

  /** How long until the next delay may end, in milliseconds. */
  get untilNextMs(): number {
    const ledger = this.ifReadable();
    if (ledger === undefined || ledger.paused) return Infinity;
    const index = readyIndexOf(ledger, this.#picked);
    const ms = index.untilNextMs(this.#time.moment());
    if (ms === Infinity) return ms;
    // The wall clock may jump.
    const lookMs = index.hasTimed ? LOOK_EVERY_MS : this.#time.lookEveryMs;
    return Math.min(ms, lookMs);
  }

  /**
   * Picks messages that can be received now, for each of `waiters` in order, as
   * far as there are any, and as one entry takes; nobody else is given them.
   */
  pick<W extends { readonly max: number }>(
    waiters: Iterable<W>,
  ): { readonly waiter: W; readonly ids: readonly number[] }[] {
    const index = readyIndexOf(this.ledger, this.#picked);
    const moment = this.#time.moment();
    const picked = [];
    let left = MAX_DELIVERIES;
    for (const waiter of waiters) {
      const max = Math.min(waiter.max, left);
      const ids: number[] = [];
      while (ids.length < max && this.#pausing === 0) {
        const message = index.next(moment);
        if (message === undefined) break;
        this.#picked.add(message.id);
        (this.#heldFor(message)?.ids ?? ids).push(message.id);
      }
      if (ids.length === 0) break;
      picked.push({ waiter, ids });
      left -= ids.length;
    }
    return picked;
  }

  #heldFor({ id, group }: LedgerMessage<T>): Held | undefined {
    if (this.#held.size === 0) return undefined;
    const held = this.#held.get(id);
    return held ?? (group === undefined ? held : this.#held.get(group));
  }

  /** Keeps a message, or those of a group, from being picked, until the returned function is called. */
  hold(what: string | number): () => void {
    const held = this.#held.get(what) ?? { count: 0, ids: [] };
    held.count++;
    this.#held.set(what, held);
    return () => {
      if (--held.count > 0) return;
      this.#held.delete(what);
      // It fails only where nothing is delivered any more.
      this.unpick(held.ids).then(() => this.onReleased(), () => {});
    };
  }

  /** Ends the picking of messages: their delivery is recorded, or has failed. */
  async unpick(ids: readonly number[]): Promise<void> {
    const index = await this.readyIndex();
    for (const id of ids) {
      this.#picked.delete(id);
      index.putBack(id);
    }
  }

  /** Takes the id of a new message. */
  takeId(): number {
    const id = Math.max(this.#ids.next, this.ifReadable()?.nextId ?? 1);
    this.#ids.next = id + 1;
    return id;
  }

  /** The queue time, in milliseconds. */
  now(): number {
    return this.#time.now();
  }

  /** The queue time `ms` from now; 0 for at once. */
  dueAfter(ms: number): number {
    return ms === 0 ? 0 : Math.ceil(this.now() + ms);
  }

  /** The mutation of the state that records an event in the ledger. */
  mutation(event: LedgerEvent<T>): M {
    return this.#binding.wrap(this.#entry(event));
  }

  #entry(event: LedgerEvent<T>): LedgerEntry<T> {
    return { ...this.#stampFor(event), ...event } as LedgerEntry<T>;
  }

  /** Whether the wall clock has moved since it was last recorded. */
  get hasDrifted(): boolean {
    return this.#stamp().drift !== undefined;
  }

  #stamp(): { at: number; drift?: number } {
    return this.#time.stamp(this.ifReadable()?.drift);
  }

  /** The fields of an entry beside its kind. */
  #stampFor(event: object): Stamp {
    const { at, ...drift } = this.#stamp();
    return { at, ...versionOf(event), ...drift };
  }

  /** Records an event after everything recorded before; it is taken as it is at the call. Resolves to the number of its record. */
  async enter(event: LedgerEvent<T>, durable: boolean): Promise<number> {
    this.#arrivals?.flush();
    this.#settlements?.flush();
    const entry = this.#entry(event);
    const before = this.isShared ? this.ifReadable() : undefined;
    const entered = this.#host.apply(this.#binding.wrap(entry), { durable });
    return before === undefined
      ? entered
      : this.#counted(await entered, entry, before);
  }

  /** Counts an entry that a state of others has applied, where each record makes another ledger. */
  #counted(seq: number, entry: LedgerEntry<T>, before: Ledger<T>): number {
    this.ifReadable();
    this.#meter.entered(seq, entry, before);
    return seq;
  }

  /** Stops delivery, from this call on unless it fails. */
  async pause(): Promise<void> {
    this.#pausing++;
    try {
      await this.enter({ paused: true }, true);
    } finally {
      this.#pausing--;
      this.onReleased();
    }
  }

  /** Limits what the ledger keeps, unless it has these limits. */
  async limit(policy: KeepPolicy): Promise<void> {
    const { policy: found = {} } = await this.readable();
    if (JSON.stringify(found) === JSON.stringify(policy)) return;
    await this.enter({ policy }, true);
  }

  /** Enqueues messages, durably; they are taken as they are at the call. */
  enqueue(enqueue: readonly NewMessage<T>[]): Promise<unknown> {
    if (this.#arrivals === undefined) return this.enter({ enqueue }, true);
    const items = enqueue.map((message, index) =>
      toJsonOnce(message, Infinity, MAX_LIST_DEPTH - 1, [index])
    );
    return this.#arrivals.add(this.#stampFor({ enqueue }), items);
  }

  /** Settles a delivery, durably. */
  settle(settlement: Settlement): Promise<unknown> {
    if (this.#settlements === undefined) {
      return this.enter({ settle: [settlement] }, true);
    }
    const text = JSON.stringify(settlement);
    const stamp = this.#stampFor({ settle: [settlement] });
    return this.#settlements.add(stamp, [text]);
  }

  /** The number of changes so far, those that opening replayed included. */
  get changeCount(): number {
    return this.#policy.total;
  }

  /** The number of changes since a snapshot from which most of the log is garbage. */
  async garbageThreshold(): Promise<number> {
    return garbageThreshold(await this.readable(), this.#picked);
  }

  /** Compacts the log. Returns also how many changes it still holds. */
  async compact(): Promise<{ report: CompactionReport; left: number }> {
    const { total } = this.#policy;
    this.#policy.mark(this.#host.sequence);
    const report = await this.#host.compact();
    this.#policy.snapshotMade(total);
    const { firstSequence } = report;
    const records = this.#host.sequence - firstSequence;
    if (records <= 0) return { report, left: 0 };
    return {
      report,
      left: Math.max(records, this.#policy.since(firstSequence - 1)),
    };
  }
}
