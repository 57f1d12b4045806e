// A journal in a directory where others may put files, as in /tmp.
import { assert, assertEquals } from "@std/assert";
import { type FileHandle, type FileSystem, MiniStore } from "@mini/state/store";
import { MemoryFileSystem, type Rights } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import { DIR, PATH, rightsIn, ROOT, SERVICE } from "../support/owners.ts";

/** A closed state of the service in a directory where others may put files, as in /tmp. */
async function shared(): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const state = await openCounter(DIR, { fs, maxSegmentBytes: 100 });
  await state.apply({ by: 1 });
  await state.createSnapshot();
  await state.apply({ by: 1 });
  await state.close();
  fs.give(DIR, { uid: 0, gid: 0, mode: 0o777 });
  return fs;
}

const TRAPS: [what: string, rights: Partial<Rights>, why: string][] = [
  ["is another user's", { uid: 1001, mode: 0o660 }, "belongs to user 1001"],
  ["is root's, and others can write", { uid: 0, mode: 0o666 }, "others can"],
  ["others can write", { mode: 0o602 }, "others can write it"],
];
const NAMES = [
  "journal.jsonl",
  "journal.jsonl.lock",
  "journal.00000000000000000000.jsonl",
  "snapshot_00000000000000000001.json",
];
for (const [what, rights, why] of TRAPS) {
  for (const name of NAMES) {
    Deno.test(`StateManager.open() in a directory that others can write refuses a ${name} that ${what}`, async () => {
      const fs = await shared();
      fs.give(`${DIR}/${name}`, rights);
      const names = await rightsIn(fs);
      const before = fs.content(PATH);
      const error = await errorOf(openCounter(DIR, { fs }));
      assertEquals(error.code, "PERMISSION");
      assert(error.message.includes(name), error.message);
      assert(error.message.includes(why), error.message);
      assertEquals([await rightsIn(fs), fs.content(PATH)], [names, before]);
      fs.give(DIR, { mode: 0o755 });
      await (await openCounter(DIR, { fs })).close();
    });
  }
}

Deno.test("StateManager.open() in a directory that others can write takes what is its own, or root's", async () => {
  const fs = await shared();
  await (await openCounter(DIR, { fs })).close();
  for (const name of fs.names(DIR)) {
    fs.give(`${DIR}/${name}`, { uid: 0, mode: 0o660 });
  }
  await (await openCounter(DIR, { fs })).close();
  for (const name of fs.names(DIR)) {
    fs.give(`${DIR}/${name}`, { uid: 1001, mode: 0o666 });
  }
  // That option says that it is shared.
  const state = await openCounter(DIR, { fs, mode: 0o666 });
  await state.apply({ by: 1 });
  await state.createSnapshot();
  await state.close();
});

Deno.test("MiniStore.open() gives nothing to a program that puts a file under its name while it makes the journal", async () => {
  const fs = new MemoryFileSystem();
  await fs.createDirectory(DIR, 0o777);
  fs.give(DIR, { uid: 0, gid: 0 });
  for (const user of [ROOT, SERVICE]) {
    fs.user = user;
    await fs.lock(`${PATH}.lock`, 0o600, "");
    fs.restart();
    let stats = 0;
    fs.hooks.before = ({ operation, path }) => {
      // Recovery has looked, and found nothing.
      if (operation !== "stat" || path !== PATH || ++stats < 3) return;
      fs.put(PATH, new Uint8Array(0));
      fs.give(PATH, { uid: 1001, gid: 1001, mode: 0o666 });
      return undefined;
    };
    const error = await errorOf(MiniStore.open(PATH, { fs }));
    assertEquals(error.code, "PERMISSION");
    assert(error.message.includes("cannot be trusted"), error.message);
    fs.hooks = {};
    for (const name of fs.names(DIR)) fs.unlink(`${DIR}/${name}`);
  }
});

Deno.test("StateManager.open() continues where a file system keeps no modes, and all can write everything", async () => {
  const memory = new MemoryFileSystem();
  const fs = withoutModes(memory);
  await memory.createDirectory(DIR, 0o777);
  for (const by of [1, 2]) {
    const state = await openCounter(DIR, { fs, maxSegmentBytes: 100 });
    await state.apply({ by });
    await state.createSnapshot();
    await state.close();
  }
  memory.give(PATH, { uid: 1001 });
  const error = await errorOf(openCounter(DIR, { fs }));
  assertEquals(error.code, "PERMISSION");
  assert(error.message.includes("belongs to user 1001"), error.message);
});

/** As a disk of Windows is mounted: whatever mode is asked for, all may do everything. */
function withoutModes(memory: MemoryFileSystem): FileSystem {
  const opened = (file: FileHandle): FileHandle => ({
    ...file,
    stat: async () => ({ ...await file.stat(), mode: 0o777 }),
  });
  return {
    open: async (path, access) => opened(await memory.open(path, access)),
    create: async (path, mode) => opened(await memory.create(path, mode)),
    stat: async (path) => {
      const found = await memory.stat(path);
      return found && { ...found, mode: 0o777 };
    },
    list: (directory) => memory.list(directory),
    createDirectory: (path, mode) => memory.createDirectory(path, mode),
    rename: (from, to) => memory.rename(from, to),
    remove: (path) => memory.remove(path),
    syncDirectory: (directory) => memory.syncDirectory(directory),
    lock: (path, mode, note) => memory.lock(path, mode, note),
  };
}
