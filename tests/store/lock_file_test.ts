// What opening makes of the file under the name of the lock.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type FileSystem,
  MiniStore,
  systemFileSystem,
} from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";

for (
  const left of ["x".repeat(200), "Dear Ada", '{"a":1}']
) {
  Deno.test(`MiniStore.open() refuses a lock file that holds ${left.slice(0, 30)}, and changes nothing of it`, async () => {
    const fs = new MemoryFileSystem();
    const content = new TextEncoder().encode(left);
    fs.put("/data/journal.jsonl.lock", content);
    const error = await errorOf(MiniStore.open("/data/journal.jsonl", { fs }));
    assertEquals(error.code, "UNSUPPORTED_FORMAT");
    assertEquals(fs.content("/data/journal.jsonl.lock"), content);
  });
}

Deno.test("MiniStore.open() that cannot create its lock file says so", async () => {
  const fs = new MemoryFileSystem();
  fs.hooks.before = ({ operation }) =>
    operation === "create" ? { code: "EROFS" } : undefined;
  const error = await errorOf(MiniStore.open("/data/journal.jsonl", { fs }));
  assertEquals(error.code, "IO");
  assertEquals(fs.names("/data"), []);
});

for (const left of ['{"pid":"71","since":"now"}', '{"pid":71}']) {
  Deno.test(`MiniStore.open() takes a lock file that holds ${left}, and is no whole note`, async () => {
    const fs = new MemoryFileSystem();
    fs.put("/data/journal.jsonl.lock", new TextEncoder().encode(left));
    await using _store = await MiniStore.open("/data/journal.jsonl", { fs });
  });
}

Deno.test("MiniStore.open() is LOCKED also where a file system knows no users", async () => {
  const fs = new MemoryFileSystem();
  await using _store = await MiniStore.open("/data/journal.jsonl", { fs });
  fs.put("/data/journal.jsonl.lock", new Uint8Array());
  const withoutUsers: FileSystem = {
    open: async (path, access) => {
      const file = await fs.open(path, access);
      const stat = async () => {
        const { uid: _, ...rest } = await file.stat();
        return rest;
      };
      return {
        read: (into) => file.read(into),
        seek: (offset) => file.seek(offset),
        write: (bytes) => file.write(bytes),
        sync: () => file.sync(),
        truncate: (size) => file.truncate(size),
        close: () => file.close(),
        stat,
      };
    },
    create: (path, mode) => fs.create(path, mode),
    stat: (path) => fs.stat(path),
    list: (path) => fs.list(path),
    createDirectory: (path, mode) => fs.createDirectory(path, mode),
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    syncDirectory: (path) => fs.syncDirectory(path),
    lock: () => Promise.resolve(undefined),
  };
  const { code, message } = await errorOf(
    MiniStore.open("/data/journal.jsonl", { fs: withoutUsers }),
  );
  assertEquals(code, "LOCKED");
  assert(message.includes("another process has it open"), message);
});

Deno.test("a lock file names its holder, in place of the one before, and the log", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("journal.jsonl.lock");
  const noted = async () => {
    const { pid, log } = JSON.parse(await Deno.readTextFile(path));
    return { pid, log };
  };
  await using store = await MiniStore.open(directory.at());
  const note = { pid: Deno.pid, log: store.id };
  assertEquals(await noted(), note);
  await store.close();
  const text = await Deno.readTextFile(path);
  const before = text.replace(`"pid":${Deno.pid},`, '"pid":1,');
  await Deno.writeTextFile(path, before);
  await using _again = await MiniStore.open(directory.at());
  assertEquals(await noted(), note);
});

Deno.test("systemFileSystem.lock() takes a new file where the lock has a second name, and writes nothing into the other", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("lock");
  const note = JSON.stringify({ pid: 1, since: "then" });
  await Deno.writeTextFile(path, note);
  await Deno.link(path, directory.at("backup"));
  const lock = await systemFileSystem.lock(path, 0o600, "me");
  assertEquals(await Deno.readTextFile(directory.at("backup")), note);
  assertEquals(await lock?.isCurrent(), true);
  assertEquals((await Deno.stat(path)).nlink, 1);
  await lock?.close();
});

Deno.test("systemFileSystem.lock() refuses another file under the name of the lock", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("lock");
  await Deno.writeTextFile(directory.at("letter"), "Dear Ada");
  await Deno.link(directory.at("letter"), path);
  const error = await assertRejects(() =>
    systemFileSystem.lock(path, 0o600, "me")
  );
  assertEquals((error as { code?: string }).code, "EMLINK");
  assertEquals(await Deno.readTextFile(path), "Dear Ada");
});

Deno.test("systemFileSystem.lock() refuses a file that is longer than a note, and changes nothing of it", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("lock");
  await Deno.writeTextFile(path, "x".repeat(2_000));
  const error = await assertRejects(() =>
    systemFileSystem.lock(path, 0o600, "me")
  );
  assertEquals((error as { code?: string }).code, "EFTYPE");
  assertEquals((await Deno.stat(path)).size, 2_000);
});

Deno.test("MiniStore.open() says which command has the log open, where the lock names one", async () => {
  await using directory = new TestDirectory();
  const note = { pid: 1, command: "mini repair", since: "now" };
  const lock = await systemFileSystem.lock(
    directory.at("journal.jsonl.lock"),
    0o600,
    JSON.stringify(note),
  );
  const { code, message } = await errorOf(MiniStore.open(directory.at()));
  assertEquals(code, "LOCKED");
  assert(message.includes("process 1 (mini repair)"), message);
  await lock?.close();
});

Deno.test("the lock of the system replaces its note durably, and is free before its file is closed", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  const note = (since: string) => JSON.stringify({ pid: 1, since });
  const lock = (await systemFileSystem.lock(path, 0o600, note("long ago")))!;
  const calls: string[] = [];
  const prototype = Deno.FsFile.prototype;
  const { write, truncate, sync, unlock } = prototype;
  const originals = { write, truncate, sync, unlock };
  for (const [name, original] of Object.entries(originals)) {
    const noted = async function (this: Deno.FsFile, ...args: never[]) {
      calls.push(name);
      await new Promise((resolve) => setTimeout(resolve));
      const result = await (original as typeof write).apply(
        this,
        args as unknown as Parameters<typeof write>,
      );
      calls.push("done");
      return result;
    };
    Object.assign(prototype, { [name]: noted });
  }
  try {
    await lock.leave(note("now"));
    assertEquals(await Deno.readTextFile(path), note("now"));
    await lock.close();
  } finally {
    Object.assign(prototype, originals);
  }
  const made = ["write", "truncate", "sync", "unlock"];
  assertEquals(calls, made.flatMap((name) => [name, "done"]));
});
