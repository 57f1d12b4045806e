import type { FileSystem, MiniError } from "@mini/state/store";
import { StateManager, type StateOptions } from "@mini/state/state";
import { FillingDisk } from "./filling_disk.ts";
import { RETAINED } from "./retain_workload.ts";
import { STANDBY } from "./standby_workload.ts";
import type {
  MemoryFileSystem,
  Workload,
  WorkloadLog,
} from "@mini/state/testing";
import { apply } from "./apply.ts";

type Items = string[];
type Manager = StateManager<Items, string>;
type Log = WorkloadLog<string>;

/** A mutation that `apply` throws at, half-way. */
const POISON = "poison";

/** The state of the workloads. */
export const OPTIONS: StateOptions<Items, string> = {
  initial: () => [],
  apply: (items, item) => {
    items.push(item);
    if (item === POISON) throw new Error("it is poison");
  },
};

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

/** Code of today, which takes every item. */
const NEWER: StateOptions<Items, string> = {
  initial: () => [],
  apply: (items, item) => {
    items.push(item);
  },
};

/** Code of yesterday, which throws for an item that is new, half-way. */
const OLDER: StateOptions<Items, string> = {
  initial: () => [],
  apply: (items, item) => {
    items.push(item);
    if (item.startsWith("new")) throw new Error("it is not known");
  },
};

/** An item that older code has aborted, durably, and an item after that. */
const ABORTED = "new, aborted";
const AFTER_ABORT = "after the abort";

/**
 * Newer and older code, one after the other. On recovery older code opens what
 * is there, and writes nothing, before newer code does. Where older code was
 * alone before, it is never refused.
 */
function rollBack(
  name: string,
  run: (fs: FileSystem, log: Log) => Promise<void>,
  { isOldAlone }: { isOldAlone: boolean },
): Workload<string> {
  const openOlder = (fs: FileSystem) =>
    isOldAlone ? StateManager.open("/data", { ...OLDER, fs }) : openIfTaken(fs);
  return {
    name,
    extra: "extra",
    run,
    async recover(fs) {
      await openOlder(fs).then((manager) => manager?.close());
      await openOlder(fs);
      (fs as MemoryFileSystem).restart();
      const manager = await StateManager.open("/data", { ...NEWER, fs });
      const items = manager.snapshot();
      // Until its abort is acknowledged it may be there.
      return items.includes(AFTER_ABORT)
        ? items
        : items.filter((item) => item !== ABORTED);
    },
    async append(fs, item) {
      const options = isOldAlone ? OLDER : NEWER;
      await using manager = await StateManager.open("/data", {
        ...options,
        fs,
      });
      await manager.apply(item);
    },
  };
}

/** Opens with older code; `undefined` where that is refused, as it must be. */
async function openIfTaken(fs: FileSystem): Promise<Manager | undefined> {
  try {
    return await StateManager.open("/data", { ...OLDER, fs });
  } catch (error) {
    if ((error as MiniError).code === "REPLAY_FAILED") return undefined;
    throw error;
  }
}

/** Older code over what newer code has written, clean and snapshotted, and back. */
const OLDER_OVER_NEWER = rollBack(
  "older code over newer data, and back",
  async (fs, log) => {
    for (const round of ["a", "b"]) {
      const manager = await StateManager.open("/data", { ...NEWER, fs });
      await apply(manager, log, `new ${round}`);
      await Promise.all([
        apply(manager, log, `old ${round}`),
        apply(manager, log, `new ${round}2`),
        ...(round === "b" ? [manager.createSnapshot()] : []),
      ]);
      await apply(manager, log, `new ${round}3`);
      await manager.close();
      const older = await openIfTaken(fs);
      if (older === undefined) continue;
      throw new Error("older code was let in");
    }
  },
  { isOldAlone: false },
);

/** An abort that comes after other mutations, in the same commit and in the next. */
const ABORT_AMONG_OTHERS = rollBack(
  "an abort among other mutations",
  async (fs, log) => {
    const manager = await StateManager.open("/data", { ...OLDER, fs });
    await apply(manager, log, "a");
    await Promise.all([
      applyAborted(manager),
      apply(manager, log, "b"),
      apply(manager, log, "c").then(() => apply(manager, log, "d")),
    ]);
    await apply(manager, log, AFTER_ABORT);
    await manager.createSnapshot();
    await manager.close();
  },
  { isOldAlone: true },
);

/** An abort that meets a full disk, and is recorded once there is room. */
const ABORT_WITHOUT_ROOM = rollBack(
  "an abort that meets a full disk",
  async (fs, log) => {
    const disk = new FillingDisk(fs);
    const manager = await StateManager.open("/data", { ...OLDER, fs: disk.fs });
    await apply(manager, log, "a");
    disk.writesLeft = 1;
    await applyAborted(manager);
    disk.writesLeft = Infinity;
    await apply(manager, log, "b");
    await apply(manager, log, AFTER_ABORT);
    await manager.close();
  },
  { isOldAlone: true },
);

async function applyAborted(manager: Manager): Promise<void> {
  await manager.apply(ABORTED).catch((error: MiniError) => {
    if (error.code !== "ABORTED_MUTATION") throw error;
  });
}

/** Code that leaves the state as it is, and gives the next one. */
const IMMUTABLE: Partial<StateOptions<Items, string>> = {
  immutable: true,
  apply: (items, item) => {
    if (item === POISON) throw new Error("it is poison");
    return [...items, item];
  },
};

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
  }, { snapshotEvery: 4, retain: { records: 0 }, maxSegmentBytes: 300 }),
  workload("a state that no code changes", async (manager, log) => {
    await apply(manager, log, "a");
    await Promise.all([
      applyPoison(manager),
      apply(manager, log, "b", "c"),
      manager.createSnapshot(),
      apply(manager, log, "d"),
    ]);
    await Promise.all([manager.compact(), apply(manager, log, "e")]);
    await applyPoison(manager);
    await apply(manager, log, "f");
  }, { ...IMMUTABLE, keepSnapshots: 1 }),
  RETAINED,
  STANDBY,
  snapshotAhead(),
  OLDER_OVER_NEWER,
  ABORT_AMONG_OTHERS,
  ABORT_WITHOUT_ROOM,
];
