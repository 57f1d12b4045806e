import { assertEquals } from "@std/assert";
import {
  type Consumer,
  type FileSystem,
  type LogRecord,
  MiniStore,
} from "@mini/state/store";
import type { Workload } from "@mini/state/testing";

const PATH = "/data/journal.jsonl";

/** One step after another: records that are appended, as one unit, and positions that are committed. */
type Step =
  | readonly ["append", ...string[]]
  | readonly ["commit", number]
  | readonly ["rotate"]
  | readonly ["compact", number];

const STEPS: readonly Step[] = [
  ["append", "a"],
  ["append", "b", "c", "d".repeat(200)],
  ["commit", 1],
  ["append", "e"],
  ["commit", 3],
  ["rotate"],
  ["append", "f"],
  ["compact", 5],
  ["commit", 5],
  ["compact", 5],
  ["rotate"],
  ["append", "g"],
  ["commit", 6],
  ["compact", 6],
  ["append", "h"],
  ["commit", 7],
];

/** Every record of the steps, in order. */
const RECORDS = STEPS.flatMap((step) =>
  step[0] === "append" ? step.slice(1) as string[] : []
);

const open = (fs: FileSystem) => MiniStore.open<string>(PATH, { fs });

/**
 * A consumer that commits between appends, rotations and compactions. What is
 * recovered are the records and the committed positions, in the order of the
 * steps: each position is the one from before the last commit, or the one after
 * it, and what follows it is given.
 */
function workload(
  name: string,
  openConsumer: (
    store: MiniStore<string>,
    fs: FileSystem,
  ) => Promise<Consumer<string>>,
): Workload<string> {
  return {
    name,
    extra: "extra",
    async run(fs, log) {
      const store = await open(fs);
      const consumer = await openConsumer(store, fs);
      for (const step of STEPS) {
        if (step[0] === "rotate") await store.rotate();
        else if (step[0] === "compact") await store.compact(step[1]);
        else if (step[0] === "append") {
          const records = step.slice(1) as string[];
          const unit = log.issue(...records);
          await store.appendBatch(records);
          log.ack(unit);
        } else {
          const [, seq] = step;
          await takeUpTo(consumer, seq);
          const unit = log.issue(`@${seq}`);
          await consumer.commit(seq);
          log.ack(unit);
        }
      }
      await consumer.close();
      await store.close();
    },
    async recover(fs) {
      const store = await open(fs);
      const consumer = await store.consumer("uploader");
      const { position } = consumer;
      const [first, last] = [store.firstSequence, store.sequence];
      if (position > last || position + 1 < first) {
        throw new Error(
          `position ${position}, and records ${first} to ${last}`,
        );
      }
      const left = await Array.fromAsync(store.replay());
      const records = [
        ...RECORDS.slice(0, first - 1),
        ...left.map(({ data }) => data),
      ];
      const given: LogRecord<string>[] = [];
      if (position < last) {
        for await (const record of consumer.follow()) {
          given.push(record);
          if (record.seq === last) break;
        }
      }
      assertEquals(given, left.filter(({ seq }) => seq > position));
      return inOrder(records, position);
    },
    async append(fs, item) {
      const store = await open(fs);
      await store.append(item);
      await store.close();
    },
  };
}

/** In the process of the writer, and beside it. */
export const CONSUMER_WORKLOADS: readonly Workload<string>[] = [
  workload("here", (store) => store.consumer("uploader")),
  workload("beside", (_, fs) => MiniStore.consumer(PATH, "uploader", { fs })),
];

async function takeUpTo(
  consumer: Consumer<string>,
  last: number,
): Promise<void> {
  for await (const { seq } of consumer.follow()) {
    if (seq === last) break;
  }
}

/** The records and the positions up to the one that was found, as the steps have them. */
function inOrder(records: readonly string[], position: number): string[] {
  const left = [...records];
  const items: string[] = [];
  let committed = 0;
  for (const step of STEPS) {
    if (step[0] === "append") items.push(...left.splice(0, step.length - 1));
    if (step[0] !== "commit" || step[1] > position) continue;
    committed = step[1];
    items.push(`@${committed}`);
  }
  if (committed !== position) throw new Error(`position ${position}`);
  return [...items, ...left];
}
