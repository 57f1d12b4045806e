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
  ["commit", 3],
  ["append", "e"],
  ["rotate"],
  ["append", "f"],
  ["compact", 5],
  ["commit", 5],
  ["compact", 5],
  ["rotate"],
  ["append", "g"],
  ["commit", 7],
  ["compact", 7],
  ["commit", 7],
  ["append", "h"],
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
export const CONSUMER_WORKLOAD: Workload<string> = {
  name: "a consumer that commits",
  extra: "extra",
  async run(fs, log) {
    const store = await open(fs);
    const consumer = await store.consumer("uploader");
    let given = 0;
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
        if (seq > given) given = await takeUpTo(consumer, seq);
        const isNew = seq > consumer.position;
        const unit = isNew ? log.issue(`@${seq}`) : -1;
        await consumer.commit(seq);
        if (isNew) log.ack(unit);
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
      throw new Error(`position ${position}, and records ${first} to ${last}`);
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

async function takeUpTo(
  consumer: Consumer<string>,
  last: number,
): Promise<number> {
  for await (const { seq } of consumer.follow()) {
    if (seq === last) break;
  }
  return last;
}

/** The records and the positions up to the one that was found, as the steps have them. */
function inOrder(records: readonly string[], position: number): string[] {
  const left = [...records];
  const items: string[] = [];
  const committed = new Set([0]);
  for (const step of STEPS) {
    if (step[0] === "append") items.push(...left.splice(0, step.length - 1));
    if (
      step[0] === "commit" && step[1] <= position && !committed.has(step[1])
    ) {
      committed.add(step[1]);
      items.push(`@${step[1]}`);
    }
  }
  if (!committed.has(position)) throw new Error(`position ${position}`);
  return [...items, ...left];
}
