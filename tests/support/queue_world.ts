import { MiniQueue, type QueueMessage } from "@mini/state/queue";
import type { MiniError } from "@mini/state/store";
import {
  crashStates,
  MemoryFileSystem,
  type Random,
} from "@mini/state/testing";
import { FakeClock } from "./fake_clock.ts";
import type { History } from "./history.ts";

const TIMEOUT_MS = 1_000;
const DAY_MS = 86_400_000;

/** A queue, its producers and consumers, and everything that may befall them. */
export class QueueWorld {
  #fs = new MemoryFileSystem();
  #clock = new FakeClock();
  #queue!: MiniQueue<string>;
  #names = 0;
  /** Changes with every crash: who began before it does not learn how it ended. */
  #life = 0;
  #messages = new Map<string, QueueMessage<string>>();
  readonly #random: Random;
  readonly #history: History;
  readonly #maxReceives: number;
  readonly counts = { crashes: 0, powerCuts: 0, failures: 0 };

  constructor(random: Random, history: History) {
    this.#random = random;
    this.#history = history;
    this.#maxReceives = 2 + random.below(5);
  }

  async open(): Promise<void> {
    this.#queue = await MiniQueue.open<string>("/data", {
      fs: this.#fs,
      clock: this.#clock,
      visibilityTimeoutMs: TIMEOUT_MS,
      maxReceives: this.#maxReceives,
      maxSegmentBytes: 500 + this.#random.below(5_000),
    });
  }

  /** One thing that somebody does; several are under way at a time. */
  step(): Promise<void> {
    const choices: (() => Promise<void>)[] = [
      () => this.#enqueue(1),
      () => this.#enqueue(1 + this.#random.below(3)),
      () => this.#receive(),
      () => this.#receive(),
      () => this.#settle(),
      () => this.#settle(),
      () => this.#settle(),
      () => this.#letTimePass(),
      () => this.#compact(),
    ];
    return choices[this.#random.below(choices.length)]!();
  }

  async #enqueue(count: number): Promise<void> {
    const messages = Array.from({ length: count }, () => ({
      payload: `m${++this.#names}`,
      ...(this.#random.oneIn(2) && { group: `g${this.#random.below(3)}` }),
      ...(this.#random.oneIn(5) && { delayMs: this.#random.below(3_000) }),
    }));
    for (const { payload, group } of messages) {
      this.#history.invokeEnqueue(payload, group);
    }
    const life = this.#life;
    const outcome = await outcomeOf(this.#queue.enqueueAll(messages));
    if (life !== this.#life || outcome === "unknown") return;
    for (const { payload } of messages) {
      this.#history.enqueued(payload, outcome === "ok" ? "ok" : "failed");
    }
  }

  async #receive(): Promise<void> {
    const life = this.#life;
    let messages: QueueMessage<string>[];
    try {
      messages = await this.#queue.receiveBatch(1 + this.#random.below(3));
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      return;
    }
    if (life !== this.#life) return;
    // What has run out for the last time is dead without anybody being told.
    await this.#lookAtDead();
    if (life !== this.#life) return;
    for (const message of messages) {
      const { payload: name, receipt, receives } = message;
      const now = this.#clock.monotonic();
      this.#history.delivered({ name, receipt, receives }, now, TIMEOUT_MS);
      this.#messages.set(`${name} ${receipt}`, message);
    }
  }

  /** Settles a delivery, which may be one of the past. */
  async #settle(): Promise<void> {
    const all = [...this.#messages.values()];
    const message = all[this.#random.below(all.length)];
    if (message === undefined) return;
    const { payload: name, receipt } = message;
    // Nobody else settles it meanwhile.
    this.#messages.delete(`${name} ${receipt}`);
    const life = this.#life;
    const began = this.#clock.monotonic();
    const as = this.#random.oneIn(3) ? "retried" : "acked";
    const isDying = this.#random.oneIn(10);
    const isLast = as === "retried" && message.receives >= this.#maxReceives;
    const settled = isDying ? "dead" : isLast ? "dead" : as;
    const held = { name, receipt, until: 0 };
    const outcome = await outcomeOf(
      isDying
        ? message.bury("no")
        : as === "acked"
        ? message.ack()
        : message.nack({ delayMs: this.#random.below(2) * 500 }),
    );
    const isKnown = life === this.#life;
    this.#history.settled(held, settled, isKnown ? outcome : "unknown", began);
    if (isKnown && outcome === "failed") {
      this.#messages.set(`${name} ${receipt}`, message);
    }
  }

  #letTimePass(): Promise<void> {
    const jumps = [-DAY_MS, DAY_MS, 365 * DAY_MS];
    if (this.#random.oneIn(4)) {
      const jump = jumps[this.#random.below(jumps.length)]!;
      this.#clock.setWall(Math.max(0, this.#clock.wall() + jump));
    }
    this.#clock.advance(this.#random.below(800));
    return Promise.resolve();
  }

  async #compact(): Promise<void> {
    await outcomeOf(this.#queue.compact());
  }

  /** Has one of the next calls to the disk fail. */
  breakDisk(): void {
    let left = this.#random.below(12);
    const code = this.#random.oneIn(3) ? "EIO" : "ENOSPC";
    const writing = new Set(["write", "sync", "rename", "create"]);
    this.#fs.hooks.before = ({ operation }) => {
      if (!writing.has(operation) || left-- !== 0) return undefined;
      this.counts.failures++;
      return { code, keepBytes: this.#random.below(50) };
    };
  }

  mendDisk(): void {
    this.#fs.hooks = {};
  }

  /** Ends the process, with the power or without it, and starts another. */
  async crash(): Promise<void> {
    this.#life++;
    const isPowerCut = this.#random.oneIn(2);
    this.mendDisk();
    const before = this.#fs.snapshot();
    this.counts.crashes++;
    if (isPowerCut) {
      this.counts.powerCuts++;
      const seed = this.#random.below(1_000_000);
      const states = [...crashStates(before, { samples: 2, seed })];
      this.#fs = states[this.#random.below(states.length)]!.fs;
    } else this.#fs = new MemoryFileSystem(before);
    this.#history.crashed(isPowerCut);
    await this.#restart();
  }

  async #restart(): Promise<void> {
    this.#messages.clear();
    this.#clock = this.#clock.restarted();
    await this.open();
    await this.#lookAtDead();
  }

  async #lookAtDead(): Promise<void> {
    for (const { payload } of await this.#queue.deadLetters()) {
      this.#history.sawDead(payload);
    }
  }

  /** Ends the process in order, and looks at what is left. */
  async end(): Promise<void> {
    await this.#queue.close();
    this.#history.crashed(false);
    await this.#restart();
    const left = (await this.#queue.peek(1_000_000)).map((m) => m.payload);
    const dead = (await this.#queue.deadLetters()).map((m) => m.payload);
    this.#history.end(new Set(left), new Set(dead));
    // Nobody may wait for ever: whatever is left comes, in its time.
    const seen = new Set<string>();
    for (let round = 0; seen.size < left.length && round < 1_000; round++) {
      this.#clock.advance(5_000);
      for (const message of await this.#queue.receiveBatch(100)) {
        seen.add(message.payload);
        await message.ack();
      }
    }
    if (seen.size < left.length) {
      this.#history.violations.push(
        `${left.length - seen.size} of ${left.length} messages never come`,
      );
    }
    await this.#queue.close();
  }

  /** Whether the log takes no more, so that only opening it again helps. */
  async isPoisoned(): Promise<boolean> {
    const outcome = await outcomeOf(this.#queue.resume());
    return outcome === "unknown";
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as Partial<MiniError>).code;
}

/** What a caller knows when an operation has ended. */
async function outcomeOf(
  operation: Promise<unknown>,
): Promise<"ok" | "failed" | "expired" | "unknown"> {
  try {
    await operation;
    return "ok";
  } catch (error) {
    switch (codeOf(error)) {
      case "NO_SPACE":
      case "IO":
        return "failed";
      case "RECEIPT_EXPIRED":
        return "expired";
      case "POISONED":
      case "CLOSED":
        return "unknown";
      default:
        throw error;
    }
  }
}
