import { Session } from "node:inspector";
import type { Profiler } from "node:inspector";
import { ROOT } from "../child.ts";

/** The parts of the product whose branches are looked at. */
const PARTS = /\/(base|fs|store|snap|state|queue|admin|inspect)\/(?!page)/;

/** The functions that ran, by their place, each with its blocks. */
export type Ran = ReadonlyMap<string, readonly Profiler.CoverageRange[]>;

/** A place that ran: a function, and a character in it. */
export type Spot = readonly [place: string, offset: number];

/** The places of the product that have run, as V8 tells them. */
export class Coverage {
  readonly #session = new Session();
  /** Of each function, which of its characters have run. */
  readonly #seen = new Map<string, Uint8Array>();
  /** All that was told of functions, which is often the same. */
  readonly #told = new Set<string>();
  readonly #blocks = new Set<string>();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#post("Profiler.enable");
    const options = { callCount: true, detailed: true };
    await this.#post("Profiler.startPreciseCoverage", options);
  }

  /** All that has run since this was called last. */
  async take(): Promise<Ran> {
    const { result } = await this.#post(
      "Profiler.takePreciseCoverage",
    ) as Profiler.TakePreciseCoverageReturnType;
    const ran = new Map<string, readonly Profiler.CoverageRange[]>();
    for (const { url, functions } of result) {
      if (!url.includes(ROOT) || !PARTS.test(url.slice(url.indexOf(ROOT)))) {
        continue;
      }
      for (const { ranges } of functions) {
        const [{ startOffset, endOffset, count }] = ranges as [
          Profiler.CoverageRange,
        ];
        if (count === 0) continue;
        ran.set(`${url}:${startOffset}:${endOffset}`, ranges);
      }
    }
    return ran;
  }

  /** The first characters of what has not run before. */
  fresh(ran: Ran): Spot[] {
    const spots: Spot[] = [];
    for (const [place, ranges] of ran) {
      if (this.#told.has(signature(place, ranges))) continue;
      const now = charactersOf(ranges);
      const seen = this.#seen.get(place);
      let isIn = false;
      for (let at = 0; at < now.length; at++) {
        const isFresh = now[at] === 1 && seen?.[at] !== 1;
        if (isFresh && !isIn) spots.push([place, at]);
        isIn = isFresh;
      }
    }
    return spots;
  }

  /** Notes what has run. */
  add(ran: Ran): void {
    for (const [place, ranges] of ran) {
      const told = signature(place, ranges);
      if (this.#told.has(told)) continue;
      this.#told.add(told);
      const now = charactersOf(ranges);
      const seen = this.#seen.get(place);
      if (seen === undefined) this.#seen.set(place, now);
      else now.forEach((has, at) => has && (seen[at] = 1));
      const from = ranges[0]!.startOffset;
      for (const { startOffset } of ranges) {
        this.#blocks.add(`${place} ${startOffset - from}`);
      }
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#seen.clear();
    this.#told.clear();
    this.#blocks.clear();
  }

  /** The blocks of functions that have run, and how many of those have. */
  get counts(): { readonly known: number; readonly covered: number } {
    const covered = [...this.#blocks].filter((block) => {
      const [place = "", at] = block.split(" ");
      return this.#seen.get(place)?.[Number(at)] === 1;
    });
    return { known: this.#blocks.size, covered: covered.length };
  }

  /** Whether a place has run. */
  static has(ran: Ran, [place, at]: Spot): boolean {
    const ranges = ran.get(place);
    return ranges !== undefined && charactersOf(ranges)[at] === 1;
  }

  stop(): void {
    this.#session.disconnect();
  }

  #post(method: string, params?: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#session.post(
        method,
        params,
        (error, result) => error ? reject(error) : resolve(result),
      );
    });
  }
}

function signature(
  place: string,
  ranges: readonly Profiler.CoverageRange[],
): string {
  const blocks = ranges.map(({ startOffset, endOffset, count }) =>
    `${startOffset}-${endOffset}${count > 0 ? "+" : "-"}`
  );
  return `${place} ${blocks.join()}`;
}

/** Of each character of a function, whether it ran; an inner block speaks for itself. */
function charactersOf(ranges: readonly Profiler.CoverageRange[]): Uint8Array {
  const [{ startOffset: from, endOffset }] = ranges as [Profiler.CoverageRange];
  const characters = new Uint8Array(endOffset - from);
  for (const { startOffset, endOffset, count } of ranges) {
    characters.fill(count > 0 ? 1 : 0, startOffset - from, endOffset - from);
  }
  return characters;
}
