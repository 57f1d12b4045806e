// The events of a live reader, of the past and of a view are the same, whatever happens.
import {
  MiniQueue,
  type QueueEvent,
  type QueueMessage,
  QueueView,
} from "@mini/state/queue";
import { MiniError } from "@mini/state/store";
import { MemoryFileSystem, Random, randomSeed } from "@mini/state/testing";
import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { turns } from "../support/queue.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { type Change, openShop } from "../support/shop.ts";

const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const LIVES = size(20, 2_000);
const STEPS = 60;

type Queue = MiniQueue<string, unknown, Change>;
type Held = QueueMessage<string, unknown, Change>;

/** The state that holds the queue. */
interface State {
  applyBatch(changes: readonly Change[]): Promise<number>;
}

/** A queue, and what is done to it. */
interface Life {
  readonly random: Random;
  readonly clock: FakeClock;
  readonly queue: Queue;
  readonly state: State | undefined;
  readonly held: Held[];
}

function take({ held, random }: Life): Held | undefined {
  return held.splice(random.below(held.length + 1), 1)[0];
}

const anyId = ({ random }: Life) => 1 + random.below(20);

const ACTIONS: readonly ((life: Life) => unknown)[] = [
  ({ queue }) => queue.enqueue("a", { headers: { h: "1" } }),
  ({ queue }) => queue.enqueue("b", { dedupeKey: "k", delayMs: 100 }),
  ({ queue }) => queue.enqueueBatch([{ payload: "c" }, { payload: "d" }]),
  async ({ queue, held }) => held.push(...await queue.receiveBatch(3)),
  async ({ queue, held }) => held.push(...await queue.receiveBatch(1)),
  (life) => take(life)?.ack({ n: life.random.below(100) }),
  (life) => take(life)?.nack({ reason: "not now" }),
  (life) => take(life)?.nack({ countAttempt: false }),
  (life) => take(life)?.deadLetter("no"),
  (life) => life.queue.cancel(anyId(life), "unwanted"),
  (life) => life.queue.update(anyId(life), { payload: "changed" }),
  (life) => life.queue.redrive(anyId(life)),
  (life) => life.queue.purge(life.random.below(5) === 0 ? "all" : "dead"),
  ({ clock, random }) => clock.advance(random.below(20_000)),
  ({ state, queue }) =>
    state?.applyBatch([queue.enqueueMutation("e"), queue.enqueueMutation("f")]),
  (life) =>
    life.state?.applyBatch([
      life.queue.enqueueMutation("never"),
      { jobs: { at: 1, cancel: [{ id: anyId(life) }], v: 2 }, fail: true },
    ]),
];

/** The codes of refusals, which change nothing. */
const REFUSED = ["ABORTED_MUTATION", "RECEIPT_EXPIRED"];

async function act(life: Life): Promise<void> {
  try {
    await ACTIONS[life.random.below(ACTIONS.length)]!(life);
  } catch (error) {
    if (!(error instanceof MiniError)) throw error;
    assert(REFUSED.includes(error.code), `SEED=${seed}: ${error.stack}`);
  }
}

type Events = AsyncIterable<QueueEvent<string>>;

/** Reads slowly, now and then. */
async function readSlowly(events: Events): Promise<QueueEvent<string>[]> {
  const read: QueueEvent<string>[] = [];
  for await (const event of events) {
    read.push(event);
    await turns(read.length % 4 === 0 ? 300 : 0);
  }
  return read;
}

/** Reads what there is up to a record. */
async function readUpTo(
  events: Events,
  last: number,
): Promise<QueueEvent<string>[]> {
  const read: QueueEvent<string>[] = [];
  for await (const event of events) {
    if (event.seq > last) break;
    read.push(event);
  }
  return read;
}

/** Opens a queue with a state of its own, and a view of it, or a queue in a state. */
async function open(random: Random) {
  const fs = new MemoryFileSystem();
  const clock = new FakeClock();
  const options = {
    clock,
    maxAttempts: 2,
    keepDead: { count: 5 },
    ...(random.below(2) === 0 && { keepFinished: { count: 3 } }),
  };
  const kind = random.below(3);
  if (kind === 0) {
    const own = await MiniQueue.open<string>("/data", { fs, ...options });
    const view = await QueueView.open<string>("/data", { fs, clock });
    // Only a queue in a state has entries of another shape.
    return { clock, queue: own as unknown as Queue, view, state: undefined };
  }
  const state = await openShop(fs, { immutable: kind === 1 });
  const queue = await MiniQueue.attach(state, "jobs", options);
  return { clock, queue, view: undefined, state };
}

/** Does something, and compares what all readers were told. Returns how much that was. */
async function live(random: Random): Promise<number> {
  const { queue, view, state, clock } = await open(random);
  const start = view?.sequence ?? queue.sequence;
  const readers = [
    queue.events(),
    queue.events(),
    ...(view ? [view.events()] : []),
  ];
  const read = readers.map((events, at) =>
    at === 0 ? Array.fromAsync(events) : readSlowly(events)
  );
  const life: Life = { random, clock, queue, state, held: [] };
  const doing: Promise<void>[] = [];
  for (let step = 0; step < STEPS; step++) {
    doing.push(act(life));
    await turns(random.below(2) * random.below(200));
  }
  await Promise.all(doing);
  const last = queue.sequence;
  await view?.until(last);
  const from = start + 1;
  const pasts = [
    queue.events({ from }),
    ...(view ? [view.events({ from })] : []),
  ]
    .map((events) => readUpTo(events, last));
  // One more record ends what is read of the past.
  await queue.enqueue("the last");
  await view?.until(queue.sequence);
  const [first, ...others] = await Promise.all(pasts);
  await turns(5_000);
  await queue.close();
  await view?.close();
  await state?.close();
  for (const events of await Promise.all(read)) {
    const before = events.filter(({ seq }) => seq <= last);
    assertEquals(before, first, `SEED=${seed}: a live reader`);
  }
  for (const other of others) {
    assertEquals(other, first, `SEED=${seed}: the past in a view`);
  }
  return first!.length;
}

Deno.test("events are the same for who reads them live, from the past, or in a view", async () => {
  const random = new Random(seed);
  let told = 0;
  for (let count = 0; count < LIVES; count++) told += await live(random);
  assert(told > LIVES, `SEED=${seed}: hardly anything was told`);
  say(`events: ${LIVES} lives, ${told} events, SEED=${seed}`);
});
