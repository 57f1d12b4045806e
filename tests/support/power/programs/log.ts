import { verify } from "@mini/state/admin";
import { type Consumer, MiniStore } from "@mini/state/store";
import {
  callers,
  must,
  type Program,
  textOf,
  type Workplace,
} from "../program.ts";

const RECORDS = "record";
const POSITIONS = "position";
const CONSUMER = "reader";

/** A record: its number, its text, and the number of the last one of the batch that it is of. */
interface Entry {
  readonly number: number;
  readonly last: number;
  readonly text: string;
}

const pathOf = (dir: string) => `${dir}/log/journal.jsonl`;
const OPTIONS = { maxSegmentBytes: 6_000 };

/** A log that many callers append to, that rotates, that a consumer reads, and that is compacted. */
export const LOG: Program = {
  name: "a log with a consumer, compacted",
  kind: RECORDS,
  async work(place) {
    const { dir, fs, rounds } = place;
    await using store = await MiniStore.open<Entry>(pathOf(dir), {
      ...OPTIONS,
      fs,
    });
    await using consumer = await store.consumer(CONSUMER);
    for (let round = 0; round < rounds; round++) {
      await Promise.all([
        callers(6, 2, () => append(store, place)),
        advance(consumer, place),
      ]);
      if (round % 3 === 2) {
        await store.compact(Math.max(0, consumer.position - 5));
      }
    }
  },
  async recover({ dir, fs }, moment) {
    const path = pathOf(dir);
    await mustVerify(path);
    await using store = await MiniStore.open<Entry>(path, { ...OPTIONS, fs });
    const { sequence, firstSequence } = store;
    await mustBeWhole(store);
    moment.check(RECORDS, sequence);
    const [info] = await store.consumers();
    const position = info?.position ?? 0;
    must(info?.problem === undefined, `the consumer: ${info?.problem}`);
    moment.check(POSITIONS, position);
    must(
      firstSequence <= position + 1,
      `the log begins at ${firstSequence}, its consumer is at ${position}`,
    );
    await store.append(entryOf(sequence + 1));
    return { [RECORDS]: sequence, [POSITIONS]: position };
  },
};

/** Throws unless `verify` finds nothing that hinders opening. */
export async function mustVerify(path: string): Promise<void> {
  const stat = await Deno.stat(path).catch(() => undefined);
  if (stat === undefined) return;
  const { findings } = await verify(path);
  const found = findings.filter(({ blocksOpen }) => blocksOpen);
  must(found.length === 0, `verify: ${found.map(({ message }) => message)}`);
}

function entryOf(number: number, last: number = number): Entry {
  return { number, last, text: textOf(number) };
}

/** Appends a record, a batch, or a record whose durability nobody waits for. */
async function append(
  store: MiniStore<Entry>,
  { notes, random }: Workplace,
): Promise<void> {
  const isLazy = random.oneIn(8);
  const count = isLazy || !random.oneIn(4) ? 1 : 2 + random.below(4);
  const first = notes.next(RECORDS);
  const last = first + count - 1;
  const entries: Entry[] = [];
  for (let number = first; number <= last; number++) {
    entries.push(entryOf(notes.begin(RECORDS), last));
  }
  if (isLazy) return void await store.append(entries[0]!, { durable: false });
  await store.appendBatch(entries);
  notes.acknowledge(RECORDS, last);
}

/** Reads on, and commits. */
async function advance(
  consumer: Consumer<Entry>,
  { notes, random }: Workplace,
): Promise<void> {
  const last = consumer.position + Math.min(consumer.lag, 1 + random.below(12));
  if (last === consumer.position) return;
  for await (const { seq } of consumer.follow()) {
    if (seq === last) break;
  }
  notes.begin(POSITIONS, last);
  await consumer.commit(last);
  notes.acknowledge(POSITIONS, last);
}

/** Throws unless the records are those that were appended, without a gap, and each batch is whole. */
async function mustBeWhole(store: MiniStore<Entry>): Promise<void> {
  let expected = store.firstSequence;
  let last = 0;
  for await (const { seq, data } of store.replay()) {
    must(
      seq === expected && data.number === seq && data.text === textOf(seq),
      `record ${seq} holds ${JSON.stringify(data)}`,
    );
    last = data.last;
    expected++;
  }
  must(expected === store.sequence + 1, `the records end before ${expected}`);
  must(last < expected, `the batch that ends at ${last} is not whole`);
}
