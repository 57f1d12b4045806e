import { deadline } from "../base/deadline.ts";
import { Checker, type ExploreOptions, type ExploreReport } from "./checker.ts";
import { MemoryFileSystem } from "./memory_fs.ts";
import type { Fault, FileSystemCall } from "./hooks.ts";
import { Random } from "./random.ts";
import { Recorder, type Workload } from "./workload.ts";

/** A run that takes longer hangs: nothing in memory takes that long. */
const HANG_MS = 10_000;

/**
 * Runs a workload once, then cuts the power after every call that has changed
 * something, in every way that {@linkcode crashStates} knows, and recovers.
 *
 * What is recovered must be a beginning of what was issued, unit by unit, and
 * hold everything that was acknowledged. Recovering again must change nothing,
 * also if the first recovery was itself cut off, and an item written after it
 * must be there after the next. An error that `recover` throws is a violation,
 * so it can check more.
 *
 * @param workload The program.
 * @param options How thoroughly to look.
 * @returns Counts, and the violations.
 *
 * @example A bank, and every moment at which the power may be cut
 * ```ts
 * import { type FileSystem, StateManager } from "@mini/state/state";
 * import { explore } from "@mini/state/testing";
 * import { assertEquals } from "@std/assert";
 *
 * interface Transfer {
 *   from: "alice" | "bob";
 *   to: "alice" | "bob";
 *   cents: number;
 * }
 * const open = (fs: FileSystem) =>
 *   StateManager.open("/data", {
 *     fs,
 *     initial: () => ({ alice: 100, bob: 0 }),
 *     apply(balances, { from, to, cents }: Transfer) {
 *       balances[from] -= cents;
 *       balances[to] += cents;
 *     },
 *   });
 * const report = await explore<Transfer>({
 *   name: "a bank",
 *   async run(fs, log) {
 *     await using bank = await open(fs);
 *     for (const cents of [30, 20]) {
 *       const transfer: Transfer = { from: "alice", to: "bob", cents };
 *       const unit = log.issue(transfer);
 *       await bank.apply(transfer);
 *       log.ack(unit);
 *     }
 *   },
 *   async recover(fs) {
 *     const bank = await open(fs);
 *     const { alice, bob } = bank.state;
 *     if (alice + bob !== 100) throw new Error("money was made, or lost");
 *     return await Array.fromAsync(bank.history(), ({ mutation }) => mutation);
 *   },
 *   async append(fs, transfer) {
 *     await using bank = await open(fs);
 *     await bank.apply(transfer);
 *   },
 *   extra: { from: "bob", to: "alice", cents: 5 },
 * }, { maxRecoveries: 500 });
 * assertEquals(report.violations, []);
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
  const { moments } = recorder;
  for (const [index, moment] of moments.entries()) {
    checker.allow(1 / (moments.length - index));
    await checker.checkKilled(moment);
    await checker.checkPowerCut(moment, options);
    report(checker.report(index + 1), options, moments.length);
  }
  return checker.report(moments.length);
}

function report(
  { moments: moment, states, recoveries, violations }: ExploreReport,
  { onProgress }: ExploreOptions,
  moments?: number,
): void {
  const counts = { states, recoveries, violations: violations.length };
  onProgress?.({ moment, moments, ...counts });
}

/** Options of {@linkcode sweepFaults}: which calls fail, and how. */
export interface SweepOptions extends ExploreOptions {
  /** The faults to try at every call. */
  readonly faults: readonly Fault[];
  /** Which calls to fail. @default {all} */
  readonly applies?: (call: FileSystemCall) => boolean;
  /** One in this number of the calls is made to fail, once and from then on; the seed says where they begin. @default {1} */
  readonly callOneIn?: number;
}

/**
 * Runs a workload again and again, each time with another call that fails, once
 * or from then on, until a run has no call left to fail. After each run the
 * process is killed and the power is cut; both must leave what
 * {@linkcode explore} asks for.
 *
 * @param workload The program. Its run must end, whether it succeeds or fails.
 * @param options Which calls fail, and how thoroughly to look afterwards.
 * @returns Counts, and the violations.
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
  let total: ExploreReport = {
    name: workload.name,
    moments: 0,
    states: 0,
    recoveries: 0,
    isComplete: true,
    violations: [],
  };
  const { maxRecoveries = Infinity, callOneIn = 1, seed = 1 } = options;
  const random = new Random(seed);
  for (const fault of options.faults) {
    for (const isSticky of [false, true]) {
      for (let index = 1 + random.below(callOneIn);; index += callOneIn) {
        const left = maxRecoveries - total.recoveries;
        if (left <= 0) return { ...total, isComplete: false };
        const run = { fault, isSticky, index };
        const limited = { ...options, maxRecoveries: left };
        const found = await runWithFault(workload, limited, run);
        if (found === undefined) break;
        total = sum(total, found);
        report(total, options);
      }
    }
  }
  return total;
}

function sum(one: ExploreReport, other: ExploreReport): ExploreReport {
  return {
    name: one.name,
    moments: one.moments + other.moments,
    states: one.states + other.states,
    recoveries: one.recoveries + other.recoveries,
    isComplete: one.isComplete && other.isComplete,
    violations: [...one.violations, ...other.violations],
  };
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
  checker.allow(1);
  await checker.checkKilled(moment);
  await checker.checkPowerCut(moment, options);
  return checker.report(1);
}
