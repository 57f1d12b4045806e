import { MiniQueue, QueueView } from "@mini/state/queue";
import { type Consumer, MiniStore } from "@mini/state/store";
import { type DiskSnapshot, MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "./fake_clock.ts";
import { HOUR, hourly, START } from "./schedule.ts";

const DIR = "/data";
const PATH = `${DIR}/journal.jsonl`;
const CONSUMER = "reader";
/** Long, so that most damage to its file leaves it JSON. */
const POSTED = "posted ".repeat(60);

/** A message that is there, whatever has become of it. */
interface Found {
  readonly id: number;
  readonly payload: unknown;
  readonly scheduledFor?: Date;
}

/** Those who show a queue. */
type Shows = Pick<MiniQueue<unknown>, "deadLetters" | "finished" | "peek">;

const clock = new FakeClock(START + HOUR);

const openQueue = (fs: MemoryFileSystem): Promise<MiniQueue<unknown>> =>
  MiniQueue.open<unknown>(DIR, {
    fs,
    clock,
    inbox: true,
    keepFinished: { count: 100 },
    schedules: { tick: { when: hourly, payload: "tick" } },
    onError: () => {},
  });

/** A folder of a queue: with messages in every state, an inbox, a schedule, and one who consumes its log. */
export async function wholeQueue(): Promise<DiskSnapshot> {
  const fs = new MemoryFileSystem();
  const queue = await openQueue(fs);
  for (let id = 1; id <= 9; id++) await queue.enqueue(`p${id}`);
  const [first, second, third] = await queue.receiveBatch(3);
  await first!.ack({ of: 1 });
  await second!.deadLetter("no");
  await queue.cancel(third!.id, "unwanted");
  await queue.compact();
  await queue.update(4, { priority: 1 });
  await (await queue.receive())!.ack({ of: 4 });
  await MiniQueue.post(DIR, POSTED, { fs });
  await queue.close();
  await MiniQueue.post(DIR, POSTED, { fs });
  const consumer = await MiniStore.consumer<unknown>(PATH, CONSUMER, { fs });
  await take(consumer, 3);
  await consumer.close();
  return fs.snapshot();
}

/** Everything that can be done with such a folder. Throws where a view shows what its owner does not. */
export async function tryQueue(
  fs: MemoryFileSystem,
  attempt: (task: () => Promise<string>) => Promise<void>,
): Promise<void> {
  await attempt(async () => {
    await using view = await QueueView.open<unknown>(DIR, { fs, clock });
    return verdictOf(await shownBy(view));
  });
  await attempt(async () => {
    await using consumer = await MiniStore.consumer<unknown>(PATH, CONSUMER, {
      fs,
    });
    const { position } = consumer;
    const given = consumer.lag > 0 ? await take(consumer, 1) : position + 1;
    return given === position + 1 ? "a beginning" : "something";
  });
  await attempt(async () => {
    await using queue = await openQueue(fs);
    await using view = await QueueView.open<unknown>(DIR, { fs, clock });
    // Then what was posted is in.
    await queue.stats();
    const found = await shownBy(queue);
    await view.until(queue.sequence);
    const seen = await shownBy(view);
    if (JSON.stringify(seen) !== JSON.stringify(found)) {
      throw new Error("a view of the queue shows something else");
    }
    const { id } = await queue.enqueue("after");
    const message = await queue.receive();
    await message?.ack();
    await queue.cancel(id);
    await queue.compact();
    return verdictOf(found);
  });
}

async function take(
  consumer: Consumer<unknown>,
  count: number,
): Promise<number> {
  for await (const { seq } of consumer.follow()) {
    if (--count > 0) continue;
    await consumer.commit(seq);
    return seq;
  }
  return 0;
}

async function shownBy(shows: Shows): Promise<Found[]> {
  const all = { limit: 1_000_000 };
  return [
    ...await shows.peek(all.limit),
    ...await shows.deadLetters(all),
    ...await shows.finished(all),
  ];
}

/** Whether each message is one that somebody has enqueued, posted or scheduled. */
function verdictOf(found: readonly Found[]): string {
  const isKnown = found.every(({ id, payload }) =>
    payload === `p${id}` || payload === POSTED || payload === "tick"
  );
  return isKnown ? "a beginning" : "something";
}
