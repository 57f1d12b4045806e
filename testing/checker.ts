import { type CrashOptions, crashStates } from "./crash_states.ts";
import type { DiskSnapshot } from "./disk.ts";
import { toJson } from "../base/json.ts";
import { MemoryFileSystem } from "./memory_fs.ts";
import { Random } from "./random.ts";
import type { Moment, Workload } from "./workload.ts";

/** Options of `explore`: how thoroughly to look. */
export interface ExploreOptions extends CrashOptions {
  /** One state in this number is crashed again at every moment of its recovery. @default {20} */
  readonly crashRecoveryOneIn?: number;
  /** One in this number of the states that a power cut may leave is checked. @default {1} */
  readonly stateOneIn?: number;
  /** The number of recoveries after which to stop: `explore` spreads them over all moments, `sweepFaults` takes them in order. @default {no limit} */
  readonly maxRecoveries?: number;
  /** Called after each moment, or after each call that was made to fail. */
  readonly onProgress?: (progress: ExploreProgress) => void;
}

/** How far an exploration has got. */
export interface ExploreProgress {
  /** The number of moments checked so far. */
  readonly moment: number;
  /** The number of all moments; `undefined` if it is not known before the end. */
  readonly moments: number | undefined;
  /** The number of states so far. */
  readonly states: number;
  /** The number of recoveries so far. */
  readonly recoveries: number;
  /** The number of violations so far. */
  readonly violations: number;
}

/** The result of an exploration. */
export interface ExploreReport {
  /** The name of the workload. */
  readonly name: string;
  /** The number of moments at which the power was cut. */
  readonly moments: number;
  /** The number of different states in which the disk was left. */
  readonly states: number;
  /** The number of recoveries. */
  readonly recoveries: number;
  /** Whether everything was checked: `false` if `maxRecoveries` has ended it. */
  readonly isComplete: boolean;
  /** The failures, each with the moment and the seed; empty if there were none. */
  readonly violations: readonly string[];
}

/** Recovers from states of the disk and checks what is recovered. */
export class Checker<Item> {
  readonly #workload: Workload<Item>;
  readonly #units: readonly (readonly Item[])[];
  readonly #options: ExploreOptions;
  readonly #random: Random;
  readonly #violations: string[] = [];
  #states = 0;
  #recoveries = 0;
  #maxRecoveries = Infinity;
  #isComplete = true;

  constructor(
    workload: Workload<Item>,
    units: readonly (readonly Item[])[],
    options: ExploreOptions,
  ) {
    this.#workload = workload;
    this.#units = units;
    this.#options = options;
    this.#random = new Random(options.seed ?? 1);
  }

  report(moments: number): ExploreReport {
    return {
      name: this.#workload.name,
      moments,
      states: this.#states,
      recoveries: this.#recoveries,
      isComplete: this.#isComplete,
      violations: this.#violations,
    };
  }

  /** Allows this share of the recoveries that are left. */
  allow(share: number): void {
    const { maxRecoveries = Infinity } = this.#options;
    const left = Math.max(maxRecoveries - this.#recoveries, 0);
    this.#maxRecoveries = this.#recoveries + Math.ceil(left * share);
  }

  #isSpent(): boolean {
    if (this.#recoveries < this.#maxRecoveries) return false;
    this.#isComplete = false;
    return true;
  }

  violation(label: string, what: string): void {
    const { seed = 1 } = this.#options;
    this.#violations.push(
      `${this.#workload.name}, ${label}, seed ${seed}: ${what}`,
    );
  }

  /** Kills the process: nothing unsynced is lost, until the power is cut as well. */
  async checkKilled(moment: Moment): Promise<void> {
    if (this.#isSpent()) return;
    const label = `${moment.label}, killed`;
    await this.#checkState(new MemoryFileSystem(moment.disk), moment, label);
    await this.#crashRecovery(new MemoryFileSystem(moment.disk), moment, label);
  }

  async checkPowerCut(moment: Moment, options: CrashOptions): Promise<void> {
    const oneIn = this.#options.crashRecoveryOneIn ?? 20;
    for (const { label, fs } of crashStates(moment.disk, options)) {
      if (this.#isSpent()) return;
      if (!this.#isInSample()) continue;
      const disk = fs.snapshot();
      const where = `${moment.label}, power cut (${label})`;
      await this.#checkState(fs, moment, where);
      if (!this.#random.oneIn(oneIn)) continue;
      await this.#crashRecovery(new MemoryFileSystem(disk), moment, where);
    }
  }

  /** Cuts the power at every moment of a recovery, and recovers from that. */
  async #crashRecovery(
    fs: MemoryFileSystem,
    moment: Moment,
    label: string,
  ): Promise<void> {
    const disks: [string, DiskSnapshot][] = [];
    fs.hooks.after = ({ operation, path }) =>
      disks.push([`${operation} ${path}`, fs.snapshot()]);
    await this.#recover(fs);
    for (const [step, disk] of disks) {
      for (const state of crashStates(disk, { samples: 0 })) {
        if (this.#isSpent()) return;
        if (!this.#isInSample()) continue;
        const where = `${label}, recovery cut after ${step} (${state.label})`;
        await this.#checkState(state.fs, moment, where);
      }
    }
  }

  #isInSample(): boolean {
    return this.#random.oneIn(this.#options.stateOneIn ?? 1);
  }

  async #checkState(
    fs: MemoryFileSystem,
    moment: Moment,
    label: string,
  ): Promise<void> {
    this.#states++;
    const problem = await this.#problemOf(fs, moment);
    if (problem !== undefined) this.violation(label, problem);
  }

  async #problemOf(
    fs: MemoryFileSystem,
    moment: Moment,
  ): Promise<string | undefined> {
    const { extra } = this.#workload;
    const first = await this.#recover(fs);
    if (typeof first === "string") return first;
    const wrong = this.#compare(first, moment);
    if (wrong !== undefined) return wrong;
    const second = await this.#recover(fs);
    if (typeof second === "string") return `a second recovery: ${second}`;
    if (!isSame(second, first)) return "a second recovery gives another result";
    try {
      fs.restart();
      await this.#workload.append(fs, extra);
    } catch (error) {
      return `appending after a recovery fails: ${error}`;
    }
    const third = await this.#recover(fs);
    if (typeof third === "string") {
      return `a recovery after an append: ${third}`;
    }
    return isSame(third, [...first, extra])
      ? undefined
      : "an append after a recovery has changed more than its own item";
  }

  /** Returns what is recovered, or the error as text. */
  async #recover(fs: MemoryFileSystem): Promise<Item[] | string> {
    this.#recoveries++;
    try {
      fs.restart();
      const items = await this.#workload.recover(fs);
      // What JSON loses could not be told from something else.
      return JSON.parse(toJson(items, Infinity));
    } catch (error) {
      return `recovery fails: ${error}`;
    }
  }

  /** Checks that what was recovered is a beginning of what was issued, and holds everything that was acknowledged. */
  #compare(
    items: readonly Item[],
    { issued, acked, refused }: Moment,
  ): string | undefined {
    let at = 0;
    for (let unit = 0; unit < issued; unit++) {
      if (refused.has(unit)) continue;
      const wanted = this.#units[unit]!;
      const found = items.slice(at, at + wanted.length);
      if (isSame(found, wanted)) at += wanted.length;
      else if (found.length === 0 && !acked.has(unit)) continue;
      else if (acked.has(unit)) return `acknowledged unit ${unit} is missing`;
      else return `unit ${unit} is incomplete, or another stands in its place`;
    }
    return at === items.length
      ? undefined
      : "an item was recovered that was never issued";
  }
}

function isSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}
