import { Random } from "@mini/state/testing";
import { mustBe } from "../namespace.ts";
import { run } from "../system.ts";
import { type Case, keepCase, type Subject } from "./case.ts";
import { CutDisk, type Fate } from "./crash.ts";
import { RecordedDisk } from "./disk/recorded_disk.ts";
import { decodeEvents, imageOf } from "./disk/event_log.ts";
import { FILE_SYSTEM_KINDS, type FileSystemKind } from "./file_systems.ts";
import { Image } from "./disk/image.ts";
import { Judge, type Verdict } from "./judge.ts";
import { mount, unmount } from "./disk/libc.ts";
import { FILE_SYSTEMS, lateSyncs, type Lie } from "./lying.ts";
import { type Facts, type Found, Moment, Notes } from "./notes.ts";
import { PROGRAMS } from "./programs.ts";

/** Whose power to cut, and how often. */
export interface Plan extends Subject {
  readonly lie: Lie;
  readonly seed: number;
  /** How often the program works, each time on what a power cut has left of the last. */
  readonly lives: number;
  /** How often the power is cut in each. */
  readonly cuts: number;
  /** How much the program does in each. */
  readonly rounds: number;
}

/** The counts of power cuts, and the violations. */
export interface Report {
  /** How many writes and flushes the disk was given. */
  events: number;
  /** How many pieces of work were acknowledged. */
  acknowledged: number;
  /** How many states of the disk were judged: no two have the same content, and the same acknowledged. */
  states: number;
  /** How many of them have different contents. */
  contents: number;
  /** How many of them the file system could not mount. */
  unmountable: number;
  violations: string[];
}

/** The power of no program can be cut here. */
export class Hindrance extends Error {}

/** The work of a program, as its disk has noted it. */
interface Recording {
  readonly log: Uint8Array<ArrayBuffer>;
  /** Where in the log the program begins. */
  readonly start: number;
  readonly facts: Facts;
}

/** A state of the disk that the next life may begin with. */
interface Beginning {
  readonly image: Image;
  readonly found: Found;
}

/** A program, whose power is cut again and again. */
export class Lives {
  readonly report: Report = {
    events: 0,
    acknowledged: 0,
    states: 0,
    contents: 0,
    unmountable: 0,
    violations: [],
  };
  readonly #dir: string;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #kind: FileSystemKind;

  /** @param dir A directory to work in, in memory at best. */
  constructor(dir: string, plan: Plan) {
    this.#dir = dir;
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    this.#kind = FILE_SYSTEM_KINDS[plan.fileSystem];
  }

  /** Runs all; throws a {@linkcode Hindrance} where there can be no such disk, or no such file system. */
  async run(): Promise<Report> {
    const { program, lives } = this.#plan;
    let beginning = await this.#format().catch((error) => {
      throw new Hindrance(error.message);
    });
    const judge = new Judge(this.#dir, PROGRAMS[program], this.#kind);
    for (let life = 1; life <= lives && !this.#isOver(); life++) {
      const recording = await this.#record(beginning);
      const recovered = await this.#cut(recording, judge, life);
      // A late one, so that there is more of it.
      const last = recovered.slice(-Math.ceil(recovered.length / 2));
      beginning = last[this.#random.below(last.length)] ?? beginning;
    }
    return this.report;
  }

  /** Whether a lie was found out, which is all that is asked for. */
  #isOver(): boolean {
    return this.#plan.lie !== "honest" && this.report.violations.length > 0;
  }

  /** Makes the file system. */
  async #format(): Promise<Beginning> {
    const { sizeBytes, make: [command, ...args] } = this.#kind;
    const disk = await RecordedDisk.make(this.#dir, Image.empty(sizeBytes));
    mustBe(await run(command, ...args, disk.loop.path), command);
    unmount(this.#mount(disk));
    return { image: imageOf(await disk.end(), sizeBytes), found: {} };
  }

  /** Mounts the file system, and returns where. */
  #mount({ loop }: RecordedDisk): string {
    const { type, options: usual } = this.#kind;
    const isUnflushed = this.#plan.lie === "no flush of the disk";
    const options = isUnflushed ? "barrier=0" : usual;
    const target = `${this.#dir}/mounted`;
    Deno.mkdirSync(target, { recursive: true });
    mount({ type, source: loop.path, target, options });
    return target;
  }

  /** Lets the program work. */
  async #record({ image, found }: Beginning): Promise<Recording> {
    const { program, lie, rounds } = this.#plan;
    const disk = await RecordedDisk.make(this.#dir, image);
    const start = disk.position();
    const dir = this.#mount(disk);
    const notes = new Notes(() => disk.position(), found);
    const random = new Random(this.#random.below(2 ** 31));
    const fs = FILE_SYSTEMS[lie];
    await PROGRAMS[program].work({ dir, fs, notes, random, rounds });
    await lateSyncs();
    unmount(dir);
    return { log: await disk.end(), start, facts: notes.facts };
  }

  /** Cuts the power, judges what that leaves, and returns what was recovered from. */
  async #cut(
    { log, start, facts }: Recording,
    judge: Judge,
    life: number,
  ): Promise<Beginning[]> {
    const base = imageOf(log.subarray(0, start), this.#kind.sizeBytes);
    const events = [...decodeEvents(log, start)];
    const disk = new CutDisk(base, events);
    const ends = [start, ...events.map(({ end }) => end)];
    const contents = new Set<string>();
    const seen = new Set<string>();
    const recovered: Beginning[] = [];
    for (const count of this.#moments(ends, facts)) {
      const seed = this.#random.below(2 ** 31);
      const { image, fate } = disk.cut(count, new Random(seed));
      if (this.#isOver()) break;
      const moment = new Moment(facts, ends[count]!);
      const content = await image.digest();
      const state = `${content} ${moment.acknowledged}`;
      if (seen.has(state)) continue;
      seen.add(state);
      contents.add(content);
      const verdict = await judge.judge(image, moment, this.#random.oneIn(4));
      if (verdict.is === "recovered") {
        recovered.push({ image, found: verdict.found });
      }
      const where = `life ${life}, after ${count} of ${events.length} events`;
      const isNew = this.#count(verdict, fate, where);
      if (isNew) await this.#keep({ image, facts, position: ends[count]! });
    }
    this.report.contents += contents.size;
    this.report.events += events.length;
    this.report.acknowledged += new Moment(facts, log.length).acknowledged;
    return recovered;
  }

  /** Numbers of events after which to cut the power, in order: any, or where something was acknowledged. */
  #moments(ends: readonly number[], facts: Facts): number[] {
    const acknowledged = Object.values(facts).flat()
      .map((fact) => fact?.acknowledgedAt ?? 0).filter((at) => at > 0);
    const pick = () => {
      if (acknowledged.length === 0 || this.#random.oneIn(2)) {
        return this.#random.below(ends.length);
      }
      const at = acknowledged[this.#random.below(acknowledged.length)]!;
      return ends.findLastIndex((end) => end <= at);
    };
    return Array.from({ length: this.#plan.cuts }, pick)
      .sort((some, other) => some - other);
  }

  /** Returns whether that is a violation that nobody has provoked. */
  #count(verdict: Verdict, fate: Fate, where: string): boolean {
    this.report.states++;
    if (verdict.is === "recovered") return false;
    // What it needs to be mounted was torn: no program comes as far as to read a file.
    if (verdict.is === "unmountable" && fate === "sectors") {
      this.report.unmountable++;
      return false;
    }
    const { program, fileSystem, lie, seed } = this.#plan;
    const what = `${program} on ${fileSystem}, ${lie}, seed ${seed}, ${where}`;
    this.report.violations.push(
      `${what}, ${fate} of those in flight: ${verdict.why}`,
    );
    return lie === "honest";
  }

  /** Keeps a state of the disk, so that it can be judged again. */
  async #keep(
    { image, facts, position }: Omit<Case, keyof Subject>,
  ): Promise<void> {
    const path = await Deno.makeTempDir({ prefix: "mini-state-power-cut-" });
    const { program, fileSystem } = this.#plan;
    await keepCase(path, { program, fileSystem, image, facts, position });
    this.report.violations.push(
      `To judge it again: unshare --mount deno run -A tests/support/power/main.ts ${path} $(mktemp -d)`,
    );
  }
}
