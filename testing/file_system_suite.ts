import { BLOCKING_RULES } from "./rules/blocking.ts";
import { DURABILITY_RULES } from "./rules/durability.ts";
import { FILE_RULES } from "./rules/files.ts";
import {
  type FileSystemFixture,
  FileSystemTrial,
} from "./rules/file_system_trial.ts";
import { LOCK_RULES } from "./rules/locks.ts";
import { NAME_RULES } from "./rules/names.ts";
import { type Check, checksOf, type SuiteOptions } from "./suite.ts";

/**
 * The rules that a `FileSystem` must keep so that nothing is lost, each with a
 * test of it, for any test runner: an implementation passes, or is told the rule
 * that it breaks, the call, and what came instead.
 *
 * @param make Makes what a check runs in, for each check.
 * @param options How long to wait.
 * @returns The checks, independent of each other.
 *
 * @example Check a file system
 * ```ts
 * import { fileSystemSuite, MemoryFileSystem, runSuite } from "@mini/state/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const suite = fileSystemSuite(() => ({ fs: new MemoryFileSystem(), directory: "/" }));
 * // With a test runner: for (const { name, run } of suite) test(name, async () => void await run());
 * const { passed, failures } = await runSuite(suite);
 * assertEquals([passed.length > 30, failures], [true, []]);
 * ```
 */
export function fileSystemSuite(
  make: () => FileSystemFixture | Promise<FileSystemFixture>,
  options: SuiteOptions = {},
): Check[] {
  const rules = [
    ...FILE_RULES,
    ...NAME_RULES,
    ...LOCK_RULES,
    ...DURABILITY_RULES,
    ...BLOCKING_RULES,
  ];
  const begin = async () => new FileSystemTrial(await make());
  return checksOf("FileSystem", rules, begin, options);
}
