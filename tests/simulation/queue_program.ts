import { type LedgerEntry, MiniQueue } from "@mini/state/queue";
import type { FileSystem } from "@mini/state/store";
import { FakeClock } from "../support/fake_clock.ts";
import type { History } from "../support/history.ts";
import { Consumers, TIMEOUT_MS } from "./consumers.ts";
import { DIR } from "./process.ts";
import { attempt, pick, type Program, type World } from "./world.ts";

/** A queue that is used by itself. */
export class QueueProgram implements Program {
  readonly name = "queue";
  readonly #world: World;
  readonly #history: History;
  readonly #consumers: Consumers<LedgerEntry<string>>;
  readonly #maxAttempts: number;
  readonly #maxSegmentBytes: number;
  #queue!: MiniQueue<string>;

  constructor(world: World, history: History) {
    const { random } = world;
    this.#world = world;
    this.#history = history;
    this.#maxAttempts = 2 + random.below(5);
    this.#maxSegmentBytes = pick(random, [500, 3_000, 100_000]);
    this.#consumers = new Consumers(world, history, this.#maxAttempts);
  }

  #openAt(fs: FileSystem, clock: FakeClock): Promise<MiniQueue<string>> {
    return MiniQueue.open<string>(DIR, {
      fs,
      clock,
      visibilityTimeoutMs: TIMEOUT_MS,
      maxAttempts: this.#maxAttempts,
      maxSegmentBytes: this.#maxSegmentBytes,
    });
  }

  async open(): Promise<void> {
    const { fs, clock } = this.#world.process;
    this.#queue = await this.#openAt(fs, clock);
  }

  async check(isPowerCut: boolean): Promise<void> {
    this.#history.crashed(isPowerCut);
    await this.#consumers.start(this.#queue);
  }

  /** The ledger is what it is: only whether it opens is of interest. */
  async read(fs: FileSystem): Promise<string[]> {
    await this.#openAt(fs, new FakeClock());
    return [];
  }

  step(): Promise<void> {
    return pick<() => Promise<void>>(this.#world.random, [
      () => this.#consumers.enqueue(),
      () => this.#consumers.enqueue(),
      () => this.#consumers.receive(),
      () => this.#consumers.receive(),
      () => this.#consumers.receive(),
      () => this.#consumers.settle(),
      () => this.#consumers.settle(),
      () => this.#consumers.settle(),
      () => this.#consumers.extend(),
      () => this.#consumers.letTimePass(),
      () => this.#compact(),
    ])();
  }

  async #compact(): Promise<void> {
    await attempt(this.#world, "compact", () => this.#queue.compact());
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  async end(): Promise<void> {
    await this.#consumers.end();
    const { trace } = this.#world;
    for (const what of this.#history.violations) trace.violation(what);
  }
}
