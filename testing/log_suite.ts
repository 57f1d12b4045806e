import { APPEND_RULES } from "./rules/log_append.ts";
import { READ_RULES } from "./rules/log_read.ts";
import { type LogFixture, LogTrial } from "./rules/log_trial.ts";
import { UPKEEP_RULES } from "./rules/log_upkeep.ts";
import { type Check, checksOf, type SuiteOptions } from "./suite.ts";

/**
 * The rules that a `Log` must keep so that a state can stand on it, each with a
 * test of it, for any test runner: an implementation passes, or is told the rule
 * that it breaks, the call, and what came instead. The rules of a method that a
 * log leaves out are skipped.
 *
 * @param make Makes a new log, for each check.
 * @param options How long to wait.
 * @returns The checks, independent of each other.
 *
 * @example Check a log
 * ```ts
 * import { logSuite, MemoryFileSystem, runSuite } from "@mini/state/testing";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const suite = logSuite(() => {
 *   const fs = new MemoryFileSystem();
 *   return { open: () => MiniStore.open<unknown>("/data/journal.jsonl", { fs }) };
 * });
 * // With a test runner: for (const { name, run } of suite) test(name, async () => void await run());
 * const { passed, failures } = await runSuite(suite);
 * assertEquals([passed.length > 20, failures], [true, []]);
 * ```
 */
export function logSuite(
  make: () => LogFixture | Promise<LogFixture>,
  options: SuiteOptions = {},
): Check[] {
  const rules = [...APPEND_RULES, ...READ_RULES, ...UPKEEP_RULES];
  const begin = async () => {
    const trial: LogTrial = new LogTrial(await make(), async () => {
      const other = await begin();
      trial.atEnd(() => other.end());
      return other;
    });
    return trial;
  };
  return checksOf("Log", rules, begin, options);
}
