import type { FileSystem } from "../fs/file_system.ts";
import { toJson } from "../base/json.ts";
import type { DiskSnapshot } from "./disk.ts";
import type { MemoryFileSystem } from "./memory_fs.ts";

/** The record of what a workload writes, which the workload keeps. */
export interface WorkloadLog<Item> {
  /**
   * Notes the items that are about to be written as one atomic unit. JSON must
   * keep them unchanged: they are compared as JSON. Returns the number of the
   * unit.
   */
  issue(...items: Item[]): number;
  /** Notes that the unit was acknowledged as durable. */
  ack(unit: number): void;
  /** Notes that the unit was refused, so that nothing of it may be found. */
  refuse(unit: number): void;
}

/** A program that keeps data, as the explorer sees it. */
export interface Workload<Item> {
  /** Its name, for reports. */
  readonly name: string;
  /** Opens, writes and closes, the same on every run. May reject if calls fail. */
  run(fs: FileSystem, log: WorkloadLog<Item>): Promise<void>;
  /** Opens what was left and returns all items in order, as JSON keeps them. Ends as a crash would, without closing anything. */
  recover(fs: FileSystem): Promise<Item[]>;
  /** Opens what was left, writes one more item durably, and closes. */
  append(fs: FileSystem, item: Item): Promise<void>;
  /** The item that `append` writes. */
  readonly extra: Item;
}

/** A moment at which the power was cut, and what was known then. */
export interface Moment {
  readonly label: string;
  readonly disk: DiskSnapshot;
  readonly issued: number;
  readonly acked: ReadonlySet<number>;
  readonly refused: ReadonlySet<number>;
}

/** Notes what a workload does, and the disk at every change. */
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
    // Later changes of the items do not count, and what JSON loses could not be compared.
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
