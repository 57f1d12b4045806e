// At every step the target of a function of /admin is refused, absent or complete, and its source as it was.
import { assert, assertEquals } from "@std/assert";
import { repair } from "@mini/state/admin";
import {
  crashStates,
  type DiskSnapshot,
  MemoryFileSystem,
  Random,
} from "@mini/state/testing";
import { flip, opened, PATH, sealed, sixRecords } from "../support/damaged.ts";
import { sampled } from "../support/size.ts";

/** A function of `/admin` that writes, and what a crash of it may leave. */
interface Row {
  readonly name: string;
  readonly make: () => Promise<MemoryFileSystem>;
  readonly run: (fs: MemoryFileSystem) => Promise<unknown>;
  /** Fails unless the disk is in a state that the function may leave. */
  readonly check: (fs: MemoryFileSystem) => Promise<void>;
  /** Fails unless the function, called again, comes to its end. */
  readonly again: (fs: MemoryFileSystem) => Promise<void>;
}

const RECORDS = [1, 2, 3, 4, 5, 6].map((seq) => `record ${seq}`);

function repairing(
  what: string,
  make: Row["make"],
  before: unknown,
  after: readonly unknown[],
): Row {
  return {
    name: `repair() of ${what}`,
    make,
    run: (fs) => repair(PATH, { fs }),
    async check(fs) {
      const found = await opened(fs);
      if (found !== before) assertEquals(found, after);
    },
    async again(fs) {
      await repair(PATH, { fs });
      assertEquals(await opened(fs), after);
    },
  };
}

const ROWS: readonly Row[] = [
  repairing(
    "a damaged segment",
    async () => {
      const fs = await sixRecords();
      flip(fs, sealed(2), "record 3", "record 0");
      return fs;
    },
    "CORRUPT",
    RECORDS.slice(0, 2),
  ),
  repairing(
    "a damaged record",
    async () => {
      const fs = await sixRecords();
      flip(fs, PATH, "record 6", "record 0");
      return fs;
    },
    "CORRUPT",
    RECORDS.slice(0, 5),
  ),
  repairing(
    "a missing newest segment",
    async () => {
      const fs = await sixRecords();
      fs.unlink(PATH);
      await fs.syncDirectory("/data");
      return fs;
    },
    undefined,
    RECORDS.slice(0, 4),
  ),
];

/** The disk after every call that changes something. */
async function moments({ make, run }: Row): Promise<DiskSnapshot[]> {
  const fs = await make();
  const disks = [fs.snapshot()];
  fs.hooks.after = () => disks.push(fs.snapshot());
  await run(fs);
  return disks;
}

for (const row of ROWS) {
  Deno.test(`${row.name} survives a kill and a power cut after every call`, async () => {
    const disks = await moments(row);
    assert(disks.length > 3, `${disks.length} moments`);
    const { stateOneIn, seed } = sampled(8);
    const random = new Random(seed);
    for (const [at, disk] of disks.entries()) {
      const killed = { label: "killed", fs: new MemoryFileSystem(disk) };
      for (const { label, fs } of [killed, ...crashStates(disk, { seed })]) {
        if (label !== "killed" && !random.oneIn(stateOneIn)) continue;
        fs.restart();
        try {
          await row.check(fs);
          await row.again(fs);
        } catch (cause) {
          const where = `moment ${at}, ${label}, seed ${seed}`;
          throw new Error(`${row.name}, ${where}: ${cause}`, { cause });
        }
      }
    }
  });
}
