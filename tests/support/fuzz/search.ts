import type { Random } from "@mini/state/testing";
import { Coverage, type Ran, type Spot } from "./coverage.ts";
import type { Input } from "./input.ts";
import { mutate } from "./mutate.ts";
import { judge, type TargetName } from "./targets.ts";

/** The inputs that are tried at once, as some wait for a second look; only then V8 is asked what they ran. */
const BATCH = 16;
/** The most attempts to make an input smaller. */
const MAX_CUTS = 40;

/** An input that a part could not bear. */
export interface FuzzFinding {
  readonly input: Input;
  readonly error: unknown;
}

/** Looks for inputs that run what no input before has run, and for those that break something. */
export class Search {
  readonly corpus: Input[] = [];
  /** One of each kind. */
  readonly findings: Map<string, FuzzFinding> = new Map();
  executions = 0;
  readonly coverage: Coverage;
  readonly #name: TargetName;
  readonly #random: Random;

  constructor(name: TargetName, coverage: Coverage, random: Random) {
    this.#name = name;
    this.coverage = coverage;
    this.#random = random;
  }

  /** Begins with some inputs, of which those stay that run something of their own. */
  async begin(inputs: readonly Input[]): Promise<void> {
    // Some of what runs for the first time runs but once.
    for (const input of inputs) await this.#try(input);
    await this.coverage.take();
    for (const input of inputs) await this.#keepIfNew(input);
  }

  /** Searches until a time. */
  async until(end: number): Promise<void> {
    while (Date.now() < end) {
      const batch = Array.from({ length: BATCH }, () => this.#next());
      await Promise.all(batch.map((input) => this.#try(input)));
      if (this.coverage.fresh(await this.coverage.take()).length === 0) {
        continue;
      }
      for (const input of batch) await this.#keepIfNew(input);
    }
  }

  #next(): Input {
    const { corpus } = this;
    // What was found last has the most that was not tried.
    const recent = Math.max(0, corpus.length - 20);
    const from = this.#random.oneIn(3) ? recent : 0;
    const one = corpus[from + this.#random.below(corpus.length - from)]!;
    const other = corpus[this.#random.below(corpus.length)]!;
    return mutate(one, other, this.#random);
  }

  async #try(input: Input): Promise<boolean> {
    this.executions++;
    try {
      await judge(this.#name, input);
      return true;
    } catch (error) {
      const kind = kindOf(error);
      if (!this.findings.has(kind)) this.findings.set(kind, { input, error });
      return false;
    }
  }

  async #keepIfNew(input: Input): Promise<void> {
    const isGood = await this.#try(input);
    const ran = await this.coverage.take();
    if (this.coverage.fresh(ran).length === 0) return;
    this.coverage.add(ran);
    if (isGood) this.corpus.push(input);
  }

  /** Leaves out the inputs that smaller ones make needless, and makes the others smaller. */
  async minimise(): Promise<void> {
    const inputs = this.corpus.splice(0).sort((a, b) => sizeOf(a) - sizeOf(b));
    this.coverage.clear();
    for (const input of inputs) {
      const ran = await this.#run(input);
      const own = ran && this.coverage.fresh(ran);
      if (own === undefined || own.length === 0) continue;
      const small = await this.#smaller(input, own);
      const rest = await this.#run(small);
      if (rest !== undefined) this.coverage.add(rest);
      this.corpus.push(small);
    }
  }

  async #smaller(input: Input, own: readonly Spot[]): Promise<Input> {
    let small = input;
    let left = MAX_CUTS;
    let hasCut = true;
    while (hasCut && left > 0) {
      hasCut = false;
      for (const cut of cutsOf(small)) {
        if (left-- <= 0) break;
        const ran = await this.#run(cut);
        if (ran === undefined) continue;
        if (!own.every((spot) => Coverage.has(ran, spot))) continue;
        small = cut;
        hasCut = true;
        break;
      }
    }
    return small;
  }

  /** All that an input runs, unless it breaks something. */
  async #run(input: Input): Promise<Ran | undefined> {
    const isGood = await this.#try(input);
    const ran = await this.coverage.take();
    return isGood ? ran : undefined;
  }
}

/** The part of an error that others of the same cause have too. */
export function kindOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause ?? error : error;
  const { message, stack = "" } = cause as Error;
  const places = stack.split("\n").filter((line) => line.includes("file:"));
  return `${message.replace(/\d+/g, "N").slice(0, 100)} ${
    places.slice(0, 2).join(" ").replace(/.*?([\w/]+\.ts:\d+).*?/g, "$1 ")
  }`;
}

function sizeOf(input: Input): number {
  return JSON.stringify(input).length;
}

/** An input without one of its edits, files or lines. */
function* cutsOf(input: Input): Generator<Input, void, undefined> {
  const { files, edits = [] } = input;
  for (const index of edits.keys()) {
    yield { ...input, edits: edits.toSpliced(index, 1) };
  }
  for (const name of Object.keys(files)) {
    const { [name]: lines = [], ...others } = files;
    yield { ...input, files: others };
    for (let at = lines.length - 1; at >= 0; at--) {
      yield { ...input, files: { ...files, [name]: lines.toSpliced(at, 1) } };
    }
  }
}
