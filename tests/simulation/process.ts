import {
  cutPower,
  type DiskSnapshot,
  type FileSystemCall,
  MemoryFileSystem,
  type Random,
} from "@mini/state/testing";
import type { FakeClock } from "../support/fake_clock.ts";
import { DiskFaults } from "./disk_faults.ts";
import type { Facts } from "./recount/facts.ts";
import { Recount } from "./recount/recount.ts";
import { counted } from "./recount/watch.ts";
import type { Trace } from "./trace.ts";

export const DIR = "/data";
export const PATH: string = `${DIR}/journal.jsonl`;

/** The name of a segment that was sealed. */
const SEALED = /^journal\.\d{20}\.jsonl$/;

/** The codes of a disk without room. */
const IS_FULL = ["ENOSPC", "EDQUOT", "EFBIG"];

/** How a process ends. */
export type Ending = "closed" | "killed" | "power cut";

/** One process from its start to its end, with the disk under it and the clocks it sees. */
export class Process {
  readonly fs: MemoryFileSystem;
  readonly clock: FakeClock;
  readonly faults: DiskFaults;
  /** Counts what it tells on channels. */
  readonly recount: Recount;
  readonly #trace: Trace;
  readonly #random: Random;
  /** Called after each change of the disk. */
  onChange: () => void = () => {};
  /** How often it has begun to write to the log. */
  journalWrites = 0;
  #callsLeft = Infinity;
  #isDying = false;
  #isOutsider = false;
  #isCalm = false;
  #left: DiskSnapshot | undefined;

  constructor(
    fs: MemoryFileSystem,
    clock: FakeClock,
    random: Random,
    trace: Trace,
  ) {
    this.fs = fs;
    this.clock = clock;
    this.#random = random;
    this.#trace = trace;
    this.faults = new DiskFaults(random);
    this.recount = new Recount((what) => trace.violation(what));
    fs.hooks = {
      before: (call) => this.#before(call),
      after: () => this.#after(),
    };
  }

  /** Whether it has come to its end: what its callers are told from here on nobody hears. */
  get isDead(): boolean {
    return this.#left !== undefined || this.#isDying;
  }

  /** Runs a part of it. */
  run<T>(part: () => T): T {
    return counted(this.recount, part);
  }

  /** Compares what it has told on channels, if that was heard, with what is known. */
  compareTold(
    facts: Facts,
    { isInvaded, isHeard }: { isInvaded: boolean; isHeard: boolean },
  ): void {
    if (!isHeard) return this.recount.endUnheard(facts);
    const { failed } = this.faults;
    const isSure = !isInvaded && !this.isDead && failed.length === 0;
    this.recount.end(facts, {
      fullTimes: failed.filter(({ code }) => IS_FULL.includes(code)).length,
      sealed: isSure
        ? this.fs.names(DIR).filter((name) => SEALED.test(name)).length
        : undefined,
    });
  }

  /** Has it end at one of the next calls to the file system. */
  dieWithin(calls: number): void {
    this.#callsLeft = 1 + this.#random.below(calls);
  }

  /** Ends it now. Whatever it still tries fails. */
  die(): void {
    this.#left ??= this.fs.snapshot();
  }

  /** The disk as the next process finds it. */
  leave(ending: Ending): MemoryFileSystem {
    this.die();
    return ending === "power cut"
      ? cutPower(this.#left!, this.#random)
      : new MemoryFileSystem(this.#left);
  }

  /** Has the disk be as it was at a moment when it is left. */
  leaveAs(disk: DiskSnapshot): void {
    this.#left = disk;
  }

  /** Runs what looks at what is there, while nothing fails. */
  async calmly(task: () => Promise<void>): Promise<void> {
    this.#isCalm = true;
    await task();
    this.#isCalm = false;
  }

  /** Runs what somebody else does to the files. */
  async outside(task: () => Promise<void>): Promise<void> {
    this.#isOutsider = true;
    await task();
    this.#isOutsider = false;
  }

  /** Makes a call for another process, which none of this one's faults reaches. */
  beside<T>(call: () => T): T {
    const before = this.#isOutsider;
    this.#isOutsider = true;
    try {
      return call();
    } finally {
      this.#isOutsider = before;
    }
  }

  #before(call: FileSystemCall) {
    this.#trace.countCall();
    if (this.#isOutsider) return undefined;
    const { operation, path } = call;
    if (this.isDead) return { code: "EIO" };
    // A handle keeps the name under which a segment was made.
    const isOfLog = path === PATH || path === `${PATH}.tmp`;
    if (operation === "write" && isOfLog) this.journalWrites++;
    const isInside = path === DIR || path.startsWith(`${DIR}/`);
    if (!isInside) this.#trace.violation(`${operation} outside: ${path}`);
    if (this.#isCalm || --this.#callsLeft > 0) {
      const fault = this.#isCalm ? undefined : this.faults.next(call);
      const size = this.fs.content(path)?.length ?? 0;
      this.#trace.call(`${operation} ${path} ${size} ${fault?.code ?? ""}`);
      return fault;
    }
    // A write may have got half-way.
    const keepBytes = operation === "write" ? this.#random.below(200) : 0;
    this.#trace.call(`${operation} ${path} cut off after ${keepBytes} bytes`);
    if (keepBytes > 0) this.#isDying = true;
    else this.die();
    return { code: "EIO", keepBytes };
  }

  #after(): void {
    this.onChange();
    if (!this.#isDying) return;
    this.#isDying = false;
    this.die();
  }
}
