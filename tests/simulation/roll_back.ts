import type { MiniError } from "@mini/state/store";
import { type DiskSnapshot, MemoryFileSystem } from "@mini/state/testing";
import { type Evidence, evidenceIn, foretell } from "./evidence.ts";
import { DIR, type Process } from "./process.ts";
import {
  type Age,
  type Keeping,
  type Manager,
  openState,
  throwsFor,
} from "./state_model.ts";
import { uncounted } from "./recount/watch.ts";
import { told } from "./trace.ts";
import { isSame, type Unit } from "./units.ts";
import type { World } from "./world.ts";

/** A state that was opened, and what its files had said before. */
interface Opened {
  readonly manager: Manager;
  readonly evidence: Evidence;
  /** The disk that it has left: a queue that is attached writes. */
  readonly disk: DiskSnapshot;
  readonly writes: number;
}

/** Another process that may take over, or not. */
interface Standby {
  promote(): Promise<Manager | undefined>;
}

/** A state that older code opens now and then: whether it may, and what becomes of what it does not know. */
export class RollBack {
  readonly #world: World;
  readonly #keeping: Keeping;
  /** The code that has opened it last. */
  #age: Age = "newer";
  #opened!: Opened;
  /** Units that older code has left out, permanently once its next write is acknowledged. */
  readonly #doubted = new Set<Unit>();
  #visit: { readonly process: Process; readonly writes: number } | undefined;
  #hasLeftOut = false;
  /** Records whose abort could not be recorded when they threw. */
  readonly #unrecorded = new Set<number>();

  constructor(world: World, keeping: Keeping) {
    this.#world = world;
    this.#keeping = keeping;
  }

  /** Whether the code that runs is the older one. */
  get isOlder(): boolean {
    return this.#age === "older";
  }

  /** Opens the state, now and then with older code; with newer code where that is refused. */
  async open(isRough: boolean, standby: Standby): Promise<Manager> {
    const { process: { fs } } = this.#world;
    await this.lookWithoutSnapshot();
    const isOlder = isRough && this.#isWorthIt(fs);
    const older = isOlder ? await this.#openOlder(fs) : undefined;
    this.#opened = older ?? (await this.#open(fs, "newer", standby))!;
    this.#age = older === undefined ? "newer" : "older";
    this.#lookForAborts();
    return this.#opened.manager;
  }

  /** Whether older code is to open a disk: mostly where it meets what is rare. */
  #isWorthIt(fs: MemoryFileSystem): boolean {
    const { random } = this.#world;
    const { refused, undecided } = foretell(evidenceIn(fs), "older");
    const isRare = undecided.length > 0 ||
      refused?.row.includes("a clean end");
    return isRare ? !random.oneIn(5) : random.oneIn(4);
  }

  async #openOlder(fs: MemoryFileSystem): Promise<Opened | undefined> {
    const { trace } = this.#world;
    const before = JSON.stringify(evidenceIn(fs), listed);
    const opened = await this.#open(fs, "older");
    trace.note(`older code ${opened ? "opens it" : "is refused"}`);
    if (opened !== undefined) return opened;
    if (this.#age === "older") {
      trace.violation("older code is refused what it has opened itself");
    }
    if (JSON.stringify(evidenceIn(fs), listed) !== before) {
      trace.violation("the refusal of older code has changed something");
    }
    return undefined;
  }

  /** Opens a copy of the disk with older code, the newest snapshot there being damaged: mostly where nothing else proves what that has. */
  async lookWithoutSnapshot(): Promise<void> {
    const { random, trace, isInvaded, process: { fs } } = this.#world;
    if (isInvaded) return;
    const copy = trace.watch(new MemoryFileSystem(fs.snapshot()));
    const newest = copy.names(DIR).findLast((name) =>
      /^snapshot_\d+\.json$/.test(name)
    );
    if (newest === undefined) return;
    const path = `${DIR}/${newest}`;
    copy.put(path, copy.content(path)!.slice(0, -9));
    const { hasGap, refused } = foretell(evidenceIn(copy), "older");
    if (!refused?.row.includes("a snapshot") && !random.oneIn(6)) return;
    try {
      await uncounted(() => this.#open(copy, "older"));
      if (hasGap) trace.violation("it opens in spite of a gap");
    } catch (error) {
      if ((error as MiniError).code === "CORRUPT" && hasGap) return;
      trace.violation(`without ${newest}: ${told(error)}`);
    }
  }

  /** Opens the state of a disk, and judges that by what the files say; `undefined` where it is refused, as it must be. */
  async #open(
    fs: MemoryFileSystem,
    age: Age,
    standby?: Standby,
  ): Promise<Opened | undefined> {
    const { trace, coverage } = this.#world;
    const evidence = evidenceIn(fs);
    const { refused, undecided } = foretell(evidence, age);
    try {
      const manager = await standby?.promote() ??
        await openState(fs, this.#keeping, age);
      const found = manager.recovery.undecided.filter((seq) =>
        !evidence.entries.get(seq)?.some((change) => "box" in change)
      );
      if (refused !== undefined) {
        trace.violation(`${age} code opens in spite of record ${refused.seq}`);
      } else if (!isSame(found, undecided)) {
        trace.violation(
          `undecided for ${age} code: ${found}, not ${undecided}`,
        );
      }
      const { journalWrites: writes } = this.#world.process;
      return { manager, evidence, disk: fs.snapshot(), writes };
    } catch (error) {
      const { code, seq } = error as MiniError;
      if (code !== "REPLAY_FAILED") throw error;
      if (age === "newer" || refused === undefined || refused.seq !== seq) {
        trace.violation(`${age} code: ${told(error)}`);
        throw error;
      }
      coverage.hit(refused.row);
      return undefined;
    }
  }

  /** Aborts that had met a full disk may be on record by now. */
  #lookForAborts(): void {
    for (const seq of this.#unrecorded) {
      if (!this.#opened.evidence.aborted.has(seq)) continue;
      this.#unrecorded.delete(seq);
      this.#world.coverage.hit("abort: meets a full disk, recorded with room");
    }
  }

  /** Compares what is there with what must be; gives what is wrong. */
  async check(isPowerCut: boolean): Promise<string | undefined> {
    const { units, process, coverage, trace } = this.#world;
    const spared = this.#endVisit();
    const { manager, disk, writes } = this.#opened;
    const { seen } = manager.state;
    if (!this.isOlder) {
      const wrong = units.recovered(seen, isPowerCut);
      if (spared > 0) {
        coverage.hit(
          "roll-back: undecided, nothing written, newer code finds it",
        );
      }
      if (this.#hasLeftOut) {
        coverage.hit("roll-back: undecided, written on, left out for good");
      }
      this.#hasLeftOut = false;
      return wrong;
    }
    // What newer code finds behind older code that has not written yet.
    const copy = trace.watch(new MemoryFileSystem(disk));
    const newer = (await uncounted(() => this.#open(copy, "newer")))!.manager;
    const wrong = units.recovered(newer.state.seen, isPowerCut) ??
      units.passOver(seen, this.#eventsUndecided());
    for (const unit of units.passedOver) this.#doubted.add(unit);
    this.#visit = { process, writes };
    return wrong;
  }

  /** The events in what older code has not decided, and newer code takes. */
  #eventsUndecided(): string[] {
    const { evidence, manager } = this.#opened;
    return manager.recovery.undecided
      .map((seq) => evidence.entries.get(seq) ?? [])
      .filter((changes) => !throwsFor(changes, "newer"))
      .flatMap((changes) =>
        changes.flatMap((change) => "event" in change ? [change.event] : [])
      );
  }

  /** How many units older code has left out, and must not have, for it has written nothing. */
  #endVisit(): number {
    let spared = 0;
    const { process, writes = 0 } = this.#visit ?? {};
    const hasWritten = process !== undefined && process.journalWrites > writes;
    for (const unit of this.#doubted) {
      if (unit.standing !== "durable") continue;
      if (hasWritten) unit.standing = "pending";
      else spared++;
    }
    this.#doubted.clear();
    this.#visit = undefined;
    return spared;
  }

  /** How many units a line, a snapshot or a clean end proves to have been applied, where nothing else is under way; 0 where that is not sure. */
  get proof(): number {
    const { process, isInvaded, units } = this.#world;
    const isSure = !this.isOlder && !isInvaded &&
      process.faults.failed.length === 0 &&
      this.#opened.manager.recovery.undecided.length === 0;
    return isSure ? units.applied : 0;
  }

  /** A write begins, or a snapshot; gives what to call once it is durable. */
  begun(): () => void {
    const doubted = [...this.#doubted];
    return () => {
      for (const unit of doubted) {
        unit.standing = "refused";
        if (this.#doubted.delete(unit)) this.#hasLeftOut = true;
      }
    };
  }

  /** Takes note of a write that has failed. */
  failed(error: MiniError, unit?: Unit): void {
    if (this.#world.process.isDead) return;
    if (unit?.isPassedOver && unit.standing === "pending") {
      this.#doubted.add(unit);
    }
    if (/could not be recorded yet/.test(error.message)) {
      this.#unrecorded.add(error.seq!);
    }
  }
}

/** Maps and sets as lists. */
function listed(_key: string, value: unknown): unknown {
  return value instanceof Map || value instanceof Set ? [...value] : value;
}
