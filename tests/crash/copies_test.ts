import { backup, restore } from "@mini/state/admin";
import type { FileSystem, MiniError } from "@mini/state/store";
import {
  explore,
  MemoryFileSystem,
  sweepFaults,
  type Workload,
} from "@mini/state/testing";
import { assert, assertEquals } from "@std/assert";
import {
  type Copy,
  filesIn,
  FROM,
  makeCounter,
  meanwhile,
  TO,
} from "../support/copies.ts";
import { openCounter } from "../support/counter.ts";
import { report } from "../support/report.ts";
import { sampled, sampledCalls } from "../support/size.ts";

const FAULTS = [{ code: "EIO", keepBytes: 40 }, { code: "ENOSPC" }];

/** Whether a copy is there; fails if it opens, and has not all of these records. */
async function isComplete(fs: FileSystem, records: number): Promise<boolean> {
  const names = await listed(fs);
  if (!names.includes("journal.jsonl")) {
    // The file that opening refuses was being made.
    const others = ["journal.jsonl.tmp", "journal.jsonl.lock"];
    assert(names.every((name) => others.includes(name)), `${names}`);
    return false;
  }
  try {
    await using counter = await openCounter(TO, { fs });
    assertEquals(counter.state.value, counter.sequence);
    assert(counter.sequence >= records, `${counter.sequence} records`);
    return true;
  } catch (error) {
    if ((error as MiniError).code !== "UNSUPPORTED_FORMAT") throw error;
    return false;
  }
}

async function listed(fs: FileSystem): Promise<string[]> {
  return await fs.stat(TO) === undefined ? [] : await fs.list(TO);
}

/** Removes a copy that is not complete, as its message says, last the file that says so. */
async function remove(fs: FileSystem): Promise<void> {
  const names = await listed(fs);
  for (const name of names) {
    if (name !== "journal.jsonl") await fs.remove(`${TO}/${name}`);
  }
  if (names.length > 0) await fs.syncDirectory(TO);
  if (names.includes("journal.jsonl")) {
    await fs.remove(`${TO}/journal.jsonl`);
    await fs.syncDirectory(TO);
  }
}

const RECORDS = 5;
const original = new MemoryFileSystem();
await makeCounter(original, FROM, RECORDS);
const FILES = filesIn(original, FROM);

/** Copies a state at rest: the copy is complete, or absent, or refused; the original is as it was. */
function copying(name: string, copy: Copy): Workload<number> {
  return {
    name,
    async run(fs, log) {
      for (const [name, text] of Object.entries(FILES)) {
        const bytes = new TextEncoder().encode(text);
        (fs as MemoryFileSystem).put(`${FROM}/${name}`, bytes);
      }
      const unit = log.issue(1);
      await copy(FROM, TO, { fs });
      log.ack(unit);
    },
    async recover(fs) {
      assertEquals(filesIn(fs as MemoryFileSystem, FROM), FILES);
      if (!await isComplete(fs, RECORDS)) {
        // As somebody does who tries again.
        await remove(fs);
        await copy(FROM, TO, { fs });
      }
      const counter = await openCounter(TO, { fs });
      const past = await Array.fromAsync(
        counter.history({ from: RECORDS + 1 }),
      );
      return [1, ...past.map(({ mutation: { by } }) => by)];
    },
    async append(fs, by) {
      await using counter = await openCounter(TO, { fs });
      await counter.apply({ by });
    },
    extra: 1,
  };
}

/** Backs up a state that is open, and applied to, rotated and compacted meanwhile: nothing that it has acknowledged is lost. */
const beside: Workload<number> = {
  name: "backup beside a state in the same process",
  async run(fs, log) {
    await using counter = await openCounter(FROM, { fs, maxSegmentBytes: 300 });
    const add = async () => {
      const unit = log.issue(1);
      await counter.apply({ by: 1 });
      log.ack(unit);
    };
    for (let at = 0; at < 3; at++) await add();
    await counter.createSnapshot();
    let steps = 0;
    const step = async () => {
      if (++steps <= 4) await add();
      else if (steps === 5) await counter.createSnapshot();
    };
    await backup(FROM, TO, { fs: meanwhile(fs, step) });
  },
  async recover(fs) {
    await isComplete(fs, 3);
    const counter = await openCounter(FROM, { fs });
    const past = await Array.fromAsync(counter.history({ from: 1 }));
    return past.map(({ mutation: { by } }) => by);
  },
  async append(fs, by) {
    await using counter = await openCounter(FROM, { fs });
    await counter.apply({ by });
  },
  extra: 1,
};

for (
  const workload of [
    copying("backup", backup),
    copying("restore", restore),
    beside,
  ]
) {
  Deno.test(`${workload.name} survives a power cut after every call: the copy is complete, refused or absent`, async () => {
    const found = await explore(workload, {
      crashRecoveryOneIn: 100,
      samples: 1,
      ...sampled(128),
    });
    report(`power cuts of ${workload.name}`, [found]);
    assertEquals(found.violations.slice(0, 3), []);
    assert(found.states > 20, `${found.states} states`);
  });

  Deno.test(`${workload.name} survives every call failing, once and from then on`, async () => {
    const found = await sweepFaults(workload, {
      faults: FAULTS,
      cuts: "none",
      crashRecoveryOneIn: 200,
      ...sampledCalls(40, 128),
    });
    report(`failing calls of ${workload.name}`, [found]);
    assertEquals(found.violations.slice(0, 3), []);
    assert(found.states > 10, `${found.states} states`);
  });
}
