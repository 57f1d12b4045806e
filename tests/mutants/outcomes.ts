/** The outcomes of earlier runs, in a file of JSON lines. */
import type { Mutation } from "./generate.ts";
import type { Outcome } from "./run.ts";

/** Keeps outcomes; in memory alone without a path. */
export class Outcomes {
  readonly #path: string | undefined;
  readonly #known: Map<string, Omit<Outcome, "mutation">> = new Map();

  private constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Reads the outcomes that are in a file, which need not be there. */
  static async open(path: string | undefined): Promise<Outcomes> {
    const outcomes = new Outcomes(path);
    if (path === undefined) return outcomes;
    await Deno.writeTextFile(path, "", { append: true });
    for (const line of (await Deno.readTextFile(path)).split("\n")) {
      if (line === "") continue;
      const { mutation, ...outcome } = JSON.parse(line) as Outcome;
      outcomes.#known.set(keyOf(mutation), outcome);
    }
    return outcomes;
  }

  /** The last outcome of a mutation of the same text in the same place. */
  of(mutation: Mutation): Outcome | undefined {
    const known = this.#known.get(keyOf(mutation));
    return known && { mutation, ...known };
  }

  add(outcome: Outcome): void {
    const { mutation, ...rest } = outcome;
    this.#known.set(keyOf(mutation), rest);
    if (this.#path === undefined) return;
    const line = `${JSON.stringify(outcome)}\n`;
    Deno.writeTextFileSync(this.#path, line, { append: true });
  }
}

function keyOf({ file, start, what, old, at }: Mutation): string {
  return JSON.stringify([file, start, what, old, at]);
}
