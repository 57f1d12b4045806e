import { assertEquals } from "@std/assert";
import { type FileSystem, MiniStore } from "@mini/state/store";
import { type Fault, MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { numbers } from "../support/records.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";

const PATH = "/data/journal.jsonl";

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

Deno.test("MiniStore.follow() ends whenever its signal fires after a change, and no later", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  for (let turns = 0; turns < 30; turns++) {
    const stop = new AbortController();
    const { signal } = stop;
    let outcome: unknown = "it still follows";
    Array.fromAsync(store.follow({ signal })).catch((error) => outcome = error);
    await new Promise((resolve) => setTimeout(resolve));
    store.sync();
    for (let turn = 0; turn < turns; turn++) await undefined;
    stop.abort("enough");
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(outcome, "enough", `after ${turns} turns`);
  }
});

Deno.test("MiniStore.follow() ends with the reason of a signal that fires while it starts", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1);
  const before = fs.calls;
  for await (const _ of store.follow()) break;
  const calls = fs.calls - before;
  for (let at = 1; at < calls; at++) {
    const controller = new AbortController();
    const reason = new Error(`at call ${at}`);
    const last = fs.calls + at;
    fs.hooks.before = ({ index }) => {
      if (index === last) controller.abort(reason);
      return undefined;
    };
    const { signal } = controller;
    const ended = Array.fromAsync(store.follow({ signal, from: 2 }));
    assertEquals(await ended.then(() => undefined, (error) => error), reason);
  }
});

Deno.test("MiniStore.follow() continues while a rotation is under way", async () => {
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

/** A log with one record, and a follower that has come to it while the next append waits for `operation`. */
async function followedUpTo(operation: "write" | "sync", fault: Fault) {
  const memory = new MemoryFileSystem();
  const holding = new HoldingFileSystem(memory);
  const store = await MiniStore.open<string>(PATH, { fs: holding.fs });
  await store.append("one");
  memory.hooks.before = (call) =>
    call.operation === operation ? fault : undefined;
  const held = holding.hold(operation);
  const refused = errorOf(store.append("refused"));
  await held.reached;
  memory.hooks = {};
  const records = store.follow()[Symbol.asyncIterator]();
  assertEquals((await records.next()).value, { seq: 1, data: "one" });
  return { store, held, refused, records };
}

Deno.test("MiniStore.follow() gives no record whose fsync fails", async () => {
  const { store, held, refused, records } = await followedUpTo("sync", {
    code: "EIO",
  });
  const next = errorOf(records.next());
  held.release();
  assertEquals((await refused).code, "POISONED");
  assertEquals((await next).code, "POISONED");
  assertEquals(store.sequence, 1);
  await store.close();
});

for (const [part, keepBytes] of [["in part", 25], ["whole", 1_000]] as const) {
  Deno.test(`MiniStore.follow() gives no record that was written ${part} and is taken back, and continues`, async () => {
    const fault = { code: "ENOSPC", keepBytes };
    const { store, held, refused, records } = await followedUpTo(
      "write",
      fault,
    );
    const next = records.next();
    held.release();
    assertEquals((await refused).code, "NO_SPACE");
    assertEquals(await store.append("two, which fits"), 2);
    assertEquals((await next).value, { seq: 2, data: "two, which fits" });
    await store.close();
    assertEquals((await records.next()).done, true);
  });
}

Deno.test("MiniStore.follow() waits for a segment that a rotation has named and not yet made durable", async () => {
  const holding = new HoldingFileSystem(new MemoryFileSystem());
  const store = await MiniStore.open<string>(PATH, { fs: holding.fs });
  await store.append("one");
  const sealed = holding.hold("rename");
  const rotated = store.rotate();
  await sealed.reached;
  const placed = holding.hold("rename");
  sealed.release();
  await placed.reached;
  const future = Array.fromAsync(store.follow({ from: 2 }));
  const all = Array.fromAsync(store.follow());
  // Both have come to the end by then.
  for (let turn = 0; turn < 1_000; turn++) await undefined;
  placed.release();
  await rotated;
  await store.append("two");
  await store.close();
  assertEquals(await future, [{ seq: 2, data: "two" }]);
  assertEquals((await all).map(({ seq }) => seq), [1, 2]);
});
