import { MiniStore, type StoreOptions } from "@mini/state/store";
import { callers, must, type Program, textOf } from "../program.ts";
import { mustVerify } from "./log.ts";

const RECORDS = "record";
const KEPT = 40;
const OPTIONS: StoreOptions<string> = {
  maxSegmentBytes: 3_000,
  timestamps: true,
  keep: { records: KEPT },
};

const pathOf = (dir: string) => `${dir}/kept/journal.jsonl`;

/** A log of which only the newest records are kept. */
export const KEPT_LOG: Program = {
  name: "a log that keeps its newest records",
  kind: RECORDS,
  async work({ dir, fs, notes, rounds }) {
    await using store = await MiniStore.open(pathOf(dir), { ...OPTIONS, fs });
    await callers(4, 4 * rounds, async () => {
      const number = notes.begin(RECORDS);
      await store.append(textOf(number));
      notes.acknowledge(RECORDS, number);
    });
  },
  async recover({ dir, fs }, moment) {
    await mustVerify(pathOf(dir));
    await using store = await MiniStore.open(pathOf(dir), { ...OPTIONS, fs });
    const { firstSequence, sequence } = store;
    moment.check(RECORDS, sequence);
    must(
      firstSequence === 1 || sequence - firstSequence + 1 >= KEPT,
      `records ${firstSequence} to ${sequence} are kept`,
    );
    let expected = firstSequence;
    for await (const { seq, data } of store.replay()) {
      must(seq === expected && data === textOf(seq), `record ${seq}: ${data}`);
      expected++;
    }
    must(expected === sequence + 1, `the records end before ${expected}`);
    await store.append(textOf(sequence + 1));
    return { [RECORDS]: sequence };
  },
};
