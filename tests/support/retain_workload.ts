import { StateManager, type StateOptions } from "@mini/state/state";
import type { FileSystem } from "@mini/state/store";
import type { Workload } from "@mini/state/testing";
import { apply } from "./apply.ts";

const KEPT = 2;

const OPTIONS: StateOptions<string[], string> = {
  initial: () => [],
  apply: (items, item) => void items.push(item),
  snapshotEvery: 2,
  keepSnapshots: 1,
  retain: { records: KEPT },
  maxSegmentBytes: 300,
};

function open(fs: FileSystem): Promise<StateManager<string[], string>> {
  return StateManager.open("/data", { ...OPTIONS, fs });
}

/** A past of some records, of which each state can be rebuilt after any crash. */
export const RETAINED: Workload<string> = {
  name: "a past of two records",
  extra: "extra",
  async run(fs, log) {
    const manager = await open(fs);
    for (let round = 0; round < 4; round++) {
      await Promise.all([
        apply(manager, log, `${round}a`),
        apply(manager, log, `${round}b`),
      ]);
      if (round === 2) await manager.compact();
    }
    await manager.close();
  },
  async recover(fs) {
    const manager = await open(fs);
    const { sequence, state } = manager;
    for (let seq = Math.max(0, sequence - KEPT); seq <= sequence; seq++) {
      const items = await manager.at(seq);
      // Each record is one item.
      if (String(items) === String(state.slice(0, seq))) continue;
      throw new Error(`at ${seq} there are ${items}`);
    }
    const from = Math.max(1, sequence - KEPT + 1);
    const past = await Array.fromAsync(manager.history({ from }));
    if (past.length !== sequence - from + 1) {
      throw new Error(`the past from ${from} has ${past.length} records`);
    }
    return [...state];
  },
  async append(fs, item) {
    const manager = await open(fs);
    await manager.apply(item);
    await manager.close();
  },
};
