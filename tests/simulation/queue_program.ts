import {
  type KeepLimits,
  type LedgerEntry,
  type MessageStatus,
  MiniQueue,
} from "@mini/state/queue";
import type { FileSystem } from "@mini/state/store";
import { FakeClock } from "../support/fake_clock.ts";
import type { History } from "../support/history.ts";
import { Consumers, TIMEOUT_MS } from "./consumers.ts";
import { Handlers } from "./handlers.ts";
import { letTimePass, nameOf, Occurrences } from "./occurrences.ts";
import { Postings } from "./postings.ts";
import { DIR, PATH } from "./process.ts";
import { QueueViews } from "./queue_views.ts";
import { type Facts, numbersOf } from "./recount/facts.ts";
import { told } from "./trace.ts";
import { attempt, pick, type Program, type World } from "./world.ts";

const ALL: KeepLimits = { count: 1_000_000 };
const FEW: KeepLimits = { count: 3 };

/** The result of a message, which no other has. */
function resultOf(name: string): unknown {
  return { of: name };
}

/** A queue that is used by itself. */
export class QueueProgram implements Program {
  readonly name = "queue";
  readonly #world: World;
  readonly #history: History;
  readonly #consumers: Consumers<LedgerEntry<string>>;
  readonly #handlers: Handlers<LedgerEntry<string>>;
  readonly #maxAttempts: number;
  readonly #maxSegmentBytes: number;
  /** The limits of what is kept of messages that have ended. */
  readonly #keep: KeepLimits | undefined;
  readonly #occurrences: Occurrences | undefined;
  readonly #postings: Postings | undefined;
  readonly #views: QueueViews;
  #queue!: MiniQueue<string>;

  constructor(world: World, history: History) {
    const { random } = world;
    this.#world = world;
    this.#history = history;
    this.#maxAttempts = 2 + random.below(5);
    this.#maxSegmentBytes = pick(random, [500, 3_000, 100_000]);
    this.#keep = pick(random, [undefined, ALL, ALL, FEW]);
    if (!random.oneIn(4)) this.#occurrences = new Occurrences(world);
    this.#consumers = new Consumers(
      world,
      history,
      this.#maxAttempts,
      resultOf,
      this.#occurrences,
    );
    this.#handlers = new Handlers(world, this.#consumers);
    this.#views = new QueueViews(world);
    if (random.oneIn(2)) return;
    const postings = new Postings(world, history, this.#consumers);
    this.#consumers.onSeen = (messages) => postings.saw(messages);
    this.#postings = postings;
  }

  #openAt(fs: FileSystem, clock: FakeClock): Promise<MiniQueue<string>> {
    return MiniQueue.open<string>(DIR, {
      fs,
      clock,
      visibilityTimeoutMs: TIMEOUT_MS,
      maxAttempts: this.#maxAttempts,
      maxSegmentBytes: this.#maxSegmentBytes,
      ...(this.#keep && { keepFinished: this.#keep }),
      ...this.#occurrences?.options,
      inbox: this.#postings !== undefined,
      onError: (error) => this.#world.trace.note(told(error)),
    });
  }

  async open(): Promise<void> {
    const { fs, clock } = this.#world.process;
    this.#occurrences?.rest();
    await this.#postings?.rest();
    this.#views.move();
    this.#queue = await this.#openAt(fs, clock);
  }

  async check(isPowerCut: boolean): Promise<void> {
    this.#history.crashed(isPowerCut);
    this.#postings?.start(isPowerCut);
    await this.#occurrences?.start(this.#queue);
    await this.#consumers.start(this.#queue);
    await this.#handlers.start(this.#queue, isPowerCut);
    await this.#checkEnds();
    await this.#views.check(this.#queue);
  }

  /** Compares what is kept of messages that have ended with what was told. */
  async #checkEnds(): Promise<void> {
    const { trace } = this.#world;
    const kept = await this.#queue.finished();
    const count = this.#keep?.count ?? 0;
    if (kept.length > count) trace.violation(`${kept.length} are kept`);
    for (const name of kept.map(nameOf)) {
      const end = this.#history.endOf(name);
      if (end === "no" || end === "dead") {
        trace.violation(`${name} has ended, and its end is: ${end}`);
      }
    }
    for (const [name, id] of this.#consumers.ids) {
      const end = this.#history.endOf(name);
      if (end === "acked" || end === "cancelled") {
        this.#checkEnd(name, end, await this.#queue.get(id));
      }
    }
  }

  #checkEnd(
    name: string,
    end: "acked" | "cancelled",
    found: MessageStatus | undefined,
  ): void {
    const { trace, coverage } = this.#world;
    if (found === undefined) {
      if (this.#keep === ALL) trace.violation(`the end of ${name} is lost`);
      if (this.#keep === FEW) coverage.hit("job: beyond the limits, gone");
    } else if (end === "acked") {
      const isKept = found.state === "done" &&
        JSON.stringify(found.result) === JSON.stringify(resultOf(name));
      if (!isKept) trace.violation(`${name} was acked, and is ${found.state}`);
      coverage.hit("job: its result outlives its process");
    } else {
      const isKept = found.state === "cancelled" &&
        found.reason === `no ${name}`;
      if (!isKept) trace.violation(`${name} was ended, and is ${found.state}`);
      coverage.hit("job: cancelled, and stays so");
    }
  }

  /** The ledger is what it is: only whether it opens is of interest. */
  async read(fs: FileSystem): Promise<string[]> {
    await this.#openAt(fs, new FakeClock());
    return [];
  }

  async step(): Promise<void> {
    await pick<() => Promise<unknown>>(this.#world.random, [
      () => this.#consumers.enqueue(),
      () => this.#consumers.enqueue(),
      () => this.#consumers.receive(),
      () => this.#consumers.receive(),
      () => this.#consumers.receive(),
      () => this.#consumers.settle(),
      () => this.#consumers.settle(),
      () => this.#consumers.settle(),
      () => this.#consumers.extend(),
      () => this.#consumers.cancel(),
      () => this.#consumers.race(),
      () => this.#update(),
      () => this.#handlers.work(),
      () => this.#views.look(),
      () => this.#post(),
      () => letTimePass(this.#world, this.#occurrences?.isExact),
      () => this.#compact(),
    ])();
  }

  /** Changes a message, if it waits. */
  async #update(): Promise<void> {
    const { random } = this.#world;
    const [name, id] = this.#consumers.any() ?? [];
    if (name === undefined) return;
    const changes = random.oneIn(2)
      ? { priority: random.below(3) }
      : { delayMs: random.below(2_000) };
    await attempt(
      this.#world,
      `update ${name}`,
      () => this.#queue.update(id!, changes),
    );
  }

  async #post(): Promise<void> {
    await this.#postings?.post();
  }

  async #compact(): Promise<void> {
    await attempt(this.#world, "compact", () => this.#queue.compact());
  }

  async facts(): Promise<Facts> {
    return {
      queue: { path: PATH, metrics: await numbersOf(this.#queue) },
    };
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  async end(): Promise<void> {
    await this.#consumers.end();
    await this.#views.end();
    await this.#occurrences?.end(this.#queue);
    const { trace } = this.#world;
    for (const what of this.#history.violations) trace.violation(what);
  }
}
