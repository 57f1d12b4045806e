import { Heap } from "./heap.ts";
import type { Ledger, LedgerMessage } from "./ledger.ts";

/** The messages of a group, in order. The first is the only one that can be received. */
class Group<T> {
  #messages: LedgerMessage<T>[] = [];
  #start = 0;

  get first(): LedgerMessage<T> | undefined {
    return this.#messages[this.#start];
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

/**
 * Who is next, found in O(log n). Follows from the ledger alone; made when it is
 * first asked for, and kept up to date beside it.
 */
export class Lines<T> {
  readonly #messages: Record<string, LedgerMessage<T>>;
  readonly #ready = new Heap<LedgerMessage<T>>((a, b) =>
    a.priority > b.priority || a.priority === b.priority && a.order < b.order
  );
  readonly #delayed = new Heap<LedgerMessage<T>>((a, b) => a.due < b.due);
  readonly #groups = new Map<string, Group<T>>();
  /** How many messages wait for an earlier one of their group. */
  blocked = 0;
  /** How many messages wait or are in flight. */
  size = 0;
  /** How many are dead. */
  dead: number;
  /** The numbers of those in flight. */
  readonly inFlight: Set<number> = new Set();

  /** @param picked Messages that somebody has taken already: they do not wait. */
  constructor(ledger: Ledger<T>, picked: ReadonlySet<number>) {
    this.#messages = ledger.messages;
    const messages = Object.values(ledger.messages);
    messages.sort((a, b) => a.order - b.order);
    for (const message of messages) this.add(message, picked);
    this.dead = Object.keys(ledger.dead).length;
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

  #isWaiting({ id, inFlight }: LedgerMessage<T>): boolean {
    return !inFlight && this.#messages[id] !== undefined;
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

  #promote(now: number): void {
    while ((this.#delayed.peek()?.due ?? Infinity) <= now) {
      this.#ready.push(this.#delayed.pop()!);
    }
  }
}

/** The messages that wait, in the order in which they come to be received. */
export function waitingIn<T>(
  { messages }: Ledger<T>,
  now: number,
): LedgerMessage<T>[] {
  const delayMs = ({ due }: LedgerMessage<T>) => Math.max(0, due - now);
  const next = new Heap<LedgerMessage<T>>((a, b) =>
    (delayMs(a) - delayMs(b) || b.priority - a.priority ||
      a.order - b.order) < 0
  );
  const groups = new Map<string, Group<T>>();
  const all = Object.values(messages).sort((a, b) => a.order - b.order);
  for (const message of all) {
    const { group: name } = message;
    const group = name === undefined ? undefined : groups.get(name);
    if (group !== undefined) {
      group.push(message);
      continue;
    }
    next.push(message);
    if (name !== undefined) groups.set(name, new Group());
  }
  const waiting: LedgerMessage<T>[] = [];
  for (let message; (message = next.pop()) !== undefined;) {
    const { group: name, inFlight } = message;
    if (!inFlight) waiting.push(message);
    const group = name === undefined ? undefined : groups.get(name);
    if (group?.first === undefined) continue;
    next.push(group.first);
    group.shift();
  }
  return waiting;
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
