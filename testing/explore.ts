import { deadline } from "@std/async/deadline";
import { Checker, type ExploreOptions, type ExploreReport } from "./checker.ts";
import {
  type Fault,
  type FileSystemCall,
  MemoryFileSystem,
} from "./memory_fs.ts";
import { Recorder, type Workload } from "./workload.ts";

/** A run that takes longer hangs: nothing in memory takes that long. */
const HANG_MS = 10_000;

/**
 * Runs a workload once, then cuts the power after every call that has changed
 * something, in every way that {@linkcode crashStates} knows, and recovers.
 *
 * What is recovered must be a beginning of what was issued, unit by unit, and
 * hold everything that was acknowledged. Recovering again must change nothing,
 * also when the first recovery was itself cut off, and an item written after it
 * must be there after the next.
 *
 * @param workload The program.
 * @param options How thoroughly to look.
 * @returns Counts, and what went wrong.
 *
 * @example A log, and every moment at which the power may be cut
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { explore, type Workload } from "@mini/state/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const PATH = "/data/journal.jsonl";
 * const workload: Workload<string> = {
 *   name: "two records",
 *   async run(fs, log) {
 *     await using store = await MiniStore.open<string>(PATH, { fs });
 *     for (const record of ["a", "b"]) {
 *       const unit = log.issue(record);
 *       await store.append(record);
 *       log.ack(unit);
 *     }
 *   },
 *   async recover(fs) {
 *     const store = await MiniStore.open<string>(PATH, { fs });
 *     return await Array.fromAsync(store.replay(), ({ data }) => data);
 *   },
 *   async append(fs, record) {
 *     await using store = await MiniStore.open<string>(PATH, { fs });
 *     await store.append(record);
 *   },
 *   extra: "after",
 * };
 * const { states, violations } = await explore(workload);
 * assertEquals([states > 20, violations], [true, []]);
 * ```
 */
export async function explore<Item>(
  workload: Workload<Item>,
  options: ExploreOptions = {},
): Promise<ExploreReport> {
  const recorder = new Recorder<Item>();
  const fs = new MemoryFileSystem();
  recorder.watch(fs);
  await deadline(workload.run(fs, recorder), HANG_MS);
  const checker = new Checker(workload, recorder.units, options);
  for (const moment of recorder.moments) {
    await checker.checkKilled(moment);
    await checker.checkPowerCut(moment, options);
  }
  return checker.report(recorder.moments.length);
}

/** Options of {@linkcode sweepFaults}: which calls fail, and how. */
export interface SweepOptions extends ExploreOptions {
  /** The faults to try at every call. */
  readonly faults: readonly Fault[];
  /** Which calls to fail. @default {all} */
  readonly applies?: (call: FileSystemCall) => boolean;
}

/**
 * Runs a workload again and again, each time with another call that fails, once
 * or from then on, until a run has no call left to fail. After each the process
 * is killed, and the power is cut; both must leave what {@linkcode explore}
 * asks for.
 *
 * @param workload The program. It is expected to come to an end, well or not.
 * @param options What to break, and how thoroughly to look afterwards.
 * @returns Counts, and what went wrong.
 *
 * @example A disk that fails, at every call in turn
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { sweepFaults } from "@mini/state/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const PATH = "/data/journal.jsonl";
 * const report = await sweepFaults<string>({
 *   name: "one record",
 *   async run(fs, log) {
 *     await using store = await MiniStore.open<string>(PATH, { fs });
 *     const unit = log.issue("a");
 *     await store.append("a");
 *     log.ack(unit);
 *   },
 *   async recover(fs) {
 *     const store = await MiniStore.open<string>(PATH, { fs });
 *     return await Array.fromAsync(store.replay(), ({ data }) => data);
 *   },
 *   async append(fs, record) {
 *     await using store = await MiniStore.open<string>(PATH, { fs });
 *     await store.append(record);
 *   },
 *   extra: "after",
 * }, { faults: [{ code: "EIO" }], applies: ({ operation }) => operation === "sync" });
 * assertEquals(report.violations, []);
 * ```
 */
export async function sweepFaults<Item>(
  workload: Workload<Item>,
  options: SweepOptions,
): Promise<ExploreReport> {
  const total = { moments: 0, states: 0, recoveries: 0 };
  const violations: string[] = [];
  for (const fault of options.faults) {
    for (const isSticky of [false, true]) {
      for (let index = 1;; index++) {
        const report = await runWithFault(workload, options, {
          fault,
          isSticky,
          index,
        });
        if (report === undefined) break;
        total.moments += report.moments;
        total.states += report.states;
        total.recoveries += report.recoveries;
        violations.push(...report.violations);
      }
    }
  }
  return { name: workload.name, ...total, violations };
}

async function runWithFault<Item>(
  workload: Workload<Item>,
  options: SweepOptions,
  { fault, isSticky, index }: {
    fault: Fault;
    isSticky: boolean;
    index: number;
  },
): Promise<ExploreReport | undefined> {
  const recorder = new Recorder<Item>();
  const fs = new MemoryFileSystem();
  let seen = 0;
  let failed: FileSystemCall | undefined;
  fs.hooks.before = (call) => {
    if (options.applies?.(call) === false) return undefined;
    seen++;
    const isNow = seen === index || isSticky && seen > index;
    if (!isNow) return undefined;
    failed ??= call;
    return fault;
  };
  let hang = "";
  const ended = workload.run(fs, recorder).catch(() => {});
  await deadline(ended, HANG_MS).catch(() => hang = "the workload hangs");
  if (failed === undefined) return undefined;
  fs.hooks = {};
  const how =
    `${fault.code} ${isSticky ? "from" : "at"} call ${failed.index}, ` +
    `${failed.operation} ${failed.path}`;
  const checker = new Checker(workload, recorder.units, options);
  const moment = recorder.momentOf(fs, how);
  if (hang !== "") checker.violation(moment.label, hang);
  await checker.checkKilled(moment);
  await checker.checkPowerCut(moment, options);
  return checker.report(1);
}
