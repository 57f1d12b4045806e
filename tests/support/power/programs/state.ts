import { StateManager, type StateOptions } from "@mini/state/state";
import { callers, must, type Program, textOf } from "../program.ts";
import { mustVerify } from "./log.ts";

const MUTATIONS = "mutation";
const SNAPSHOTS = "snapshot";

/** How many mutations were applied, and a number that depends on all of them and on their order. */
interface Digest {
  count: number;
  digest: number;
}

const OPTIONS: StateOptions<Digest, string> = {
  initial: () => ({ count: 0, digest: 0 }),
  apply(state, text) {
    state.count++;
    for (const letter of text) {
      state.digest = (31 * state.digest + letter.codePointAt(0)!) % 1_000_003;
    }
  },
  maxSegmentBytes: 6_000,
  snapshotEvery: "never",
};

/** The state that the first mutations make. */
function stateAt(count: number): Digest {
  const state = OPTIONS.initial();
  while (state.count < count) OPTIONS.apply(state, textOf(state.count + 1));
  return state;
}

/** A state of which snapshots are made, and whose log is compacted, while callers change it. */
export const STATE: Program = {
  name: "a state with snapshots, compacted",
  kind: MUTATIONS,
  async work({ dir, fs, notes, random, rounds }) {
    await using manager = await StateManager.open(`${dir}/state`, {
      ...OPTIONS,
      fs,
    });
    for (let round = 0; round < rounds; round++) {
      await Promise.all([
        callers(5, 2, async () => {
          const number = notes.begin(MUTATIONS);
          await manager.apply(textOf(number));
          notes.acknowledge(MUTATIONS, number);
        }),
        random.oneIn(4) ? manager.compact() : undefined,
      ]);
      const { seq } = await manager.createSnapshot();
      notes.begin(SNAPSHOTS, seq);
      notes.acknowledge(SNAPSHOTS, seq);
    }
  },
  async recover({ dir, fs }, moment) {
    await mustVerify(`${dir}/state/journal.jsonl`);
    await using manager = await StateManager.open(`${dir}/state`, {
      ...OPTIONS,
      fs,
    });
    const { sequence, recovery: { snapshotSequence } } = manager;
    moment.check(MUTATIONS, sequence);
    // One may be there that nobody was told of.
    moment.checkLost(SNAPSHOTS, snapshotSequence);
    const found = JSON.stringify(manager.state);
    must(
      found === JSON.stringify(stateAt(sequence)),
      `at ${sequence}: ${found}`,
    );
    await manager.apply(textOf(sequence + 1));
    return { [MUTATIONS]: sequence, [SNAPSHOTS]: [snapshotSequence] };
  },
};
