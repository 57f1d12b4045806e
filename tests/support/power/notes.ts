/** The work that a recovery has found, of each kind: the number of the last, where all before it are there, or all numbers. */
export type Found = Readonly<Record<string, number | readonly number[]>>;

/** A piece of work, and how far the disk was when it was begun and when it was acknowledged. */
interface Fact {
  readonly begunAt: number;
  acknowledgedAt?: number;
}

/** The pieces of work of each kind, which are numbered from 1. */
export type Facts = Readonly<Record<string, (Fact | undefined)[]>>;

/** The work of a program, and when it was begun and acknowledged. */
export class Notes {
  readonly facts: Record<string, (Fact | undefined)[]> = {};
  readonly #position: () => number;

  /**
   * @param position Tells how far the disk is.
   * @param found What is there before the program begins.
   */
  constructor(position: () => number, found: Found) {
    this.#position = position;
    for (const [kind, which] of Object.entries(found)) {
      const numbers = typeof which === "number"
        ? Array.from({ length: which }, (_, index) => index + 1)
        : which;
      this.facts[kind] = [];
      for (const number of numbers) {
        this.facts[kind][number] = { begunAt: 0, acknowledgedAt: 0 };
      }
    }
  }

  /** The number of the next piece of work of a kind. */
  next(kind: string): number {
    return Math.max(1, this.facts[kind]?.length ?? 1);
  }

  /** Notes that a piece of work is begun. Returns its number: the next one, if none is given. */
  begin(kind: string, number: number = this.next(kind)): number {
    (this.facts[kind] ??= [])[number] ??= {
      begunAt: this.#position(),
    };
    return number;
  }

  /** Notes that it was acknowledged. */
  acknowledge(kind: string, number: number): void {
    this.facts[kind]![number]!.acknowledgedAt ??= this.#position();
  }
}

/** The moment at which the power was cut, and what was known then. */
export class Moment {
  readonly #facts: Facts;
  readonly #position: number;

  constructor(facts: Facts, position: number) {
    this.#facts = facts;
    this.#position = position;
  }

  isBegun(kind: string, number: number): boolean {
    const begunAt = this.#facts[kind]?.[number]?.begunAt ?? Infinity;
    return begunAt <= this.#position;
  }

  isAcknowledged(kind: string, number: number): boolean {
    const at = this.#facts[kind]?.[number]?.acknowledgedAt ?? Infinity;
    return at <= this.#position;
  }

  /** How many pieces of work were acknowledged. */
  get acknowledged(): number {
    let count = 0;
    for (const [kind, facts] of Object.entries(this.#facts)) {
      for (const number of facts.keys()) {
        if (this.isAcknowledged(kind, number)) count++;
      }
    }
    return count;
  }

  /** The last piece of work that was begun; 0 if none was. */
  lastBegun(kind: string): number {
    const facts = this.#facts[kind] ?? [];
    return Math.max(
      0,
      facts.findLastIndex((_, number) => this.isBegun(kind, number)),
    );
  }

  /** Throws unless all that was acknowledged is there, if `last` is the last that is there. */
  checkLost(kind: string, last: number): void {
    const facts = this.#facts[kind] ?? [];
    const acknowledged = facts.findLastIndex((_, number) =>
      this.isAcknowledged(kind, number)
    );
    if (acknowledged <= last) return;
    throw new Error(`LOST: ${kind} ${acknowledged}, found ${last}`);
  }

  /** Throws unless all that was acknowledged is there, and nothing else than what was begun, if `last` is the last that is there. */
  check(kind: string, last: number): void {
    this.checkLost(kind, last);
    const begun = this.lastBegun(kind);
    if (last <= begun) return;
    throw new Error(`INVENTED: ${kind} ${last}, begun ${begun}`);
  }
}
