// The owner and mode of a journal's files, whichever process makes them.
import { assert, assertEquals } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { MiniStore, type StoreOptions } from "@mini/state/store";
import { MemoryFileSystem, type Rights, type User } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import {
  COLLEAGUE,
  DIR,
  PATH,
  POOR_ROOT,
  rightsIn,
  ROOT,
  SERVICE,
} from "../support/owners.ts";
import { TestQueue } from "../support/queue.ts";

/** Asserts that all files are whose they should be. */
async function assertAll(
  fs: MemoryFileSystem,
  rights: string,
): Promise<string[]> {
  const found = await rightsIn(fs);
  for (const [name, whose] of Object.entries(found)) {
    assertEquals(whose, rights, name);
  }
  return Object.keys(found);
}

/** A journal of a service that was killed in the middle of a write. */
async function torn(
  rights: Partial<Rights> = {},
  options: StoreOptions<string> = {},
): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  fs.user = SERVICE;
  const store = await MiniStore.open<string>(PATH, { ...options, fs });
  await store.append("a");
  const content = fs.content(PATH)!;
  await (await fs.open(PATH, "append")).write(
    new TextEncoder().encode('{"crc":"'),
  );
  fs.give(PATH, rights);
  assert(content.length > 0);
  fs.restart();
  return fs;
}

async function live(fs: MemoryFileSystem, mode?: number): Promise<void> {
  const options = mode === undefined ? { fs } : { fs, mode };
  const store = await MiniStore.open<string>(PATH, options);
  await store.append("b");
  await store.rotate();
  await store.append("c");
  await store.resetTo(10);
  await store.append("d");
  await store.close();
}

Deno.test("MiniStore keeps owner, group and mode whatever root makes of a journal: recovered, rotated, set aside", async () => {
  for (const mode of [0o600, 0o640]) {
    const fs = await torn({ gid: 50, mode });
    fs.unlink(`${PATH}.lock`);
    fs.user = ROOT;
    await live(fs);
    assertEquals(await assertAll(fs, `1000:50 ${mode.toString(8)}`), [
      "journal.00000000000000000000.jsonl.aside",
      "journal.00000000000000000002.jsonl.aside",
      "journal.jsonl",
      "journal.jsonl.lock",
      "journal.jsonl.torn",
    ]);
    fs.user = SERVICE;
    await using store = await MiniStore.open(PATH, { fs });
    assertEquals(store.sequence, 11);
  }
});

Deno.test("MiniStore keeps what chmod has made of a journal across a crash", async () => {
  const fs = await torn({ mode: 0o640 });
  await live(fs);
  const { "journal.jsonl.lock": _, ...rights } = await rightsIn(fs);
  assertEquals(new Set(Object.values(rights)), new Set(["1000:1000 640"]));
});

Deno.test("MiniStore keeps the mode of a journal where a sandbox lets nobody change it", async () => {
  const fs = await torn({}, { mode: 0o640 });
  const { create } = fs;
  // As Node's permission model does.
  fs.create = async (path, mode) => {
    const file = await create.call(fs, path, mode);
    return { ...file, own: () => Promise.resolve() };
  };
  await live(fs);
  await assertAll(fs, "1000:1000 640");
});

Deno.test("MiniStore makes a journal whose the directory is", async () => {
  const fs = new MemoryFileSystem();
  await fs.createDirectory("/srv", 0o755);
  fs.user = ROOT;
  await live(fs);
  await assertAll(fs, "1000:1000 600");
  assertEquals((await fs.stat(DIR))?.uid, 1000);
});

Deno.test("MiniStore makes a journal in a directory of somebody else's, as far as it may", async () => {
  const fs = new MemoryFileSystem();
  await fs.createDirectory(DIR, 0o777);
  fs.give(DIR, { uid: 0, gid: 50 });
  fs.user = { ...SERVICE, groups: [50] };
  await (await MiniStore.open(PATH, { fs, mode: 0o640 })).close();
  await assertAll(fs, "1000:50 640");
});

Deno.test("MiniStore makes a segment that is missing whose the one before is", async () => {
  const fs = new MemoryFileSystem();
  await live(fs);
  const store = await MiniStore.open<string>(PATH, { fs });
  await store.append("e");
  await store.rotate();
  await store.close();
  for (const name of fs.names(DIR)) fs.give(`${DIR}/${name}`, { gid: 50 });
  fs.unlink(PATH);
  fs.user = ROOT;
  await (await MiniStore.open(PATH, { fs })).close();
  assertEquals((await fs.stat(PATH))?.gid, 50);
});

Deno.test("MiniStore lets a colleague recover a journal that its group may write, and its owner open it again", async () => {
  const fs = await torn({ mode: 0o660 }, { mode: 0o660 });
  fs.user = COLLEAGUE;
  await live(fs);
  assertEquals((await rightsIn(fs))["journal.jsonl"], "1001:1000 660");
  fs.user = SERVICE;
  await using store = await MiniStore.open<string>(PATH, { fs });
  assertEquals(await store.append("e"), 12);
});

const REFUSED: [
  who: string,
  user: User,
  rights: Partial<Rights>,
  named: string,
][] = [
  ["its owner", POOR_ROOT, {}, "its owner, user 1000,"],
  ["its owner, of whom others may read", POOR_ROOT, {
    mode: 0o644,
  }, "its owner, user 1000,"],
  ["its owner, whose group may not", POOR_ROOT, {
    gid: 0,
    mode: 0o606,
  }, "its owner, user 1000,"],
  ["its owner, whose group may read", POOR_ROOT, {
    gid: 50,
    mode: 0o640,
  }, "its owner, user 1000,"],
  ["its group", SERVICE, { gid: 50, mode: 0o640 }, "its group 50"],
];
for (const [who, user, rights, named] of REFUSED) {
  Deno.test(`MiniStore.open() locks nobody out: ${who}, mode ${(rights.mode ?? 0o600).toString(8)}`, async () => {
    const fs = await torn(rights);
    fs.user = user;
    const before = fs.content(PATH);
    const names = await rightsIn(fs);
    const error = await errorOf(MiniStore.open(PATH, { fs }));
    assertEquals(error.code, "PERMISSION");
    assert(error.message.includes(named), error.message);
    assert(
      error.message.includes("no durable data has changed"),
      error.message,
    );
    assertEquals(await rightsIn(fs), names);
    assertEquals(fs.content(PATH), before);
  });
}

Deno.test("MiniStore.open() recovers what its group and others may open alike, in whatever group", async () => {
  for (const [mode, user] of [[0o644, SERVICE], [0o666, COLLEAGUE]] as const) {
    const fs = await torn({ gid: 50, mode }, { mode: 0o666 });
    fs.user = { ...user, groups: [] };
    await live(fs, 0o666);
    assertEquals(
      (await rightsIn(fs))["journal.jsonl"],
      `${user.uid}:${user.gid} ${mode.toString(8)}`,
    );
  }
});

Deno.test("MiniStore.open() recovers what is root's: root is never locked out", async () => {
  const fs = await torn({ uid: 0, gid: 1000, mode: 0o660 }, { mode: 0o660 });
  fs.give(`${PATH}.lock`, { uid: 0 });
  await live(fs);
  assertEquals((await rightsIn(fs))["journal.jsonl"], "1000:1000 660");
});

Deno.test("MiniStore whose new segment would lock its owner out continues in the old one", async () => {
  const fs = new MemoryFileSystem();
  await (await MiniStore.open(PATH, { fs })).close();
  fs.user = POOR_ROOT;
  await using store = await MiniStore.open<string>(PATH, { fs });
  await store.append("before");
  const error = await errorOf(store.rotate());
  assertEquals(error.code, "PERMISSION");
  assert(error.message.includes("user 1000"), error.message);
  assertEquals(await store.append("continues"), 2);
});

Deno.test("MiniStore on a system without users asks nobody", async () => {
  const fs = new MemoryFileSystem();
  fs.user = undefined;
  await live(fs);
  const [name] = fs.names(DIR);
  const { uid, gid, mode, links } = (await fs.stat(`${DIR}/${name}`))!;
  assertEquals([uid, gid, mode, links], [
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  fs.put(`${PATH}.tmp`, new Uint8Array(0));
  fs.link(`${PATH}.tmp`, `${DIR}/second`);
  await (await MiniStore.open<string>(PATH, { fs })).close();
});

type Modes = Pick<StoreOptions<string>, "mode" | "directoryMode">;

const MODES: [options: Modes, files: number, dir: number][] = [
  [{}, 0o600, 0o700],
  [{ mode: 0o640 }, 0o640, 0o750],
  [{ mode: 0o664 }, 0o664, 0o775],
  [{ mode: 0o640, directoryMode: 0o750 }, 0o640, 0o750],
  [{ directoryMode: 0o711 }, 0o600, 0o711],
];
for (const [options, files, dir] of MODES) {
  const said = JSON.stringify(
    options,
    (_, value) => typeof value === "number" ? value.toString(8) : value,
  );
  Deno.test(`MiniStore, SnapStore, StateManager and MiniQueue make files ${files.toString(8)} and a directory ${dir.toString(8)} with ${said}`, async () => {
    const fs = new MemoryFileSystem();
    const opened = [
      MiniStore.open(PATH, { ...options, fs }),
      openCounter("/srv/state", { ...options, fs }),
    ];
    for (const open of opened) await (await open).close();
    const test = new TestQueue<string>(options);
    await (await test.open()).close();
    await new SnapStore<number>("/srv/snaps", { ...options, fs }).create(1, 1);
    for (const path of [DIR, "/srv/state", "/srv/snaps"]) {
      assertEquals((await fs.stat(path))?.mode, dir, path);
      for (const name of fs.names(path)) {
        assertEquals((await fs.stat(`${path}/${name}`))?.mode, files, name);
      }
    }
    assertEquals((await test.fs.stat("/data"))?.mode, dir);
  });
}

Deno.test("MiniStore.open() and SnapStore refuse a directoryMode that is none", async () => {
  const directoryMode = 0o1000;
  const wrong = await MiniStore.open(PATH, { directoryMode })
    .catch((error) => error);
  assert(wrong instanceof RangeError, String(wrong));
  assert(wrong.message.includes("directoryMode"), wrong.message);
});

Deno.test("StateManager makes snapshots whose the journal is, and keeps its mode", async () => {
  const fs = new MemoryFileSystem();
  const first = await openCounter(DIR, { fs });
  await first.apply({ by: 1 });
  await first.close();
  for (const name of fs.names(DIR)) {
    fs.give(`${DIR}/${name}`, { gid: 50, mode: 0o640 });
  }
  fs.user = ROOT;
  const second = await openCounter(DIR, { fs });
  await second.createSnapshot();
  await second.apply({ by: 1 });
  await second.createSnapshot();
  await second.close();
  assertEquals((await assertAll(fs, "1000:50 640")).length, 4);
});

Deno.test("StateManager whose snapshot would lock the owner out makes none, and continues", async () => {
  const fs = new MemoryFileSystem();
  await (await openCounter(DIR, { fs })).close();
  fs.user = POOR_ROOT;
  const state = await openCounter(DIR, { fs });
  await state.apply({ by: 1 });
  const error = await errorOf(state.createSnapshot());
  assertEquals(error.code, "PERMISSION");
  assert(error.message.includes("user 1000"), error.message);
  await state.apply({ by: 1 });
  await state.close();
  assertEquals(fs.names(DIR), ["journal.jsonl", "journal.jsonl.lock"]);
});

Deno.test("SnapStore keeps owner, group and mode of a snapshot that it replaces", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number>(DIR, { fs });
  const { path } = await snaps.create(1, 1);
  fs.give(path, { mode: 0o640 });
  fs.user = ROOT;
  await snaps.create(2, 1);
  await snaps.create(3, 2);
  assertEquals(Object.values(await rightsIn(fs)), [
    "1000:1000 640",
    "1000:1000 600",
  ]);
});
