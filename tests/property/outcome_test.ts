// Whatever happens, in whatever order: each outcome settles, with what is on record.
import {
  type MessageOutcome,
  MiniQueue,
  type QueueEvent,
  type QueueMessage,
} from "@mini/state/queue";
import { MiniError } from "@mini/state/store";
import { MemoryFileSystem, Random, randomSeed } from "@mini/state/testing";
import { assert } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { fillDisk, turns } from "../support/queue.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { type Change, openShop } from "../support/shop.ts";

const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const LIVES = size(25, 2_000);
const STEPS = 60;

type State = Awaited<ReturnType<typeof openShop>>;

/** Something that waits for an outcome. */
interface Waiter {
  readonly id: number;
  /** The last record when it began to wait. */
  readonly since: number;
  readonly stop: AbortController | undefined;
  settled?: { readonly outcome: MessageOutcome | undefined } | {
    readonly error: unknown;
  };
}

/** A queue that many use at once. */
interface Life {
  readonly random: Random;
  readonly queue: MiniQueue<string, unknown, Change>;
  readonly held: QueueMessage<string, unknown, Change>[];
  readonly clock: FakeClock;
  readonly fs: MemoryFileSystem;
  readonly state: State | undefined;
  readonly waiters: Waiter[];
  readonly doing: Promise<unknown>[];
  ids: number;
}

type Held = QueueMessage<string, unknown, Change>;

function take({ held, random }: Life): Held | undefined {
  return held.splice(random.below(held.length + 1), 1)[0];
}

/** Mostly that of a message which may not have ended. */
const anyId = ({ random, ids }: Life) =>
  Math.max(1, ids + 1 - random.below(random.below(3) === 0 ? ids + 1 : 5));

const ACTIONS: readonly ((life: Life) => unknown)[] = [
  async (life) => {
    life.ids = Math.max(life.ids, (await life.queue.enqueue("a")).id);
  },
  async ({ queue, held }) => held.push(...await queue.receiveBatch(2)),
  async ({ queue, held }) => held.push(...await queue.receiveBatch(1)),
  (life) => take(life)?.ack({ n: life.random.below(100) }),
  (life) => take(life)?.ack(),
  (life) => take(life)?.nack({ reason: "not now" }),
  (life) => take(life)?.deadLetter("no"),
  (life) => life.queue.cancel(anyId(life), "unwanted"),
  (life) => life.random.below(5) === 0 && life.queue.purge("all"),
  (life) => life.queue.redrive(anyId(life)),
  (life) => life.clock.advance(life.random.below(20_000)),
  (life) => life.random.below(4) === 0 && fillDisk(life.fs),
  (life) =>
    life.state?.apply({
      jobs: { at: 1, cancel: [{ id: anyId(life) }], v: 2 },
      fail: true,
    }),
  async (life) => {
    const message = life.state && take(life);
    if (message === undefined) return;
    await life.state!.applyBatch([message.ackMutation({ n: -1 })]);
  },
  wait,
  wait,
  wait,
  ({ waiters, random }) =>
    waiters[random.below(waiters.length + 1)]?.stop?.abort("enough"),
];

function wait(life: Life): void {
  const stop = life.random.below(3) === 0 ? new AbortController() : undefined;
  const waiter: Waiter = { id: anyId(life), since: life.queue.sequence, stop };
  life.waiters.push(waiter);
  life.queue.outcome(waiter.id, stop && { signal: stop.signal }).then(
    (outcome) => waiter.settled = { outcome },
    (error) => waiter.settled = { error },
  );
}

/** The codes of refusals that change nothing. */
const REFUSED = ["ABORTED_MUTATION", "NO_SPACE", "RECEIPT_EXPIRED"];

async function act(life: Life): Promise<void> {
  try {
    await ACTIONS[life.random.below(ACTIONS.length)]!(life);
  } catch (error) {
    if (!(error instanceof MiniError)) throw error;
    assert(REFUSED.includes(error.code), `SEED=${seed}: ${error.stack}`);
  }
}

async function begin(random: Random): Promise<Life> {
  const clock = new FakeClock();
  const options = {
    clock,
    maxAttempts: 2,
    ...(random.below(2) === 0 && { keepFinished: { count: 3 } }),
  };
  const rest = { random, clock, held: [], waiters: [], doing: [], ids: 0 };
  const fs = new MemoryFileSystem();
  if (random.below(2) === 0) {
    const queue = await MiniQueue.open<string>("/data", { fs, ...options });
    // Only a queue in a state has entries of another shape.
    return { ...rest, fs, state: undefined, queue: queue as never };
  }
  const state = await openShop(fs);
  const queue = await MiniQueue.attach(state, "jobs", options);
  return { ...rest, fs, state, queue };
}

/** The outcome that an event tells. */
function endOf(event: QueueEvent<string>): MessageOutcome | undefined {
  const { type } = event;
  if (type === "done") return { state: type };
  if (type !== "dead" && type !== "cancelled") return undefined;
  const { reason } = event;
  return {
    state: type,
    ...(reason !== undefined && { reason }),
  } as MessageOutcome;
}

function check(events: readonly QueueEvent<string>[], waiter: Waiter): void {
  const { id, since, stop, settled } = waiter;
  const what = `SEED=${seed}: outcome(${id}) since ${since}`;
  if (settled === undefined) throw new Error(`${what} has not settled`);
  const own = events.filter((event) => event.id === id);
  const before = own.findLast(({ seq }) => seq <= since);
  // One that had ended before has that outcome, unless it was redriven meanwhile.
  const isPossible = (event: QueueEvent<string>) =>
    event.seq > since || event === before;
  const ends = own.filter(isPossible).map(endOf)
    .filter((end) => end !== undefined);
  if ("error" in settled) {
    const { error } = settled;
    if (stop?.signal.aborted && error === "enough") return;
    const isClosed = error instanceof MiniError && error.code === "CLOSED";
    assert(isClosed && ends.length === 0, `${what}: ${error}`);
  } else if (settled.outcome === undefined) {
    const isUnknown = before === undefined || ends.length > 0;
    assert(isUnknown, `${what} knows nothing of it`);
  } else {
    const found = JSON.stringify({ ...settled.outcome, result: undefined });
    const told = ends.map((end) => JSON.stringify(end));
    assert(told.includes(found), `${what} is ${found}, on record is ${told}`);
  }
}

async function live(random: Random): Promise<Waiter[]> {
  const life = await begin(random);
  const { queue, doing, waiters, state } = life;
  const events = Array.fromAsync(queue.events({ from: 1 }));
  for (let step = 0; step < STEPS; step++) {
    doing.push(act(life));
    await turns(random.below(2) * random.below(200));
  }
  await Promise.all(doing);
  life.fs.hooks = {};
  await queue.close();
  const all = await events;
  await state?.close();
  await turns();
  for (const waiter of waiters) check(all, waiter);
  return waiters;
}

Deno.test("each outcome settles, with what is on record, whatever happens meanwhile", async () => {
  const random = new Random(seed);
  let [waited, known] = [0, 0];
  for (let count = 0; count < LIVES; count++) {
    for (const { settled } of await live(random)) {
      waited++;
      if ("outcome" in settled! && settled.outcome !== undefined) known++;
    }
  }
  assert(known > 0, `SEED=${seed}: nothing has ended`);
  say(
    `outcomes: ${LIVES} lives, ${waited} outcomes, ${known} ends, SEED=${seed}`,
  );
});
