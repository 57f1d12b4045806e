import type { FileSystem } from "../fs/file_system.ts";
import { toJson } from "../base/json.ts";
import type { DiskSnapshot } from "./disk.ts";
import type { MemoryFileSystem } from "./memory_fs.ts";

/** What a workload tells of the units it writes. */
export interface WorkloadLog<Item> {
  /**
   * Items that are about to be written as one atomic unit: values that JSON keeps
   * unchanged, by which they are compared. Gives the unit's number.
   */
  issue(...items: Item[]): number;
  /** The unit was acknowledged as durable. */
  ack(unit: number): void;
  /** The unit was refused, so that nothing of it may be there. */
  refuse(unit: number): void;
}

/** A program that keeps data, as the explorer sees it. */
export interface Workload<Item> {
  /** For reports. */
  readonly name: string;
  /** Opens, writes and closes, the same on every run. May reject when calls are made to fail. */
  run(fs: FileSystem, log: WorkloadLog<Item>): Promise<void>;
  /** Opens what is there, gives all items in order, as JSON keeps them, and ends as a crash would: nothing is tidied up. */
  recover(fs: FileSystem): Promise<Item[]>;
  /** Opens what is there, writes one more item durably, and closes. */
  append(fs: FileSystem, item: Item): Promise<void>;
  /** That item. */
  readonly extra: Item;
}

/** What was known when the power was cut. */
export interface Moment {
  readonly label: string;
  readonly disk: DiskSnapshot;
  readonly issued: number;
  readonly acked: ReadonlySet<number>;
  readonly refused: ReadonlySet<number>;
}

/** Notes what a workload does, and how the disk is meanwhile. */
export class Recorder<Item> implements WorkloadLog<Item> {
  readonly units: Item[][] = [];
  readonly moments: Moment[] = [];
  readonly #acked = new Set<number>();
  readonly #refused = new Set<number>();
  #fs: MemoryFileSystem | undefined;

  watch(fs: MemoryFileSystem): void {
    this.#fs = fs;
    fs.hooks.after = ({ index, operation, path }) =>
      this.#note(`call ${index}, ${operation} ${path}`);
  }

  issue(...items: Item[]): number {
    // What the workload changes afterwards does not count, and what JSON would lose could not be compared.
    return this.units.push(JSON.parse(toJson(items, Infinity))) - 1;
  }

  ack(unit: number): void {
    this.#acked.add(unit);
    this.#note(`acknowledgement of unit ${unit}`);
  }

  refuse(unit: number): void {
    this.#refused.add(unit);
    this.#note(`refusal of unit ${unit}`);
  }

  momentOf(fs: MemoryFileSystem, label: string): Moment {
    return {
      label,
      disk: fs.snapshot(),
      issued: this.units.length,
      acked: new Set(this.#acked),
      refused: new Set(this.#refused),
    };
  }

  #note(label: string): void {
    if (this.#fs === undefined) return;
    this.moments.push(this.momentOf(this.#fs, `after ${label}`));
  }
}
