import { deepStrictEqual } from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Counts what holds and what does not, on whatever runtime it is. */
export class Suite {
  readonly #dir: string;
  passed = 0;
  failed = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Runs a check in a directory of its own, which stays if it fails. */
  async check(
    name: string,
    test: (dir: string) => Promise<void> | void,
  ): Promise<void> {
    const dir = join(this.#dir, name.replace(/[^\p{L}\p{N}]+/gu, "-"));
    try {
      await mkdir(dir, { recursive: true });
      await test(dir);
      await rm(dir, { recursive: true });
      this.passed++;
    } catch (error) {
      if (error instanceof Skip) {
        return say(`SKIPPED ${name}: ${error.message}`);
      }
      this.failed++;
      const stack = error instanceof Error ? error.stack : String(error);
      say(`FAILED ${name}\n${stack}`);
    }
  }

  /** Prints the counts. */
  report(): void {
    say(`${this.passed} passed, ${this.failed} failed`);
  }
}

/** Thrown by a check that cannot be made here; the message says why. */
export class Skip extends Error {}

/** Prints a line. */
export function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}

/** Throws unless both are the same. */
export function equal<T>(actual: T, expected: T): void {
  deepStrictEqual(actual, expected);
}

/** Throws unless it is so. */
export function ok(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`It is not so that ${what}`);
}

/** An error's code and what goes with it. */
export interface Refusal extends Error {
  readonly code: string;
  readonly path?: string;
  readonly line?: number;
  readonly offset?: number;
  readonly seq?: number;
}

/** The error that a call throws or rejects with; it must have this code. */
export async function refused(
  code: string,
  call: () => unknown,
): Promise<Refusal> {
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    if ((error as Refusal).code === code) return error as Refusal;
    throw error;
  }
  throw new Error(`Expected ${code}, not ${JSON.stringify(result)}`);
}

/** All that an iterable gives. `Array.fromAsync` is not everywhere yet. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
