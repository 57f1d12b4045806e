import { Group } from "./group.ts";
import { Heap, isMostlyStale } from "./heap.ts";
import { IdIndex } from "./id_index.ts";
import type {
  Ledger,
  LedgerDeadLetter,
  LedgerFinishedMessage,
  LedgerMessage,
} from "./ledger.ts";

/** The time, by both clocks, in milliseconds. */
export interface Moment {
  /** The queue time. */
  readonly now: number;
  /** The wall clock minus the queue time. */
  readonly drift: number;
}

/** The first message of a sequence, and the rest of the sequence. */
interface Front<T> {
  readonly message: LedgerMessage<T>;
  /** The position in the group of the message. */
  readonly place: number;
  /** The messages after it, in order. */
  readonly rest?: Iterator<LedgerMessage<T>, void>;
}

/**
 * Finds the next message in O(log n). Derived from the ledger when it is first
 * needed, and kept up to date beside it.
 */
export class ReadyIndex<T> {
  readonly #messages: Record<string, LedgerMessage<T>>;
  readonly #ready = new Heap<LedgerMessage<T>>((a, b) =>
    a.priority > b.priority || a.priority === b.priority && a.order < b.order
  );
  readonly #delayed = new Heap<LedgerMessage<T>>((a, b) =>
    (a.due - b.due || b.priority - a.priority || a.order - b.order) < 0
  );
  /** Those that wait for a time of the wall clock. */
  readonly #timed = new Heap<LedgerMessage<T>>((a, b) =>
    (a.when! - b.when! || b.priority - a.priority || a.order - b.order) < 0
  );
  readonly #waits = [this.#delayed, this.#timed];
  /** The latest time of the wall clock for which a ready message has waited. */
  #reached = -Infinity;
  /** The messages in either of the two. */
  readonly #late = new Set<LedgerMessage<T>>();
  /** The ids of messages that `next` took and `putBack` did not put back. */
  readonly #taken: Set<number>;
  /** The number of messages in the heaps that do not wait there any more. */
  #stale = 0;
  readonly #groups = new Map<string, Group<T>>();
  /** The number of messages that wait for an earlier one of their group. */
  blocked = 0;
  /** The number of messages that wait or are in flight. */
  size = 0;
  /** The dead letters. */
  readonly dead: IdIndex<LedgerDeadLetter<T>>;
  /** The finished messages. */
  readonly finished: IdIndex<LedgerFinishedMessage<T>>;
  /** The ids of the messages in flight. */
  readonly inFlight: Set<number> = new Set();
  /** The number of messages that wait or are in flight, by their schedule. */
  readonly #scheduled = new Map<string, number>();

  /** @param picked The ids of messages that are about to be delivered: they do not wait. */
  constructor(ledger: Ledger<T>, picked: ReadonlySet<number>) {
    this.#messages = ledger.messages;
    this.#taken = new Set(picked);
    const messages = Object.values(ledger.messages);
    messages.sort((a, b) => a.order - b.order);
    for (const message of messages) this.add(message);
    this.dead = new IdIndex(() => ledger.dead);
    this.finished = new IdIndex(() => ledger.finished ?? {});
  }

  /** Adds a message, as the last of its group. */
  add(message: LedgerMessage<T>): void {
    this.#count(message, 1);
    const { group: name } = message;
    if (name !== undefined) {
      let group = this.#groups.get(name);
      if (group === undefined) this.#groups.set(name, group = new Group());
      group.push(message);
      if (group.first !== message) {
        this.blocked++;
        return;
      }
    }
    if (message.inFlight) this.inFlight.add(message.id);
    else if (!this.#taken.has(message.id)) this.wait(message);
  }

  #count({ schedule }: LedgerMessage<T>, by: number): void {
    this.size += by;
    if (schedule === undefined) return;
    this.#scheduled.set(schedule, this.scheduled(schedule) + by);
  }

  /** The number of messages of a schedule that wait or are in flight. */
  scheduled(schedule: string): number {
    return this.#scheduled.get(schedule) ?? 0;
  }

  /** Lets a message wait: one without a group, or the first of its group. */
  wait(message: LedgerMessage<T>): void {
    if (message.when === undefined && message.due === 0) {
      this.#ready.push(message);
      return;
    }
    (message.when === undefined ? this.#delayed : this.#timed).push(message);
    this.#late.add(message);
  }

  /** Removes a message that was in flight. The next of its group waits then. */
  remove(message: LedgerMessage<T>): void {
    this.#count(message, -1);
    const { group: name } = message;
    if (name === undefined) return;
    const group = this.#groups.get(name)!;
    group.shift();
    const next = group.first;
    if (next === undefined) {
      this.#groups.delete(name);
      return;
    }
    this.blocked--;
    this.wait(next);
  }

  /** Removes a message, wherever it is. */
  withdraw(message: LedgerMessage<T>): void {
    if (this.inFlight.delete(message.id)) {
      this.remove(message);
      return;
    }
    this.#outdate(message);
    const group = this.#groupOf(message);
    const place = group?.placeOf(message) ?? 0;
    if (place === 0) {
      this.remove(message);
      return;
    }
    this.#count(message, -1);
    this.blocked--;
    group!.splice(place);
  }

  /** Replaces a message that waits by another state of it. */
  replace(message: LedgerMessage<T>, changed: LedgerMessage<T>): void {
    this.#outdate(message);
    const group = this.#groupOf(message);
    const place = group?.placeOf(message) ?? 0;
    group?.splice(place, changed);
    if (place === 0 && !this.#taken.has(changed.id)) this.wait(changed);
  }

  #outdate(message: LedgerMessage<T>): void {
    this.#late.delete(message);
    this.#stale++;
  }

  /** Whether deriving the index again costs less than what is stale in it. */
  get isMostlyStale(): boolean {
    return isMostlyStale(this.#stale, this.size);
  }

  /** Takes the next message that may be received now. */
  next(moment: Moment): LedgerMessage<T> | undefined {
    this.#promote(moment);
    for (;;) {
      const message = this.#ready.pop();
      if (message !== undefined && !this.#isWaiting(message)) continue;
      if (message !== undefined) this.#taken.add(message.id);
      return message;
    }
  }

  #isWaiting(message: LedgerMessage<T>): boolean {
    return !message.inFlight && this.#isThere(message);
  }

  #isThere(message: LedgerMessage<T>): boolean {
    return this.#messages[message.id] === message;
  }

  /** Whether a message waits for an earlier one of its group. */
  isBlocked(message: LedgerMessage<T>): boolean {
    const group = this.#groupOf(message);
    return group !== undefined && group.first !== message;
  }

  #groupOf({ group }: LedgerMessage<T>): Group<T> | undefined {
    return group === undefined ? undefined : this.#groups.get(group);
  }

  /**
   * Notes that a message is delivered. Returns the one to change: a copy, unless
   * `next` took it. A view takes none, and the heaps hold what waited.
   */
  deliver(message: LedgerMessage<T>): LedgerMessage<T> {
    this.inFlight.add(message.id);
    if (this.#taken.has(message.id)) return message;
    const delivered = { ...message };
    this.#outdate(message);
    const group = this.#groupOf(message);
    group?.splice(group.placeOf(message), delivered);
    return delivered;
  }

  /** Puts back a message that `next` took, unless it is in flight or gone. */
  putBack(id: number): void {
    this.#taken.delete(id);
    const message = this.#messages[id];
    if (message !== undefined && this.#isWaiting(message)) this.wait(message);
  }

  /** How long until the next message may become ready, in milliseconds, by the clock that it waits for. */
  untilNextMs(moment: Moment): number {
    const all = this.#waits.map((heap) => this.#first(heap));
    return Math.min(
      ...all.map((first) => first ? delayOf(first, moment) : Infinity),
    );
  }

  /** Whether a message waits for a time of the wall clock, which may jump. */
  get hasTimed(): boolean {
    return this.#first(this.#timed) !== undefined;
  }

  /** The number of messages that wait for a time. */
  delayed(moment: Moment): number {
    this.#promote(moment);
    return this.#late.size;
  }

  /** The first message of a heap that still waits there. */
  #first(heap: Heap<LedgerMessage<T>>): LedgerMessage<T> | undefined {
    for (;;) {
      const first = heap.peek();
      if (first === undefined || this.#late.has(first)) return first;
      heap.pop();
    }
  }

  /**
   * Up to `limit` messages that wait, in the order of delivery. The cost grows
   * with `limit` and with the messages in flight, not with those that wait.
   *
   * @param picked The ids of messages that are about to be delivered: they count
   * as waiting here.
   */
  waiting(
    moment: Moment,
    limit: number,
    picked: ReadonlySet<number>,
  ): LedgerMessage<T>[] {
    const fronts = this.#fronts(moment, picked);
    const waiting: LedgerMessage<T>[] = [];
    const seen = new Set<LedgerMessage<T>>();
    while (waiting.length < limit) {
      const front = fronts.pop();
      if (front === undefined) break;
      const { message, place, rest } = front;
      pushNext(fronts, rest);
      if (seen.has(message) || !this.#isThere(message)) continue;
      seen.add(message);
      if (!message.inFlight) waiting.push(message);
      const next = this.#groupOf(message)?.at(place + 1);
      if (next !== undefined) fronts.push({ message: next, place: place + 1 });
    }
    return waiting;
  }

  /** The candidates: the first ready one, the first delayed one, and those in flight or picked. */
  #fronts(moment: Moment, picked: ReadonlySet<number>): Heap<Front<T>> {
    this.#promote(moment);
    const delayMs = (message: LedgerMessage<T>) => delayOf(message, moment);
    const fronts = new Heap<Front<T>>(({ message: a }, { message: b }) =>
      (delayMs(a) - delayMs(b) || b.priority - a.priority ||
        a.order - b.order) < 0
    );
    pushNext(fronts, this.#ready.inOrder());
    pushNext(fronts, this.#delayed.inOrder());
    pushNext(fronts, this.#timed.inOrder());
    for (const ids of [this.inFlight, picked]) {
      for (const id of ids) {
        const message = this.#messages[id];
        if (message === undefined) continue;
        const group = this.#groupOf(message);
        // The first of a group leads to the others.
        const isFirst = group === undefined || group.first === message;
        if (isFirst) fronts.push({ message, place: 0 });
      }
    }
    return fronts;
  }

  #promote(moment: Moment): void {
    if (moment.now + moment.drift < this.#reached) this.#waitAgain();
    for (const heap of this.#waits) {
      for (let first; (first = this.#first(heap)) !== undefined;) {
        if (delayOf(first, moment) > 0) break;
        heap.pop();
        this.#late.delete(first);
        this.#ready.push(first);
        this.#reached = Math.max(this.#reached, first.when ?? -Infinity);
      }
    }
  }

  /** Lets those that are ready wait again: the wall clock has gone back. */
  #waitAgain(): void {
    this.#reached = -Infinity;
    const ready = new Set<LedgerMessage<T>>();
    for (let first; (first = this.#ready.pop()) !== undefined;) {
      if (this.#isWaiting(first)) ready.add(first);
    }
    for (const message of ready) this.wait(message);
  }
}

/** How long until a message may be received, in milliseconds; 0 if that is now. */
export function delayOf(
  { due, when }: Pick<LedgerMessage, "due" | "when">,
  moment: Moment,
): number {
  const at = when === undefined ? due : when - moment.drift;
  return Math.max(0, at - moment.now);
}

/** Adds the next message of a sequence. */
function pushNext<T>(
  fronts: Heap<Front<T>>,
  rest: Iterator<LedgerMessage<T>, void> | undefined,
): void {
  const next = rest?.next();
  if (next === undefined || next.done) return;
  fronts.push({ message: next.value, place: 0, rest: rest! });
}

const INDEXES = new WeakMap<object, ReadyIndex<unknown>>();

/** The index of a ledger; created if there is none. */
export function readyIndexOf<T>(
  ledger: Ledger<T>,
  picked: ReadonlySet<number>,
): ReadyIndex<T> {
  let index = existingReadyIndex(ledger);
  if (index === undefined) {
    index = new ReadyIndex(ledger, picked);
    INDEXES.set(ledger, index as ReadyIndex<unknown>);
  }
  return index;
}

/** The index of a ledger, if there is one: replay needs none. */
export function existingReadyIndex<T>(
  ledger: Ledger<T>,
): ReadyIndex<T> | undefined {
  return INDEXES.get(ledger) as ReadyIndex<T> | undefined;
}

/** Drops the index: it is derived from the ledger again when it is needed. */
export function forgetReadyIndex(ledger: object): void {
  INDEXES.delete(ledger);
}
