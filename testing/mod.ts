/**
 * Tests that a program keeps its data: a file system that loses what was not
 * synced, an explorer that cuts the power at every moment of a workload and
 * checks every state in which the disk may be left, and the rules that a
 * `FileSystem` or a `Log` of your own must keep.
 *
 * ```ts
 * import { MemoryFileSystem } from "@mini/state/testing";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const fs = new MemoryFileSystem();
 * await using store = await MiniStore.open<string>("/data/journal.jsonl", { fs });
 * assertEquals(await store.append("in memory"), 1);
 * ```
 *
 * @module
 */

export { crashStates } from "./crash_states.ts";
export type { CrashOptions, CrashState } from "./crash_states.ts";
export type {
  Content,
  DirectoryNode,
  DiskSnapshot,
  EntryOperation,
  FileNode,
  FileOperation,
  Rights,
} from "./disk.ts";
export type {
  ExploreOptions,
  ExploreProgress,
  ExploreReport,
} from "./checker.ts";
export { explore, sweepFaults } from "./explore.ts";
export type { SweepOptions } from "./explore.ts";
export { fileSystemSuite } from "./file_system_suite.ts";
export type { FileSystemFixture } from "./rules/file_system_trial.ts";
export { logSuite } from "./log_suite.ts";
export type { LogFixture } from "./rules/log_trial.ts";
export { MemoryFileSystem } from "./memory_fs.ts";
export type { Fault, FileSystemCall, Hooks } from "./hooks.ts";
export { cutPower } from "./power_cut.ts";
export { Random, randomSeed } from "./random.ts";
export { runSuite } from "./suite.ts";
export type { Check, SuiteOptions, SuiteReport } from "./suite.ts";
export type { User } from "./rights.ts";
export type { Workload, WorkloadLog } from "./workload.ts";
