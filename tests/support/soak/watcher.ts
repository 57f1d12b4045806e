// Run by tests/system/soak_test.ts as a process of its own, beside a program that is killed: it reads what that writes.
import { assertEquals } from "@std/assert";
import { QueueView } from "@mini/state/queue";
import { StateView } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { inspect } from "./inspectors.ts";
import type { Job } from "./jobs.ts";
import { Life } from "./life.ts";
import { placesIn, takeIn, type Turn, TURNS, type Turns } from "./turns.ts";

/** As many records share a commit, so that the consumer keeps up on a slow disk. */
const COMMIT_EVERY = 50;

const [dir = "", everyMs = ""] = Deno.args;
const life = new Life();
const { log, state, queue } = placesIn(dir);
await using view = await StateView.open(state, TURNS);
await using jobs = await QueueView.open<Job, number>(queue);
await using consumer = await MiniStore.consumer<Turn>(log, "watcher");
const done = new AbortController();
const { signal } = done;
const turns: Turns = {};
let consumed = consumer.position;

const work = [
  inspect([log, state, queue], life),
  life.tellUse(Number(everyMs)),
];
const reading = [consume(), watch(), follow()];
life.tell("open");
// A line of its input says where the program has ended.
const [storeEnd = 0, stateEnd = 0, queueEnd = 0] = JSON.parse(
  await new Response(Deno.stdin.readable).text(),
);
await jobs.until(queueEnd);
await view.until(stateEnd);
while (consumed < storeEnd) {
  await new Promise((resolve) => setTimeout(resolve, 10));
}
life.end();
await Promise.all(work);
done.abort();
await Promise.all(reading);
life.tell("saw", turns, view.state);

/** Every durable record of the log, once and in order. */
async function consume(): Promise<void> {
  await untilDone(async () => {
    for await (const { seq, data } of consumer.follow({ signal })) {
      assertEquals(seq, consumed + 1);
      takeIn(turns, data);
      consumed = seq;
      if (seq % COMMIT_EVERY === 0) await consumer.commit(seq);
    }
  });
}

/** Every mutation of the state. */
async function watch(): Promise<void> {
  let last = view.sequence;
  const seen: Turns = { ...view.state };
  await untilDone(async () => {
    for await (const { seq, mutation } of view.watch({ signal })) {
      // A batch is one record.
      assertEquals(seq === last || seq === last + 1, true);
      last = seq;
      takeIn(seen, mutation);
    }
  });
}

/** Every event of the queue. */
async function follow(): Promise<void> {
  let last = jobs.sequence;
  await untilDone(async () => {
    for await (const { seq } of jobs.events({ signal })) {
      assertEquals(seq >= last, true);
      last = seq;
    }
  });
}

async function untilDone(read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
