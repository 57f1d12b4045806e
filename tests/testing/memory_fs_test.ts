import { assert, assertEquals, assertRejects } from "@std/assert";
import { crashStates, MemoryFileSystem } from "@mini/state/testing";
import type { FileHandle } from "@mini/state/store";

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function text(content: Uint8Array | undefined): string | undefined {
  return content && new TextDecoder().decode(content);
}

/** A file whose name is durable. */
async function durableFile(
  fs: MemoryFileSystem,
  path = "/log",
): Promise<FileHandle> {
  const file = await fs.create(path, 0o600);
  await fs.syncDirectory("/");
  return file;
}

/** The texts that a file may hold after a power cut now. */
function after(fs: MemoryFileSystem, path = "/log"): (string | undefined)[] {
  const found = [...crashStates(fs.snapshot(), { cuts: "none" })];
  return found.map((state) => text(state.fs.content(path)));
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => promise);
  return (error as { code?: string }).code ?? "";
}

Deno.test("MemoryFileSystem loses bytes that were not synced", async () => {
  const fs = new MemoryFileSystem();
  const file = await durableFile(fs);
  await file.write(bytes("kept"));
  await file.sync();
  await file.write(bytes(", lost"));
  assertEquals(text(fs.content("/log")), "kept, lost");
  assertEquals(after(fs), ["kept", "kept, lost"]);
  await file.sync();
  assertEquals(after(fs), ["kept, lost"]);
});

Deno.test("MemoryFileSystem loses names whose directory was not synced", async () => {
  const fs = new MemoryFileSystem();
  const file = await fs.create("/log", 0o600);
  await file.write(bytes("x"));
  await file.sync();
  assertEquals(after(fs), [undefined, "x"]);
  await fs.syncDirectory("/");
  assertEquals(after(fs), ["x"]);
});

Deno.test("MemoryFileSystem keeps or loses each change of a name on its own", async () => {
  const fs = new MemoryFileSystem();
  fs.put("/a", bytes("a"));
  fs.put("/b", bytes("b"));
  await fs.remove("/a");
  await fs.rename("/b", "/c");
  const found = [...crashStates(fs.snapshot())].map((state) =>
    state.fs.names("/").join()
  );
  assertEquals(found.sort(), ["a,b", "a,c", "b", "c"]);
});

Deno.test("MemoryFileSystem.rename() replaces in one step", async () => {
  const fs = new MemoryFileSystem();
  fs.put("/old", bytes("old"));
  fs.put("/new", bytes("new"));
  await fs.rename("/new", "/old");
  assertEquals(after(fs, "/old"), ["old", "new"]);
});

Deno.test("MemoryFileSystem tears unsynced bytes at every byte, and at sectors", async () => {
  const fs = new MemoryFileSystem();
  const file = await durableFile(fs);
  await file.write(bytes("x".repeat(300)));
  await file.sync();
  await file.write(bytes("y".repeat(1_000)));
  const found = [...crashStates(fs.snapshot(), { cuts: "every byte" })];
  const contents = found.map((state) => text(state.fs.content("/log"))!);
  for (let length = 300; length <= 1_300; length++) {
    assert(
      contents.some((content) =>
        content.length === length && !content.includes("\0")
      ),
    );
  }
  const holed = contents.filter((content) => content.includes("\0"));
  assert(holed.length >= 6, String(holed.length));
  for (const content of holed) {
    assertEquals([content.length, content.slice(0, 300)], [
      1_300,
      "x".repeat(300),
    ]);
    for (const { index, 0: run } of content.matchAll(/\0+/g)) {
      assert(index === 300 || index % 512 === 0, `NULs start at ${index}`);
      const end = index + run.length;
      assert(end === 1_300 || end % 512 === 0, `NULs end at ${end}`);
    }
  }
});

Deno.test("MemoryFileSystem continues after a failed sync as if nothing had happened, and has lost the bytes", async () => {
  const fs = new MemoryFileSystem();
  const file = await durableFile(fs);
  await file.write(bytes("kept"));
  await file.sync();
  await file.write(bytes("lost"));
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  assertEquals(await codeOf(file.sync()), "EIO");
  fs.hooks = {};
  await file.sync();
  assertEquals(text(fs.content("/log")), "keptlost");
  assertEquals(after(fs), ["kept"]);
  await file.write(bytes("more"));
  await file.sync();
  assertEquals(after(fs), ["kept\0\0\0\0more"]);
  await file.truncate(4);
  await file.write(bytes("new"));
  await file.sync();
  assertEquals(after(fs), ["keptnew"]);
});

Deno.test("MemoryFileSystem as a process finds it after a kill still shows, and may still lose, what was not synced", async () => {
  const fs = new MemoryFileSystem();
  const file = await durableFile(fs);
  await file.write(bytes("x"));
  const next = new MemoryFileSystem(fs.snapshot());
  assertEquals(text(next.content("/log")), "x");
  assertEquals(after(next), ["", "x"]);
});

Deno.test("MemoryFileSystem snapshots do not change", async () => {
  const fs = new MemoryFileSystem();
  const file = await durableFile(fs);
  await file.write(bytes("x"));
  const snapshot = fs.snapshot();
  await file.write(bytes("y"));
  await fs.remove("/log");
  assertEquals(text(new MemoryFileSystem(snapshot).content("/log")), "x");
});

Deno.test("MemoryFileSystem fails the calls it is told to, and may keep a part of a write", async () => {
  const fs = new MemoryFileSystem();
  const file = await durableFile(fs);
  fs.hooks.before = ({ operation }) =>
    operation === "write" ? { code: "ENOSPC", keepBytes: 2 } : undefined;
  assertEquals(await codeOf(file.write(bytes("abc"))), "ENOSPC");
  assertEquals(text(fs.content("/log")), "ab");
});

Deno.test("MemoryFileSystem answers misuse as an operating system does", async () => {
  const fs = new MemoryFileSystem();
  const file = await durableFile(fs);
  assertEquals(await codeOf(fs.open("/none", "read")), "ENOENT");
  assertEquals(await codeOf(fs.create("/log", 0o600)), "EEXIST");
  assertEquals(await codeOf(fs.list("/none")), "ENOENT");
  assertEquals(await codeOf(fs.rename("/none", "/x")), "ENOENT");
  assertEquals(await codeOf(fs.remove("/none")), "ENOENT");
  assertEquals(await codeOf(fs.open("/", "read")), "EISDIR");
  assertEquals(await codeOf(fs.createDirectory("/log", 0o700)), "ENOTDIR");
  assertEquals(
    await codeOf((await fs.open("/log", "read")).write(bytes("x"))),
    "EBADF",
  );
  await file.close();
  assertEquals(await codeOf(file.write(bytes("x"))), "EBADF");
  assertEquals(await fs.stat("/none"), undefined);
});

Deno.test("MemoryFileSystem.lock() is exclusive until it is closed or the process ends", async () => {
  const fs = new MemoryFileSystem();
  const note = '{"pid":1,"since":""}';
  const lock = await fs.lock("/lock", 0o600, note);
  assertEquals(await fs.lock("/lock", 0o600, "other"), undefined);
  assertEquals(text(fs.content("/lock")), note);
  await lock?.close();
  const second = await fs.lock("/lock", 0o600, note);
  assertEquals(await second?.isCurrent(), true);
  fs.restart();
  assert(await fs.lock("/lock", 0o600, note) !== undefined);
  fs.unlink("/lock");
  assertEquals(await second?.isCurrent(), false);
});

Deno.test("MemoryFileSystem.lock() writes into nothing that is no lock", async () => {
  const fs = new MemoryFileSystem();
  fs.put("/precious", bytes("precious"));
  assertEquals(await codeOf(fs.lock("/precious", 0o600, "")), "EFTYPE");
  fs.link("/precious", "/lock");
  assertEquals(await codeOf(fs.lock("/lock", 0o600, "")), "EMLINK");
  assertEquals(text(fs.content("/precious")), "precious");
  const old = '{"pid":1,"since":"long ago"}';
  fs.put("/old", bytes(old));
  fs.link("/old", "/locked");
  assert(await fs.lock("/locked", 0o600, '{"pid":2,"since":""}'));
  assertEquals(text(fs.content("/old")), old);
});

Deno.test("MemoryFileSystem handles follow the file, not its name", async () => {
  const fs = new MemoryFileSystem();
  const file = await durableFile(fs);
  await fs.rename("/log", "/moved");
  await file.write(bytes("x"));
  assertEquals(text(fs.content("/moved")), "x");
  const reader = await fs.open("/moved", "read");
  fs.put("/moved", bytes("other"));
  const into = new Uint8Array(10);
  assertEquals([await reader.read(into), await reader.read(into)], [1, 0]);
  await file.write(bytes("y"));
  assertEquals(await reader.read(into), 1);
});

Deno.test("MemoryFileSystem has the capacity that it is given: a write beyond it takes what fits", async () => {
  const fs = new MemoryFileSystem();
  assertEquals(await fs.freeBytes("/"), Infinity);
  fs.capacityBytes = 6;
  const file = await durableFile(fs);
  await file.write(bytes("1234"));
  assertEquals(await fs.freeBytes("/log"), 2);
  assertEquals(await codeOf(file.write(bytes("5678"))), "ENOSPC");
  assertEquals(text(fs.content("/log")), "123456");
  assertEquals(await fs.freeBytes("/"), 0);
  await fs.remove("/log");
  assertEquals(await fs.freeBytes("/"), 6);
});

Deno.test("MemoryFileSystem snapshots keep the names that they have, shown and durable, whatever changes later", async () => {
  const fs = new MemoryFileSystem();
  const states = (snapshot = fs.snapshot()) =>
    [...crashStates(snapshot)].map(({ fs }) => fs.names("/").join());
  const file = await durableFile(fs, "/a");
  await fs.create("/b", 0o600);
  const snapshots = [fs.snapshot()];
  const seen = [states()];
  const changes = [
    () => fs.rename("/b", "/c"),
    () => fs.rename("/c", "/c"),
    () => fs.syncDirectory("/"),
    () => fs.rename("/c", "/a"),
    () => Promise.resolve(fs.put("/d", bytes("put"))),
    () => fs.remove("/a"),
    () => fs.syncDirectory("/"),
  ];
  for (const change of changes) {
    await change();
    snapshots.push(fs.snapshot());
    seen.push(states());
  }
  assertEquals(snapshots.map((snapshot) => states(snapshot)), seen);
  assertEquals(seen.at(-1), ["d"]);
  assertEquals(seen.map((states) => states.toSorted()), [
    ["a", "a,b"],
    ["a", "a,b", "a,c"],
    ["a", "a,b", "a,b,c", "a,c"],
    ["a,c"],
    ["a", "a,c"],
    ["a,c,d", "a,d"],
    ["a,c,d", "a,d", "c,d", "d"],
    ["d"],
  ]);
  // It was replaced; what has its number has no name.
  assertEquals((await file.stat()).links, 0);
  assertEquals((await fs.stat("/d"))?.links, 1);
});
