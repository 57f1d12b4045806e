import type { MiniError } from "@mini/state/store";
import {
  type DiskSnapshot,
  MemoryFileSystem,
  Random,
} from "@mini/state/testing";
import { FakeClock } from "../support/fake_clock.ts";
import { History } from "../support/history.ts";
import { damage } from "./damage.ts";
import { inspect, lastLine, readLog } from "./inspect.ts";
import { invade } from "./invader.ts";
import { Outsiders } from "./outsiders.ts";
import { DIR, type Ending, PATH, Process } from "./process.ts";
import { QueueProgram } from "./queue_program.ts";
import { Watch } from "./recount/watch.ts";
import type { Coverage } from "./rows.ts";
import { rowOfRefusal } from "./state_rows.ts";
import { StateProgram } from "./state_program.ts";
import { quiet, steadily } from "./steady.ts";
import { StoreProgram } from "./store_program.ts";
import { told, Trace } from "./trace.ts";
import { Units } from "./units.ts";
import { attempt, pick, type Program, type World } from "./world.ts";

/** How often what was done, over many runs. */
export type Counts = Record<string, number>;

/** A file of somebody else's, which nobody may touch. */
const BYSTANDER = `${DIR}/notes.txt`;

/** The codes with which opening may refuse damaged files. */
const REFUSALS = ["CORRUPT", "UNSUPPORTED_FORMAT", "TOO_LARGE"];

/** One run: a program, its disk, and everything that befalls them, all of it following from the seed. */
export async function simulate(
  seed: number,
  coverage: Coverage,
  counts: Counts,
  say?: (line: string) => void,
): Promise<Trace> {
  const trace = new Trace(say);
  try {
    await steadily(
      seed,
      async () => {
        const simulation = new Simulation(seed, coverage, counts, trace);
        using _ = simulation.watch;
        await simulation.run();
      },
    );
  } catch (error) {
    trace.violation(`unexpected: ${(error as Error).stack}`);
  }
  return trace;
}

class Simulation {
  /** Listens to most of the processes. */
  readonly watch: Watch;
  readonly #random: Random;
  readonly #world: World;
  readonly #program: Program;
  readonly #trace: Trace;
  readonly #coverage: Coverage;
  readonly #counts: Counts;
  readonly #history = new History("queue");
  readonly #outsiders: Outsiders | undefined;
  #fs = new MemoryFileSystem();
  #clock = new FakeClock();
  #isPowerCut = false;
  /** Whether somebody has changed the files since those outside began to look. */
  #wasInvaded = false;

  constructor(seed: number, coverage: Coverage, counts: Counts, trace: Trace) {
    const random = new Random(seed);
    this.watch = new Watch(seed);
    this.#random = random;
    this.#trace = trace;
    this.#coverage = coverage;
    this.#counts = counts;
    this.#fs.put(BYSTANDER, new TextEncoder().encode("do not touch"));
    this.#world = {
      random,
      trace,
      coverage,
      units: new Units(),
      process: this.#newProcess(),
      isInvaded: false,
      invasions: 0,
      isClosing: false,
    };
    // They cost more than all else.
    if (random.oneIn(8)) this.#outsiders = new Outsiders(trace, coverage);
    const history = this.#history;
    const kind = random.below(5);
    this.#program = kind < 2
      ? new StoreProgram(this.#world)
      : kind < 4
      ? new StateProgram(this.#world, history)
      : new QueueProgram(this.#world, history);
  }

  #count(what: string, times = 1): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + times;
  }

  #newProcess(): Process {
    const random = this.#random;
    this.watch.begin();
    const process = new Process(this.#fs, this.#clock, random, this.#trace);
    process.onChange = () => {
      if (this.#outsiders && random.oneIn(5)) this.#outsiders.show(process.fs);
    };
    return process;
  }

  /** Lets those outside see the disk, and compares what they have seen. */
  async #lookFromOutside(): Promise<void> {
    this.#outsiders?.show(this.#fs);
    await this.#outsiders?.compare(this.#wasInvaded);
  }

  async run(): Promise<void> {
    this.#count(`runs of a ${this.#program.name}`);
    const lives = 2 + this.#random.below(2);
    for (let life = 1; life <= lives; life++) {
      this.#trace.note(`life ${life} of a ${this.#program.name}`);
      await this.#start(life > 1);
      await this.#live();
      if (this.#trace.violations.length > 0) return;
    }
    this.#trace.note("the end");
    await this.#start(false);
    const { process } = this.#world;
    await process.run(() => this.#program.end());
    await quiet();
    await this.#recount();
    await process.run(() => this.#program.close());
    await this.#lookFromOutside();
    this.#outsiders?.end();
    this.#count("deliveries", this.#history.deliveries);
    this.#count("deliveries again", this.#history.duplicates);
    this.#count("calls of the file system", this.#trace.calls);
    const notes = new TextDecoder().decode(this.#fs.content(BYSTANDER));
    if (notes !== "do not touch") this.#trace.violation("a file was touched");
  }

  /** Starts processes until one has opened what there is, and compares that. */
  async #start(isRough: boolean): Promise<void> {
    for (let attempts = isRough ? 3 : 0;; attempts--) {
      if (!isRough || attempts === 3 || this.#random.oneIn(3)) {
        await inspect(this.#fs.snapshot(), this.#coverage, this.#trace);
      }
      const process = this.#newProcess();
      this.#world.process = process;
      this.#world.isInvaded = this.#world.isClosing = false;
      if (attempts > 0) this.#threatenOpening();
      const outcome = await this.#untilDone(
        process.run(() =>
          attempt(this.#world, "open", () => this.#program.open(isRough))
        ),
      );
      if (outcome !== undefined && !outcome.error && !process.isDead) {
        await process.run(() =>
          process.calmly(() => this.#program.check(this.#isPowerCut))
        );
        this.#isPowerCut = false;
        return await this.#lookFromOutside();
      }
      await quiet();
      await this.#recount(false);
      if (attempts <= 0) {
        this.#trace.violation(`it does not open: ${told(outcome?.error)}`);
        throw new Error("no use to continue");
      }
      this.#count("crashes during recovery");
      this.#restart(pick(this.#random, ["killed", "power cut"]));
    }
  }

  #threatenOpening(): void {
    const { process } = this.#world;
    if (this.#random.oneIn(3)) process.dieWithin(25);
    else if (this.#random.oneIn(4)) process.faults.arm();
  }

  /** Ends the process, and has the next one find what it has left. */
  #restart(ending: Ending): void {
    const { process } = this.#world;
    this.#trace.note(`${ending}`);
    this.#count(ending);
    this.#isPowerCut ||= ending === "power cut";
    for (const { code } of process.faults.failed) {
      this.#count(`failed: ${code}`);
    }
    this.#fs = process.leave(ending);
    this.#clock = this.#clock.restarted();
  }

  /** Several callers at a time, until they are done or the process has ended. */
  async #live(): Promise<void> {
    const random = this.#random;
    const { process } = this.#world;
    if (random.oneIn(2)) process.faults.arm();
    else if (random.oneIn(3)) process.dieWithin(200);
    let worse: DiskSnapshot | undefined;
    if (random.oneIn(8)) {
      // While nobody is at work: what happens between a check and what follows it cannot be helped.
      await this.#untilDone(this.#callers());
      await quiet();
      this.#count("invasions");
      this.#world.invasions++;
      worse = await invade(this.#world);
      this.#wasInvaded = true;
    }
    const callers = this.#callers();
    if (random.oneIn(4)) {
      for (let turn = random.below(60); turn > 0; turn--) await undefined;
    } else await this.#untilDone(callers);
    const isClosed = !process.isDead && random.oneIn(2) && await this.#close();
    await this.#untilDone(callers);
    if (worse !== undefined) process.leaveAs(worse);
    else if (!process.isDead && !isClosed) process.die();
    await quiet();
    await this.#recount();
    if (worse === undefined) await this.#harm(process);
    await this.#lookFromOutside();
    const ending = pick(random, ["killed", "power cut"] as const);
    this.#restart(isClosed && random.oneIn(2) ? "closed" : ending);
  }

  /** Compares what the process has told on channels with what is known, once nothing is under way. */
  async #recount(isOpen = true): Promise<void> {
    const facts = isOpen ? await this.#program.facts() : {};
    const { isInvaded, process } = this.#world;
    process.compareTold(facts, { isInvaded, isHeard: this.watch.isOn });
  }

  /** Several at a time, each of whom does one thing after another. */
  #callers(): Promise<void> {
    return this.#world.process.run(() => this.#callAll());
  }

  async #callAll(): Promise<void> {
    const random = this.#random;
    const { process } = this.#world;
    const call = async () => {
      const steps = 2 + random.below(9);
      for (let step = 0; step < steps && !process.isDead; step++) {
        this.#count("commands");
        await this.#program.step();
      }
    };
    await Promise.all(Array.from({ length: 1 + random.below(4) }, call));
  }

  /** Whether it was closed, so that everything is durable. */
  async #close(): Promise<boolean> {
    const { process, units } = this.#world;
    const { failed } = process.faults;
    // What was cut off may be as long as it was, once a full disk has it cut back.
    const isFull = this.#random.oneIn(20) && !this.#world.isInvaded;
    if (isFull) process.faults.fill();
    const before = failed.length;
    this.#world.isClosing = true;
    const outcome = await this.#untilDone(
      process.run(() =>
        attempt(this.#world, "close", () => this.#program.close())
      ),
    );
    if (outcome === undefined || outcome.error || process.isDead) return false;
    units.synced();
    const isMarkLost = failed.slice(before).some(({ operation, path }) =>
      path === PATH && (operation === "write" || operation === "sync")
    );
    if (isMarkLost && !lastLine(process.fs).includes('"close":')) {
      this.#coverage.hit("mark of close fails: taken back");
    }
    return true;
  }

  /** Resolves when the task does, or has nothing left to wait for: then it hangs. */
  async #untilDone<T>(task: Promise<T>): Promise<T | undefined> {
    let done: { value: T } | undefined;
    const watched = task.then((value) => void (done = { value }));
    for (let turn = 0; turn < 300; turn++) {
      await Promise.race([watched, quiet()]);
      if (done !== undefined) return done.value;
      this.#clock.advance(250);
    }
    this.#trace.violation("something hangs");
    return undefined;
  }

  /** Damages copies of what the process has left: each opens without a loss, or is refused. */
  async #harm(process: Process): Promise<void> {
    const { units } = this.#world;
    if (!units.isSettled) return;
    for (let times = this.#random.below(4); times > 0; times--) {
      const fs = this.#trace.watch(process.leave("killed"));
      const done = damage(fs, this.#random);
      if (done === undefined) continue;
      const { what, mayLose } = done;
      this.#count("damages");
      this.#trace.note(`harm: ${what}`);
      const maxRecordBytes = this.#random.oneIn(6) ? 150 : undefined;
      await inspect(fs.snapshot(), this.#coverage, this.#trace, {
        ...(maxRecordBytes && { maxRecordBytes }),
      });
      const log = await readLog(fs);
      const read = await this.#program.read(fs).catch((e: MiniError) => e);
      const found = mayLose && !(read instanceof Error)
        ? units.withoutLeftOut(read)
        : read;
      this.#trace.note(
        `read: ${found instanceof Error ? told(found) : found.length}`,
      );
      if (found instanceof Error) {
        if (await readLog(fs) !== log) {
          this.#trace.violation(`${what}: a refusal has changed the log`);
        }
        const row = rowOfRefusal(found);
        if (row !== undefined) this.#coverage.hit(row);
        if (REFUSALS.includes(found.code)) continue;
        this.#trace.violation(`${what}: ${told(found)}`);
      } else if (!units.isBeginning(found)) {
        this.#trace.violation(`${what}: something else is read`);
      } else if (!mayLose && found.length < units.items.length) {
        this.#trace.violation(`${what}: a silent loss`);
      }
    }
  }
}
