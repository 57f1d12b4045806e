import type { Random } from "@mini/state/testing";
import type { FileSystem } from "@mini/state/store";
import type { Found, Moment, Notes } from "./notes.ts";

/** Where a program works, and with what. */
export interface Workplace {
  /** A directory, which may be missing. */
  readonly dir: string;
  readonly fs: FileSystem;
  readonly notes: Notes;
  readonly random: Random;
  /** How much to do. */
  readonly rounds: number;
}

/** A program whose power is cut. */
export interface Program {
  readonly name: string;
  /** Opens what is there, works, and closes. */
  work(place: Workplace): Promise<void>;
  /**
   * Opens what is there, does one piece of work of its first kind more, and
   * closes. Returns what it found before that. Throws where something is lost,
   * invented, or wrong.
   */
  recover(place: Pick<Workplace, "dir" | "fs">, moment: Moment): Promise<Found>;
  /** The kind of work of which recovery does one piece. */
  readonly kind: string;
}

/** The text of a piece of work, which can be told from that of any other. */
export function textOf(number: number): string {
  const length = (Math.imul(number, 0x9e3779b1) >>> 0) % 2_000;
  return `${number} `.padEnd(number % 8 === 0 ? length : length % 80, "x");
}

/** Throws unless something is as it must be. */
export function must(is: boolean, what: string): void {
  if (!is) throw new Error(`WRONG: ${what}`);
}

/** Runs callers at the same time, each of which calls so often. */
export async function callers(
  count: number,
  calls: number,
  call: () => Promise<unknown>,
): Promise<void> {
  await Promise.all(Array.from({ length: count }, async () => {
    for (let made = 0; made < calls; made++) await call();
  }));
}
