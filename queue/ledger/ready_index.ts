import { DeadLetterIndex } from "./dead_letter_index.ts";
import { Heap } from "./heap.ts";
import type { Ledger, LedgerMessage } from "./ledger.ts";

/** The messages of a group, in order. Only the first can be received. */
class Group<T> {
  #messages: LedgerMessage<T>[] = [];
  #start = 0;

  get first(): LedgerMessage<T> | undefined {
    return this.at(0);
  }

  /** The message with `place` others before it. */
  at(place: number): LedgerMessage<T> | undefined {
    return this.#messages[this.#start + place];
  }

  push(message: LedgerMessage<T>): void {
    this.#messages.push(message);
  }

  shift(): void {
    this.#start++;
    if (this.#start * 2 < this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#start);
    this.#start = 0;
  }
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
  readonly #groups = new Map<string, Group<T>>();
  /** The number of messages that wait for an earlier one of their group. */
  blocked = 0;
  /** The number of messages that wait or are in flight. */
  size = 0;
  /** The dead letters. */
  readonly dead: DeadLetterIndex<T>;
  /** The ids of the messages in flight. */
  readonly inFlight: Set<number> = new Set();

  /** @param picked The ids of messages that are about to be delivered: they do not wait. */
  constructor(ledger: Ledger<T>, picked: ReadonlySet<number>) {
    this.#messages = ledger.messages;
    const messages = Object.values(ledger.messages);
    messages.sort((a, b) => a.order - b.order);
    for (const message of messages) this.add(message, picked);
    this.dead = new DeadLetterIndex(ledger);
  }

  /** Adds a message, as the last of its group. */
  add(message: LedgerMessage<T>, picked?: ReadonlySet<number>): void {
    this.size++;
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
    else if (!picked?.has(message.id)) this.wait(message);
  }

  /** Lets a message wait: one without a group, or the first of its group. */
  wait(message: LedgerMessage<T>): void {
    (message.due > 0 ? this.#delayed : this.#ready).push(message);
  }

  /** Removes a message that was in flight. The next of its group waits then. */
  remove({ group: name }: LedgerMessage<T>): void {
    this.size--;
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

  /** Takes the next message that may be received now. */
  next(now: number): LedgerMessage<T> | undefined {
    this.#promote(now);
    for (;;) {
      const message = this.#ready.pop();
      if (message === undefined || this.#isWaiting(message)) return message;
    }
  }

  #isWaiting(message: LedgerMessage<T>): boolean {
    return !message.inFlight && this.#isThere(message);
  }

  #isThere(message: LedgerMessage<T>): boolean {
    return this.#messages[message.id] === message;
  }

  #groupOf({ group }: LedgerMessage<T>): Group<T> | undefined {
    return group === undefined ? undefined : this.#groups.get(group);
  }

  /** Puts back a message that `next` took, unless it is in flight or gone. */
  putBack(id: number): void {
    const message = this.#messages[id];
    if (message !== undefined && this.#isWaiting(message)) this.wait(message);
  }

  /** When the next delay ends, in queue time. */
  get nextDue(): number {
    return this.#delayed.peek()?.due ?? Infinity;
  }

  /** The number of messages whose delay has not ended. */
  delayed(now: number): number {
    this.#promote(now);
    return this.#delayed.size;
  }

  /**
   * Up to `limit` messages that wait, in the order of delivery. The cost grows
   * with `limit` and with the messages in flight, not with those that wait.
   *
   * @param picked The ids of messages that are about to be delivered: they count
   * as waiting here.
   */
  waiting(
    now: number,
    limit: number,
    picked: ReadonlySet<number>,
  ): LedgerMessage<T>[] {
    const fronts = this.#fronts(now, picked);
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
  #fronts(now: number, picked: ReadonlySet<number>): Heap<Front<T>> {
    this.#promote(now);
    const delayMs = ({ due }: LedgerMessage<T>) => Math.max(0, due - now);
    const fronts = new Heap<Front<T>>(({ message: a }, { message: b }) =>
      (delayMs(a) - delayMs(b) || b.priority - a.priority ||
        a.order - b.order) < 0
    );
    pushNext(fronts, this.#ready.inOrder());
    pushNext(fronts, this.#delayed.inOrder());
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

  #promote(now: number): void {
    while ((this.#delayed.peek()?.due ?? Infinity) <= now) {
      this.#ready.push(this.#delayed.pop()!);
    }
  }
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
