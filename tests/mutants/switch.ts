/** Puts every mutation of a source into it at once, to be chosen while it runs. */
import type { Mutation } from "./generate.ts";

/** The object that a switched source asks: `globalThis.mutants`, where there is one. */
export interface Switches {
  /** Whether a mutation is the one that is tried. */
  on(id: number): boolean;
  /** The comparisons, whose mutations make no difference to most values. */
  "<"(id: number, left: unknown, right: unknown): boolean;
  "<="(id: number, left: unknown, right: unknown): boolean;
  ">"(id: number, left: unknown, right: unknown): boolean;
  ">="(id: number, left: unknown, right: unknown): boolean;
}

/** The switches of a process: which mutation is made, and which would have changed a value or a step so far. */
export class Switchboard implements Switches {
  /** The number of the mutation that is made; none has 0. */
  active = 0;
  readonly #isHit: Uint8Array;

  constructor(count: number) {
    this.#isHit = new Uint8Array(count + 1);
  }

  /** Gives the mutations that were reached since the last call. */
  takeHits(): number[] {
    const hits: number[] = [];
    for (const [id, isHit] of this.#isHit.entries()) if (isHit) hits.push(id);
    this.#isHit.fill(0);
    return hits;
  }

  on(id: number): boolean {
    this.#isHit[id] = 1;
    return id === this.active;
  }

  "<"(id: number, left: number, right: number): boolean {
    return this.#choose(id, left < right, left <= right);
  }

  "<="(id: number, left: number, right: number): boolean {
    return this.#choose(id, left <= right, left < right);
  }

  ">"(id: number, left: number, right: number): boolean {
    return this.#choose(id, left > right, left >= right);
  }

  ">="(id: number, left: number, right: number): boolean {
    return this.#choose(id, left >= right, left > right);
  }

  #choose(id: number, plain: boolean, mutated: boolean): boolean {
    return plain !== mutated && this.on(id) ? mutated : plain;
  }
}

/** Does nothing, in a process that tries no mutation. */
const NONE = `{
  on: () => false,
  "<": (_, a, b) => a < b,
  "<=": (_, a, b) => a <= b,
  ">": (_, a, b) => a > b,
  ">=": (_, a, b) => a >= b,
}`.replaceAll("\n", "");

/** The source with mutations in it, in the order of `mutationsIn`, each switched by its number. */
export function switched(
  source: string,
  mutations: readonly (readonly [id: number, mutation: Mutation])[],
): string {
  let next = 0;
  const write = (start: number, end: number): string => {
    let text = "";
    while (next < mutations.length && mutations[next]![1].start < end) {
      const [id, mutation] = mutations[next++]!;
      text += source.slice(start, mutation.start) + form(id, mutation, write);
      start = mutation.end;
    }
    return text + source.slice(start, end);
  };
  const text = write(0, source.length);
  return `const $m = globalThis.mutants ?? ${NONE}; ${text}`;
}

/** A mutation beside what it changes, with the mutations in that. */
function form(
  id: number,
  { start, end, old, text, operands }: Mutation,
  write: (start: number, end: number) => string,
): string {
  if (operands !== undefined) {
    const [operator, leftEnd, rightStart] = operands;
    const left = write(start, leftEnd);
    return `$m["${operator}"](${id}, ${left}, ${write(rightStart, end)})`;
  }
  const plain = write(start, end);
  if (text === ";") return `{ if (!$m.on(${id})) ${plain} }`;
  const name = text.startsWith(`${old}: `) ? `${old}: ` : "";
  return `${name}($m.on(${id}) ? ${text.slice(name.length)} : ${plain})`;
}
