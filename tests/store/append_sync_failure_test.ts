import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { left, open, PATH, thrown } from "../support/sync_append.ts";

Deno.test("MiniStore.appendSync() whose rotation fails appends all the same", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { maxSegmentBytes: 1 });
  fs.hooks.before = ({ operation }) =>
    operation === "create" ? { code: "ENOSPC" } : undefined;
  assertEquals(store.appendSync("a"), 1);
  assertEquals(store.rotationFailure?.code, "NO_SPACE");
  fs.hooks = {};
  assertEquals(store.appendSync("b"), 2);
  await store.close();
  assertEquals(await left(fs), ["a", "b"]);
});

Deno.test("MiniStore.appendSync() on a full disk throws NO_SPACE, and the log continues", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  store.appendSync("a");
  const size = fs.content(PATH)!.length;
  let isFull = true;
  fs.hooks.before = ({ operation }) =>
    isFull && operation === "write"
      ? { code: "ENOSPC", keepBytes: 20 }
      : undefined;
  const waiting = errorOf(store.append("b"));
  const error = thrown(() => store.appendSync("c"));
  assertEquals([error.code, (await waiting).code], ["NO_SPACE", "NO_SPACE"]);
  assertEquals(fs.content(PATH)!.length, size, "a part of it is there");
  isFull = false;
  assertEquals(store.appendSync("d"), 2, "its number is used again");
  await store.close();
  assertEquals(await left(fs), ["a", "d"]);
});

for (const operation of ["write", "sync", "stat"] as const) {
  Deno.test(`MiniStore.appendSync() poisons the log where ${operation} fails`, async () => {
    const fs = new MemoryFileSystem();
    const store = await open(fs);
    store.appendSync("a");
    fs.hooks.before = (call) =>
      call.operation === operation ? { code: "EIO" } : undefined;
    const waiting = errorOf(store.append("b"));
    assertEquals(thrown(() => store.appendSync("c")).code, "POISONED");
    assertEquals((await waiting).code, "POISONED");
    assertEquals((await store.failed).code, "POISONED");
    fs.hooks = {};
    const { calls } = fs;
    assertEquals(thrown(() => store.appendSync("d")).code, "POISONED");
    assertEquals(fs.calls, calls, "something was done to the disk");
    await store.close().catch(() => {});
    assertEquals((await left(fs)).slice(0, 1), ["a"]);
  });
}

Deno.test("MiniStore.appendSync() poisons the log where its lock was removed", async () => {
  await using directory = new TestDirectory();
  const store = await MiniStore.open<string>(directory.at());
  await Deno.remove(`${directory.at()}.lock`);
  assertEquals(thrown(() => store.appendSync("a")).code, "POISONED");
  await store.close();
});

Deno.test("MiniStore.appendSync() refuses what append() refuses, and writes nothing", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { maxRecordBytes: 100 });
  const { calls } = fs;
  const refused: Record<string, unknown> = {
    UNSERIALIZABLE: () => {},
    TOO_LARGE: "x".repeat(200),
  };
  for (const [code, record] of Object.entries(refused)) {
    assertEquals(thrown(() => store.appendSync(record)).code, code);
  }
  assertEquals(fs.calls, calls);
  await store.close();
});

Deno.test("MiniStore.appendSync() is UNSUPPORTED where the file system has no synchronous half", async () => {
  const memory = new MemoryFileSystem();
  const fs = new Proxy(memory, {
    get(target, key) {
      if (key === "blocking") return undefined;
      const member = Reflect.get(target, key, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const store = await open(fs);
  const waiting = store.append("a");
  const error = thrown(() => store.appendSync("b"));
  assertEquals([error.code, error.path], ["UNSUPPORTED", PATH]);
  assertEquals(await waiting, 1);
  await store.close();
});
