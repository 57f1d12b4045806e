import type { FileSystem, MiniError } from "@mini/state/store";
import { StateManager, type StateOptions } from "@mini/state/state";
import type { Workload, WorkloadLog } from "@mini/state/testing";

type Items = string[];
type Manager = StateManager<Items, string>;
type Log = WorkloadLog<string>;

/** A mutation that `apply` throws at, half-way. */
const POISON = "poison";

const OPTIONS: StateOptions<Items, string> = {
  initial: () => [],
  apply: (items, item) => {
    items.push(item);
    if (item === POISON) throw new Error("it is poison");
  },
};

async function apply(
  manager: Manager,
  log: Log,
  ...items: string[]
): Promise<void> {
  const unit = log.issue(...items);
  try {
    await (items.length === 1
      ? manager.apply(items[0]!)
      : manager.applyAll(items));
    log.ack(unit);
  } catch (error) {
    if ((error as MiniError).code !== "NO_SPACE") throw error;
    log.refuse(unit);
  }
}

/** A mutation that has no effect, now or after any crash. */
async function applyPoison(manager: Manager): Promise<void> {
  await manager.apply(POISON).catch((error: MiniError) => {
    if (error.code !== "ABORTED_MUTATION") throw error;
  });
}

function workload(
  name: string,
  run: (manager: Manager, log: Log) => Promise<void>,
  options: Partial<StateOptions<Items, string>> = {},
): Workload<string> {
  const open = (fs: FileSystem) =>
    StateManager.open("/data", { ...OPTIONS, ...options, fs });
  return {
    name,
    extra: "extra",
    async run(fs, log) {
      const manager = await open(fs);
      await run(manager, log);
      await manager.close();
    },
    async recover(fs) {
      return (await open(fs)).snapshot();
    },
    async append(fs, item) {
      const manager = await open(fs);
      await manager.apply(item);
      await manager.close();
    },
  };
}

/** Opens once more after the log was lost, up to which a snapshot stands. */
function snapshotAhead(): Workload<string> {
  const first = workload(
    "a snapshot ahead of the log",
    async (manager, log) => {
      await apply(manager, log, "a");
      await apply(manager, log, "b");
      await manager.createSnapshot();
    },
    { maxSegmentBytes: 1 },
  );
  return {
    ...first,
    async run(fs, log) {
      await first.run(fs, log);
      // Without its end the log stands at the record before the snapshot's.
      for (
        const name of [
          "journal.jsonl",
          `journal.${"1".padStart(20, "0")}.jsonl`,
        ]
      ) {
        await fs.remove(`/data/${name}`);
        await fs.syncDirectory("/data");
      }
      const manager = await StateManager.open("/data", { ...OPTIONS, fs });
      await apply(manager, log, "c");
      await manager.close();
    },
  };
}

/** Every operation of the state manager that writes. */
export const STATE_WORKLOADS: readonly Workload<string>[] = [
  workload("applies", async (manager, log) => {
    await apply(manager, log, "a");
    await apply(manager, log, "b", "c");
    await Promise.all([
      apply(manager, log, "d"),
      apply(manager, log, "e", "f"),
    ]);
  }),
  workload("applies that throw", async (manager, log) => {
    await apply(manager, log, "a");
    await Promise.all([applyPoison(manager), apply(manager, log, "b")]);
    await manager.createSnapshot();
    await applyPoison(manager);
    await apply(manager, log, "c");
  }),
  workload("snapshots under concurrent applies", async (manager, log) => {
    await apply(manager, log, "a");
    await Promise.all([
      apply(manager, log, "b"),
      manager.createSnapshot(),
      apply(manager, log, "c"),
    ]);
    await Promise.all([manager.createSnapshot(), apply(manager, log, "d")]);
  }),
  workload("applies that need not be durable", async (manager, log) => {
    for (const item of ["a", "b"]) {
      log.issue(item);
      await manager.apply(item, { durable: false });
    }
    await apply(manager, log, "c");
    log.issue("d");
    await manager.apply("d", { durable: false });
    await manager.createSnapshot();
    await apply(manager, log, "e");
  }),
  workload("compaction under concurrent applies", async (manager, log) => {
    for (const item of ["a", "b", "c"]) {
      await Promise.all([apply(manager, log, item), manager.compact()]);
      await apply(manager, log, `${item}2`);
    }
  }, { keepSnapshots: 1 }),
  workload("snapshots by themselves, and rotation", async (manager, log) => {
    for (let round = 0; round < 6; round++) {
      await Promise.all([
        apply(manager, log, `${round}a`),
        apply(manager, log, `${round}b`),
      ]);
    }
  }, { snapshotEvery: 4, maxSegmentBytes: 300 }),
  snapshotAhead(),
];
