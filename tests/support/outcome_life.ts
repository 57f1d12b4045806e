import {
  type MessageOutcome,
  MiniQueue,
  type QueueEvent,
  type QueueMessage,
  type QueueOptions,
} from "@mini/state/queue";
import { MiniError } from "@mini/state/store";
import { MemoryFileSystem, type Random } from "@mini/state/testing";
import { assert } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { FakeClock } from "./fake_clock.ts";
import { fillDisk, turns } from "./queue.ts";
import { settled } from "./schedule.ts";
import { ABORTED, type Change, openShop, withoutPast } from "./shop.ts";

const STEPS = 60;

type State = Awaited<ReturnType<typeof openShop>>;
type Queue = MiniQueue<string, unknown, Change>;
type Held = QueueMessage<string, unknown, Change>;

/** How a process ends. */
export type Ending = "closed" | "killed" | "poisoned";

/** Something that waits for an outcome. */
export interface Waiter {
  readonly id: number;
  readonly process: Process;
  /** The last record when it began to wait. */
  readonly since: number;
  readonly stop: AbortController | undefined;
  over?: Promise<void>;
  /** The last record when nothing was under way and it was not told: its message has not ended before. */
  untoldAt?: number;
  settled?: { readonly outcome: MessageOutcome | undefined } | {
    readonly error: unknown;
  };
}

/** A call that acknowledges a message. */
export interface Ack {
  readonly result: unknown;
  /** As its caller was told; until then, and where the process has ended, nobody knows. */
  standing: "unknown" | "done" | "refused";
}

/** A queue that many use at once. */
export interface Process {
  readonly ending: Ending;
  readonly clock: FakeClock;
  readonly fs: MemoryFileSystem;
  readonly queue: Queue;
  readonly state: State | undefined;
  readonly held: Held[];
  readonly doing: Promise<unknown>[];
  /** Whether it has ended, so that nobody is told anything. */
  isDead: boolean;
  /** The last record when somebody closed it. */
  closedAt: number;
}

/** A disk, and the processes that use it, one after the other. */
export class Life {
  readonly waiters: Waiter[] = [];
  readonly acks: Map<number, Ack[]> = new Map();
  process!: Process;
  ids = 0;

  constructor(readonly random: Random) {}

  take(): Held | undefined {
    const { held } = this.process;
    return held.splice(this.random.below(held.length + 1), 1)[0];
  }

  /** Mostly that of a message which may not have ended. */
  anyId(): number {
    const { random, ids } = this;
    const far = random.below(3) === 0 ? ids + 1 : 5;
    return Math.max(1, ids + 1 - random.below(far));
  }

  /** Acknowledges a message by a call. */
  async ack(
    result: unknown,
    call: (message: Held) => Promise<unknown>,
  ): Promise<void> {
    const message = this.take();
    if (message === undefined) return;
    const { process } = this;
    const ack: Ack = { result, standing: "unknown" };
    this.acks.set(message.id, [...this.acks.get(message.id) ?? [], ack]);
    try {
      await call(message);
      if (!process.isDead) ack.standing = "done";
    } catch (error) {
      const isRefused = REFUSED.includes((error as MiniError).code);
      if (isRefused && !process.isDead) ack.standing = "refused";
      throw error;
    }
  }

  wait(): void {
    const { random, process, process: { queue } } = this;
    const stop = random.below(3) === 0 ? new AbortController() : undefined;
    const { sequence: since } = queue;
    const waiter: Waiter = { id: this.anyId(), process, since, stop };
    this.waiters.push(waiter);
    const tell = (settled: Waiter["settled"]) => {
      if (!process.isDead) waiter.settled = settled!;
    };
    waiter.over = queue.outcome(waiter.id, stop && { signal: stop.signal })
      .then(
        (outcome) => tell({ outcome }),
        (error) => tell({ error }),
      );
  }
}

const ACTIONS: readonly ((life: Life) => unknown)[] = [
  async (life) => {
    const { id } = await life.process.queue.enqueue("a");
    life.ids = Math.max(life.ids, id);
  },
  ...[1, 1, 2].map((max) => async ({ process: { queue, held } }: Life) => {
    held.push(...await queue.receiveBatch(max));
  }),
  (life) => {
    const result = { n: life.random.below(1_000) };
    return life.ack(result, (message) => message.ack(result));
  },
  (life) => life.ack(undefined, (message) => message.ack()),
  (life) => life.take()?.nack({ reason: "not now" }),
  (life) => life.take()?.deadLetter("no"),
  (life) => life.process.queue.cancel(life.anyId(), "unwanted"),
  (life) => life.random.below(5) === 0 && life.process.queue.purge("all"),
  (life) => life.process.queue.redrive(life.anyId()),
  (life) => life.process.clock.advance(life.random.below(20_000)),
  (life) => life.random.below(4) === 0 && fillDisk(life.process.fs),
  (life) => life.process.state?.apply(ABORTED),
  (life) =>
    life.process.state?.apply({
      jobs: { at: 1, cancel: [{ id: life.anyId() }], v: 2 },
      fail: true,
    }),
  (life) => {
    const { state } = life.process;
    const result = { n: -life.random.below(1_000) };
    return state && life.ack(
      result,
      (message) => state.applyBatch([message.ackMutation(result)]),
    );
  },
  ...[1, 2, 3].map(() => (life: Life) => life.wait()),
  ({ waiters, random }) =>
    waiters[random.below(waiters.length + 1)]?.stop?.abort("enough"),
];

/** The codes of refusals that change nothing. */
const REFUSED = ["ABORTED_MUTATION", "NO_SPACE", "RECEIPT_EXPIRED"];

async function act(life: Life): Promise<void> {
  const { process } = life;
  try {
    await ACTIONS[life.random.below(ACTIONS.length)]!(life);
  } catch (error) {
    if (!(error instanceof MiniError)) throw error;
    const { code, stack } = error;
    const isOver = code === "CLOSED" && process.closedAt < Infinity ||
      code === "POISONED" && process.ending === "poisoned";
    assert(REFUSED.includes(code) || isOver, stack);
  }
}

export async function begin(
  { random }: Life,
  { fs, isOwn, ending, keep }: {
    readonly fs: MemoryFileSystem;
    readonly isOwn: boolean;
    readonly ending: Ending;
    readonly keep: Pick<QueueOptions<string>, "keepFinished">;
  },
): Promise<Process> {
  const clock = new FakeClock();
  const options = { clock, maxAttempts: 2, ...keep };
  const rest = { ending, clock, fs, held: [], doing: [], isDead: false };
  const process = { ...rest, closedAt: Infinity };
  if (isOwn) {
    const queue = await MiniQueue.open<string>("/data", { fs, ...options });
    // Only a queue in a state has entries of another shape.
    return { ...process, state: undefined, queue: queue as never };
  }
  const state = await openShop(fs, { immutable: random.below(3) === 0 });
  // The last one tells all events.
  const hasNoPast = ending !== "closed" && random.below(3) === 0;
  const host = hasNoPast ? withoutPast(state) : state;
  const queue = await MiniQueue.attach(host, "jobs", options);
  return { ...process, state, queue };
}

/** Closes the queue, perhaps while others use it. */
async function close({ process }: Life): Promise<void> {
  const { queue } = process;
  process.closedAt = Math.min(process.closedAt, queue.sequence);
  await queue.close().catch((error) => {
    const isKnown = error instanceof MiniError && error.code === "POISONED";
    assert(isKnown && process.ending === "poisoned", error.stack);
  });
}

/** Lets a process live, and gives what the next one finds. */
export async function live(life: Life): Promise<MemoryFileSystem> {
  const { random, process, process: { ending, fs, doing } } = life;
  const end = random.below(4) === 0 ? STEPS : random.below(STEPS);
  for (let step = 0; step < STEPS; step++) {
    if (step === end && ending === "closed") doing.push(close(life));
    if (step === end && ending === "poisoned") failSync(fs);
    if (step === end && ending === "killed") break;
    doing.push(act(life));
    await turns(random.below(2) * random.below(200));
  }
  if (ending === "killed") process.isDead = true;
  const left = fs.snapshot();
  await Promise.all(doing);
  fs.hooks = {};
  if (process.closedAt === Infinity) await mark(life);
  await close(life);
  await process.state?.close().catch(() => {});
  const told = life.waiters.map(({ over }) => over);
  await deadline(Promise.all(told), 10_000)
    .catch(() => assert(false, "an outcome has not settled"));
  return ending === "killed" ? new MemoryFileSystem(left) : fs;
}

/** Notes who was not told until now, although nothing is under way. */
async function mark({ waiters, process: { queue } }: Life): Promise<void> {
  await settled();
  for (const waiter of waiters) {
    if (waiter.settled === undefined) waiter.untoldAt = queue.sequence;
  }
}

/** From here on nothing is known of what is on the disk. */
function failSync(fs: MemoryFileSystem): void {
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
}

/** All that is on record. */
export async function eventsOf(life: Life): Promise<QueueEvent<string>[]> {
  const { queue, state } = life.process;
  const events = [];
  const { id } = await queue.enqueue("the last one");
  for await (const event of queue.events({ from: 1 })) {
    if (event.id === id) break;
    events.push(event);
  }
  await close(life);
  await state?.close();
  return events;
}
