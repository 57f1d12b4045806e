import { DeadLine } from "./dead_letters.ts";
import { Heap } from "./heap.ts";
import type { Ledger, LedgerMessage } from "./ledger.ts";

/** The messages of a group, in order. The first is the only one that can be received. */
class Group<T> {
  #messages: LedgerMessage<T>[] = [];
  #start = 0;

  get first(): LedgerMessage<T> | undefined {
    return this.at(0);
  }

  /** The message with so many before it. */
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

/** A message that is next of some, and those of its own line behind it. */
interface Front<T> {
  readonly message: LedgerMessage<T>;
  /** Its place in its group. */
  readonly place: number;
  /** Those that follow it in order, whatever it is. */
  readonly rest?: Iterator<LedgerMessage<T>, void>;
}

/**
 * Who is next, found in O(log n). Follows from the ledger alone; made when it is
 * first asked for, and kept up to date beside it.
 */
export class Lines<T> {
  readonly #messages: Record<string, LedgerMessage<T>>;
  readonly #ready = new Heap<LedgerMessage<T>>((a, b) =>
    a.priority > b.priority || a.priority === b.priority && a.order < b.order
  );
  readonly #delayed = new Heap<LedgerMessage<T>>((a, b) =>
    (a.due - b.due || b.priority - a.priority || a.order - b.order) < 0
  );
  readonly #groups = new Map<string, Group<T>>();
  /** How many messages wait for an earlier one of their group. */
  blocked = 0;
  /** How many messages wait or are in flight. */
  size = 0;
  /** Those that are dead. */
  readonly dead: DeadLine<T>;
  /** The numbers of those in flight. */
  readonly inFlight: Set<number> = new Set();

  /** @param picked Messages that somebody has taken already: they do not wait. */
  constructor(ledger: Ledger<T>, picked: ReadonlySet<number>) {
    this.#messages = ledger.messages;
    const messages = Object.values(ledger.messages);
    messages.sort((a, b) => a.order - b.order);
    for (const message of messages) this.add(message, picked);
    this.dead = new DeadLine(ledger);
  }

  /** Puts a message at the end of its line. */
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

  /** Lets a message wait that is the first of its line. */
  wait(message: LedgerMessage<T>): void {
    (message.due > 0 ? this.#delayed : this.#ready).push(message);
  }

  /** Takes a message out that was in flight; the next of its group waits then. */
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

  /** Takes the next message that can be received now. */
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

  /** Puts back what was taken, and is not in flight nor gone. */
  putBack(id: number): void {
    const message = this.#messages[id];
    if (message !== undefined && this.#isWaiting(message)) this.wait(message);
  }

  /** When the next delay is over. */
  get nextDue(): number {
    return this.#delayed.peek()?.due ?? Infinity;
  }

  /** How many wait for their time. */
  delayed(now: number): number {
    this.#promote(now);
    return this.#delayed.size;
  }

  /**
   * Up to so many messages that wait, in the order in which they come to be
   * received. Costs what is given and what is in flight, and no more.
   *
   * @param picked Messages that somebody has taken: they wait all the same.
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

  /** Whoever may be next: the first that is ready, the first that is delayed, and who was taken already. */
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
        // Any other comes behind the first of its group.
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

/** Adds the next of those that come in order. */
function pushNext<T>(
  fronts: Heap<Front<T>>,
  rest: Iterator<LedgerMessage<T>, void> | undefined,
): void {
  const next = rest?.next();
  if (next === undefined || next.done) return;
  fronts.push({ message: next.value, place: 0, rest: rest! });
}

const LINES = new WeakMap<object, Lines<unknown>>();

/** The lines of a ledger, made where there are none. */
export function linesOf<T>(
  ledger: Ledger<T>,
  picked: ReadonlySet<number>,
): Lines<T> {
  let lines = linesBeside(ledger);
  if (lines === undefined) {
    lines = new Lines(ledger, picked);
    LINES.set(ledger, lines as Lines<unknown>);
  }
  return lines;
}

/** The lines of a ledger, where somebody has asked for them: replay costs none. */
export function linesBeside<T>(ledger: Ledger<T>): Lines<T> | undefined {
  return LINES.get(ledger) as Lines<T> | undefined;
}

/** Has the lines made anew from the ledger. */
export function forgetLines(ledger: object): void {
  LINES.delete(ledger);
}
