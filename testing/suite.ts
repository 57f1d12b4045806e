import { deadline } from "../base/deadline.ts";

/** One rule of a seam, and a test of it. */
export interface Check {
  /** The rule. */
  readonly name: string;
  /**
   * Tests the rule. Rejects if it is broken, with an error that names the rule,
   * the last call and what came of it. Resolves to why the test was skipped, and
   * to `undefined` if the rule holds.
   */
  run(): Promise<string | undefined>;
}

/** Options of a suite. */
export interface SuiteOptions {
  /** After how many milliseconds a check fails because a call has not settled. @default {10_000} */
  readonly hangMs?: number;
}

/** The result of {@linkcode runSuite}. */
export interface SuiteReport {
  /** The rules that hold. */
  readonly passed: readonly string[];
  /** The rules that were not tested, each with the reason. */
  readonly skipped: readonly string[];
  /** The failures: the rule, the last call and what came of it. */
  readonly failures: readonly string[];
}

/**
 * Runs a suite without a test runner, one check after another.
 *
 * @param checks The checks of `fileSystemSuite` or `logSuite`.
 * @returns What passed, what was skipped, and what is broken.
 *
 * @example Say what a file system has not been tested for
 * ```ts
 * import { fileSystemSuite, MemoryFileSystem, runSuite } from "@mini/state/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const make = () => ({ fs: new MemoryFileSystem(), directory: "/" });
 * const { failures, skipped } = await runSuite(fileSystemSuite(make));
 * assertEquals(failures, []);
 * assertEquals(skipped.includes("stat() does not follow a symbolic link: the fixture makes none"), true);
 * ```
 */
export async function runSuite(checks: Iterable<Check>): Promise<SuiteReport> {
  const passed: string[] = [];
  const skipped: string[] = [];
  const failures: string[] = [];
  for (const check of checks) {
    try {
      const why = await check.run();
      if (why === undefined) passed.push(check.name);
      else skipped.push(`${check.name}: ${why}`);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  return { passed, skipped, failures };
}

/** Thrown by a test that cannot run; the message says why. */
class Skipped extends Error {}

/** Thrown by a test of a broken rule; the message says what came instead. */
class Broken extends Error {}

/** A rule, and the test that takes what it needs and throws if the rule is broken. */
export type Rule<T extends Trial> = readonly [
  name: string,
  test: (trial: T) => Promise<void>,
];

/** The checks of a seam, each with a trial of its own. */
export function checksOf<T extends Trial>(
  seam: string,
  rules: readonly Rule<T>[],
  begin: () => Promise<T>,
  { hangMs = 10_000 }: SuiteOptions,
): Check[] {
  return rules.map(([name, test]) => ({
    name,
    run: async () => {
      const trial = await begin();
      try {
        await deadline(test(trial), hangMs);
        return undefined;
      } catch (error) {
        if (error instanceof Skipped) return error.message;
        const what = error instanceof Broken
          ? error.message
          : isTimeout(error)
          ? `${trial.lastCall} has not settled after ${hangMs} ms`
          : `${trial.lastCall} failed with ${reason(error)}`;
        throw new Error(`${seam} breaks a rule: ${name}. ${what}`, {
          cause: error,
        });
      } finally {
        await deadline(trial.end(), hangMs).catch(() => {});
      }
    },
  }));
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/** One test of an object: it notes the calls, for the message, and compares. */
export class Trial {
  #lastCall = "opening it";
  readonly #ends: (() => unknown)[] = [];

  /** The last call, as it would stand in a program. */
  get lastCall(): string {
    return this.#lastCall;
  }

  /** Notes every call of a method; `wrap` takes what a method resolves to. */
  watch<T extends object>(
    target: T,
    wrap: (method: string, result: unknown) => unknown = (_, result) => result,
  ): T {
    return new Proxy(target, {
      get: (_, key) => {
        const member = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const method = String(key);
          this.#lastCall = `${method}(${args.map(show).join(", ")})`;
          return wrap(method, member.apply(target, args));
        };
      },
    });
  }

  /** Has something freed when the test has ended, however it ends. */
  atEnd(free: () => unknown): void {
    this.#ends.unshift(free);
  }

  /** Frees everything, and passes over what is freed already. */
  async end(): Promise<void> {
    for (const free of this.#ends) {
      try {
        await free();
      } catch {
        // The test has already said what is wrong.
      }
    }
  }

  /** Ends the test: the rule cannot be tested. */
  skip(why: string): never {
    throw new Skipped(why);
  }

  /** Ends the test: the rule is broken. */
  fail(what: string): never {
    throw new Broken(`${this.#lastCall}: ${what}`);
  }

  /** Compares what the last call has led to, as JSON keeps it. */
  equal(actual: unknown, expected: unknown, what: string = "it"): void {
    if (show(actual) === show(expected)) return;
    this.fail(`${what} is ${show(actual)}, and should be ${show(expected)}`);
  }

  /** The call must reject, or throw, with this code. */
  async rejects(code: string, call: () => unknown): Promise<void> {
    let result: unknown;
    try {
      result = await call();
    } catch (error) {
      if ((error as { code?: unknown } | undefined)?.code === code) return;
      this.fail(`it failed with ${reason(error)}, and should with ${code}`);
    }
    const what = typeof result === "object" ? "" : ` with ${show(result)}`;
    this.fail(`it succeeded${what}, and should fail with ${code}`);
  }
}

/** A value in a message. */
function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof AbortSignal) return "a signal";
  if (typeof value === "function") return "a function";
  if (typeof value === "number") return String(value);
  return JSON.stringify(value) ?? "undefined";
}

function reason(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return `${code ?? "an error without a code"} (${String(error)})`;
}
