// At every step the target of a function of /admin is refused, absent or complete, and its source as it was.
import { assert, assertEquals } from "@std/assert";
import { adopt, convert, repair, salvage } from "@mini/state/admin";
import {
  crashStates,
  type DiskSnapshot,
  MemoryFileSystem,
  Random,
} from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { filesIn } from "../support/copies.ts";
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

/** A function that makes a log of these records from what is in the directory `/in`. */
function building(
  name: string,
  make: () => Promise<MemoryFileSystem>,
  run: Row["run"],
  { to, records }: {
    readonly to: string;
    readonly records: readonly unknown[];
  },
): Row {
  let source: MemoryFileSystem;
  return {
    name,
    make: async () => new MemoryFileSystem((source = await make()).snapshot()),
    run,
    async check(fs) {
      assertEquals(filesIn(fs, "/in"), filesIn(source, "/in"));
      const found = await opened(fs, to);
      if (found === "UNSUPPORTED_FORMAT") return;
      if (found.length > 0) return assertEquals(found, records);
      // A state would begin with a snapshot that has no log beside it.
      const names = fs.names("/new");
      assertEquals(names.filter((name) => name.startsWith("snapshot")), []);
    },
    async again(fs) {
      if ((await opened(fs, to)).length === records.length) return;
      // A directory that is to be filled is removed first.
      await run(fs).catch(async (error: unknown) => {
        if (!(error instanceof TypeError)) throw error;
        for (const name of fs.names("/new")) fs.unlink(`/new/${name}`);
        await run(fs);
      });
      assertEquals(await opened(fs, to), records);
    },
  };
}

/** Files whose names and bytes are durable. */
async function holding(
  files: Record<string, string>,
): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  for (const [path, text] of Object.entries(files)) {
    fs.put(path, new TextEncoder().encode(text));
  }
  await fs.syncDirectory("/in");
  return fs;
}

const RUST = "// MINISTORE JOURNAL v0.1.4\n";
const rustState = () =>
  holding({
    "/in/journal.jsonl.001": `${RUST}1\n2\n`,
    "/in/journal.jsonl": `${RUST}3\n`,
    "/in/snapshot.json": "3",
    "/in/snapshot.seq": "2",
  });
const NEW = "/new/journal.jsonl";

const ROWS: readonly Row[] = [
  building(
    "convert() of a log",
    rustState,
    (fs) => convert("/in/journal.jsonl", NEW, { fs }),
    { to: NEW, records: [1, 2, 3] },
  ),
  building(
    "convert() of a state",
    rustState,
    (fs) => convert("/in", "/new", { fs }),
    { to: NEW, records: [1, 2, 3].map((apply) => ({ apply })) },
  ),
  building(
    "salvage() of a log",
    async () => {
      const fs = await sixRecords("/in/journal.jsonl");
      flip(fs, "/in/journal.jsonl", "record 5", "record 0");
      return fs;
    },
    (fs) => salvage("/in/journal.jsonl", NEW, { fs }),
    { to: NEW, records: RECORDS.filter((text) => text !== "record 5") },
  ),
  building(
    "salvage() of a state",
    async () => {
      const fs = new MemoryFileSystem();
      await using counter = await openCounter("/in", { fs });
      for (let by = 1; by <= 4; by++) {
        await counter.apply({ by });
        if (by === 2) await counter.createSnapshot();
      }
      return fs;
    },
    (fs) => salvage("/in", "/new", { fs }),
    { to: NEW, records: [3, 4].map((by) => ({ apply: { by } })) },
  ),
  building(
    "adopt()",
    () => holding({ "/in/app.log": "1\n2\n3\n" }),
    (fs) => adopt("/in/app.log", NEW, { fs }),
    { to: NEW, records: [1, 2, 3] },
  ),
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
