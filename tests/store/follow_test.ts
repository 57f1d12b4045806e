import { assertEquals } from "@std/assert";
import { type FileSystem, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { numbers } from "../support/records.ts";
import { errorOf } from "../support/journal.ts";

Deno.test("MiniStore.follow() gives history, then what comes, without a gap, across rotation", async () => {
  await using directory = new TestDirectory();
  const options = { maxSegmentBytes: 1_000 };
  const store = await MiniStore.open<number>(directory.at(), options);
  for (let next = 1; next <= 50; next++) await store.append(next);
  const all = Array.fromAsync(store.follow());
  const some = Array.fromAsync(store.follow({ from: 40 }));
  const future = Array.fromAsync(store.follow({ from: 95 }));
  for (let next = 51; next <= 100; next++) await store.append(next);
  await store.close();
  const wanted = Array.from({ length: 100 }, (_, index) => index + 1);
  assertEquals(numbers(await all), wanted);
  assertEquals(numbers(await some), wanted.slice(39));
  assertEquals(numbers(await future), wanted.slice(94));
});

Deno.test("MiniStore.follow() gives a record once it is acknowledged, while it waits for more", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<number>(directory.at());
  const records = store.follow()[Symbol.asyncIterator]();
  for (let next = 1; next <= 20; next++) {
    const record = records.next();
    await store.append(next);
    assertEquals((await record).value, { seq: next, data: next });
  }
  await records.return?.();
});

Deno.test("MiniStore.follow() ends with the reason of its signal", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<number>(directory.at());
  await store.append(1);
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("enough");
  const records = store.follow({ signal })[Symbol.asyncIterator]();
  assertEquals((await records.next()).value, { seq: 1, data: 1 });
  const waiting = records.next();
  controller.abort(reason);
  assertEquals(await waiting.then(() => undefined, (error) => error), reason);
  const aborted = Array.fromAsync(store.replay({ signal }));
  assertEquals(await aborted.then(() => undefined, (error) => error), reason);
});

Deno.test("MiniStore.follow() goes on while a rotation is under way", async () => {
  const memory = new MemoryFileSystem();
  let release = () => {};
  const released = new Promise<void>((resolve) => release = resolve);
  const fs: FileSystem = {
    ...bind(memory),
    async open(path, access) {
      const file = await memory.open(path, access);
      if (access === "read") return file;
      return {
        ...file,
        close: async () => (await released, await file.close()),
      };
    },
  };
  const path = "/data/journal.jsonl";
  await (await MiniStore.open(path, { fs: memory })).close();
  const store = await MiniStore.open<number>(path, { fs });
  for (let value = 1; value <= 20; value++) await store.append(value);
  const rotated = store.rotate();
  const records = store.follow()[Symbol.asyncIterator]();
  for (let value = 1; value <= 20; value++) {
    assertEquals((await records.next()).value, { seq: value, data: value });
  }
  const next = records.next();
  // The reader is now at the new segment, whose file has nothing but a header.
  while (memory.names("/data").includes("journal.jsonl.tmp")) await undefined;
  for (let turn = 0; turn < 1_000; turn++) await undefined;
  release();
  await rotated;
  await store.append(21);
  assertEquals((await next).value, { seq: 21, data: 21 });
  await store.close();
  assertEquals((await records.next()).done, true);
});

/** The methods of a file system as an object of their own. */
function bind(fs: MemoryFileSystem): FileSystem {
  return {
    open: fs.open.bind(fs),
    create: fs.create.bind(fs),
    stat: fs.stat.bind(fs),
    list: fs.list.bind(fs),
    createDirectory: fs.createDirectory.bind(fs),
    rename: fs.rename.bind(fs),
    remove: fs.remove.bind(fs),
    syncDirectory: fs.syncDirectory.bind(fs),
    lock: fs.lock.bind(fs),
  };
}

Deno.test("MiniStore.follow() ends with POISONED when the log is", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>("/data/journal.jsonl", { fs });
  await store.append(1);
  const followed = Array.fromAsync(store.follow());
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(store.append(2))).code, "POISONED");
  assertEquals((await errorOf(followed)).code, "POISONED");
  await store.close();
});
