// Each row of the table "When a write fails" in docs/FORMAT.md, by its name there.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MiniStore, type StoreOptions } from "@mini/state/store";
import {
  crashStates,
  type Fault,
  type FileSystemCall,
  MemoryFileSystem,
} from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { say } from "../support/report.ts";

const PATH = "/data/journal.jsonl";
const SEALED = "/data/journal.00000000000000000000.jsonl";

/** A log with one record, on a disk whose calls of one kind fail so often from now on. */
async function failing(
  operation: FileSystemCall["operation"],
  fault: Fault,
  times = Infinity,
  options: StoreOptions<string> = {},
): Promise<{ fs: MemoryFileSystem; store: MiniStore<string> }> {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { ...options, fs });
  await store.append("before");
  let left = times;
  fs.hooks.before = (call) =>
    call.operation === operation && left-- > 0 ? fault : undefined;
  return { fs, store };
}

async function contents(fs: MemoryFileSystem): Promise<string[]> {
  fs.restart();
  fs.hooks = {};
  await using store = await MiniStore.open<string>(PATH, { fs });
  return await Array.fromAsync(store.replay(), (record) => record.data);
}

for (const code of ["EIO", "ENOSPC", "EDQUOT", "EROFS"]) {
  Deno.test(`fsync fails with ${code}: the log is poisoned, and nothing more is written`, async () => {
    const { fs, store } = await failing("sync", { code }, 1);
    const appends = ["a", "b"].map((item) => store.append(item));
    const later = appends[1]!.catch(() => {});
    const error = await errorOf(appends[0]!);
    assertEquals([error.code, error.path], ["POISONED", PATH]);
    await later;
    const calls = fs.calls;
    for (
      const call of [
        () => store.append("c"),
        () => store.rotate(),
        () => store.compact(1),
      ]
    ) {
      assertEquals((await errorOf(call())).code, "POISONED");
    }
    assertEquals(fs.calls, calls, "something was done to the disk");
    const read = await Array.fromAsync(store.replay(), (record) => record.data);
    assertEquals(read, ["before"], "what was acknowledged can be read");
    await store.close();
    const found = await contents(fs);
    assertEquals(found.slice(0, 1), ["before"]);
    assert(!found.includes("c"));
  });
}

for (const code of ["ENOSPC", "EDQUOT", "EFBIG"]) {
  Deno.test(`write fails with ${code}: nothing of it is kept, and the log continues`, async () => {
    const { fs, store } = await failing("write", { code, keepBytes: 20 }, 1);
    const size = fs.content(PATH)!.length;
    const failed = await errorOf(store.append("refused"));
    assertEquals(failed.code, "NO_SPACE");
    assertEquals(fs.content(PATH)!.length, size, "a part of it is there");
    assertEquals(await store.append("after"), 2, "its number is used again");
    await store.close();
    assertEquals(await contents(fs), ["before", "after"]);
  });

  Deno.test(`write fails with ${code} and cutting back fails: the log is poisoned`, async () => {
    const { fs, store } = await failing("write", { code, keepBytes: 20 }, 1);
    const { before } = fs.hooks;
    fs.hooks.before = (call) =>
      call.operation === "truncate" ? { code: "EIO" } : before!(call);
    assertEquals((await errorOf(store.append("refused"))).code, "POISONED");
    await store.close();
    assertEquals(await contents(fs), ["before"]);
  });
}

Deno.test("write fails with ENOSPC: what was refused does not come back after a power cut", async () => {
  const fault = { code: "ENOSPC", keepBytes: Infinity };
  const { fs, store } = await failing("write", fault, 1);
  assertEquals((await errorOf(store.append("refused"))).code, "NO_SPACE");
  for (const state of crashStates(fs.snapshot())) {
    assertEquals(await contents(state.fs), ["before"], state.label);
  }
  await store.close();
});

for (const code of ["EIO", "EROFS", "EACCES"]) {
  Deno.test(`write fails with ${code}: the log is poisoned`, async () => {
    const { fs, store } = await failing("write", { code, keepBytes: 10 }, 1);
    assertEquals((await errorOf(store.append("a"))).code, "POISONED");
    assertEquals((await errorOf(store.append("b"))).code, "POISONED");
    await store.close();
    assertEquals(await contents(fs), ["before"]);
  });
}

for (const operation of ["create", "write", "sync", "rename"] as const) {
  Deno.test(`rotation fails at ${operation}: it is reported, and costs nothing`, async () => {
    const { fs, store } = await failing(operation, { code: "EIO" }, 0);
    let isFailing = true;
    fs.hooks.before = (call) =>
      isFailing && call.operation === operation
        ? { code: "ENOSPC" }
        : undefined;
    const error = await errorOf(store.rotate());
    isFailing = false;
    assertEquals(error.code, "NO_SPACE");
    assert(error.message.includes("the log stays usable"), error.message);
    assertEquals(fs.names("/data"), ["journal.jsonl", "journal.jsonl.lock"]);
    assertEquals(await store.append("after"), 2);
    await store.rotate();
    assertEquals(await store.append("last"), 3);
    await store.close();
    assertEquals(await contents(fs), ["before", "after", "last"]);
  });
}

Deno.test("rotation fails half-way between its two renames: the log continues in the old segment", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  await store.append("before");
  let renames = 0;
  fs.hooks.before = ({ operation }) =>
    operation === "rename" && ++renames === 2 ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(store.rotate())).code, "IO");
  assertEquals(await store.append("after"), 2);
  await store.close();
  assertEquals(await contents(fs), ["before", "after"]);
});

Deno.test("rotation that an append sets off fails: the append has succeeded, and the failure is reported", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, {
    fs,
    maxSegmentBytes: 200,
  });
  let isFailing = true;
  fs.hooks.before = ({ operation, path }) =>
    isFailing && operation === "create" && path.endsWith(".tmp")
      ? { code: "EMFILE" }
      : undefined;
  for (let seq = 1; seq <= 10; seq++) {
    assertEquals(await store.append("x".repeat(50)), seq);
  }
  assertEquals(store.rotationFailure?.code, "IO");
  assert(fs.content(SEALED) === undefined);
  isFailing = false;
  for (let seq = 11; seq <= 20; seq++) {
    assertEquals(await store.append("x".repeat(50)), seq);
  }
  assertEquals(store.rotationFailure, undefined);
  assert(fs.content(SEALED) !== undefined);
  await store.close();
  assertEquals((await contents(fs)).length, 20);
});

Deno.test("compaction fails: what is left is whole, and the log continues", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  for (const item of ["a", "b", "c"]) {
    await store.append(item);
    await store.rotate();
  }
  let removes = 0;
  fs.hooks.before = ({ operation }) =>
    operation === "remove" && ++removes === 2 ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(store.compact(3))).code, "IO");
  assertEquals(store.firstSequence, 2);
  assertEquals(await store.append("d"), 4);
  assertEquals((await store.compact(3)).firstSequence, 4);
  await store.close();
  assertEquals(await contents(fs), ["d"]);
});

Deno.test("compaction fails to make a removal durable: nothing more is removed until that succeeds, for there would be a gap", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  for (const item of ["a", "b", "c"]) {
    await store.append(item);
    await store.rotate();
  }
  fs.hooks.before = ({ operation }) =>
    operation === "syncDirectory" ? { code: "EIO" } : undefined;
  for (let time = 0; time < 2; time++) {
    const error = await errorOf(store.compact(3));
    assertEquals([error.code, store.firstSequence], ["IO", 2]);
    assertStringIncludes(error.message, "a power cut may bring that segment");
  }
  fs.hooks = {};
  assertEquals(await store.append("d"), 4);
  assertEquals((await store.compact(3)).removed?.length, 2);
  await store.close();
  assertEquals(await contents(fs), ["d"]);
});

Deno.test("compaction misses a segment that somebody removed: those after it are removed", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  for (const item of ["a", "b", "c"]) {
    await store.append(item);
    await store.rotate();
  }
  const [oldest] = fs.names("/data").filter((name) => /\d{20}/.test(name));
  fs.unlink(`/data/${oldest}`);
  const { removed, firstSequence } = await store.compact(2);
  assertEquals([removed?.length, firstSequence], [1, 3]);
  await store.close();
  assertEquals(await contents(fs), ["c"]);
});

Deno.test("close() fails to write its mark: every record is there, and the next open() says unclean", async () => {
  for (const operation of ["write", "sync"] as const) {
    const { fs, store } = await failing(operation, { code: "EIO" }, 1);
    await store.close();
    fs.hooks = {};
    fs.restart();
    await using again = await MiniStore.open<string>(PATH, { fs });
    assertEquals([again.recovery.outcome, again.sequence], ["unclean", 1]);
  }
});

Deno.test("close() fails to sync a record that nobody waited for: it says so, and the log is closed", async () => {
  const { fs, store } = await failing("sync", { code: "EIO" }, 1);
  await store.append("lazy", { durable: false });
  assertEquals((await errorOf(store.close())).code, "POISONED");
  assertEquals((await contents(fs)).slice(0, 1), ["before"]);
});

Deno.test("close() of a poisoned log says so where acknowledged records may be lost, and frees it all the same", async () => {
  for (
    const [options, lost] of [[{ durable: false }, true], [{}, false]] as const
  ) {
    const { fs, store } = await failing("sync", { code: "EIO" }, 0);
    await store.append("acknowledged", options);
    fs.hooks.before = ({ operation }) =>
      operation === "sync" ? { code: "EIO" } : undefined;
    assertEquals((await errorOf(store.append("refused"))).code, "POISONED");
    const calls = fs.calls;
    const closed = [store.close(), store.close(), store.close()];
    for (const result of await Promise.allSettled(closed)) {
      const code = result.status === "rejected" ? result.reason.code : "";
      assertEquals(code, lost ? "POISONED" : "");
    }
    assertEquals(fs.calls, calls + 1, "more was done than closing the file");
    fs.hooks = {};
    await using again = await MiniStore.open<string>(PATH, { fs });
    const first = await Array.fromAsync(again.replay({ to: 1 }));
    assertEquals(first[0]?.data, "before");
  }
});

Deno.test("close() of a log that a rotation has poisoned succeeds: the rotation has made all records durable", async () => {
  const { fs, store } = await failing("syncDirectory", { code: "EIO" });
  await store.append("lazy", { durable: false });
  assertEquals((await errorOf(store.rotate())).code, "POISONED");
  await store.close();
  assertEquals(await contents(fs), ["before", "lazy"]);
});

Deno.test("open() of a closed log cannot make its mark durable: it says so, and the log is free", async () => {
  const fs = new MemoryFileSystem();
  await (await MiniStore.open<string>(PATH, { fs })).close();
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  const error = await errorOf(MiniStore.open(PATH, { fs }));
  assertEquals(error.code, "IO");
  assertStringIncludes(error.message, "EIO");
  fs.hooks = {};
  await using again = await MiniStore.open<string>(PATH, { fs });
  assertEquals(await again.append("a"), 1);
});

Deno.test("open() fails at any call: the lock is free, and the next open() finds everything", async () => {
  const clean = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs: clean });
  await store.append("a");
  const disk = clean.snapshot();
  for (let index = 1;; index++) {
    const fs = new MemoryFileSystem(disk);
    fs.hooks.before = (call) =>
      call.index === index ? { code: "EIO" } : undefined;
    try {
      await (await MiniStore.open<string>(PATH, { fs })).close();
    } catch (error) {
      assert(
        ["IO", "LOCKED"].includes((error as { code: string }).code),
        String(error),
      );
    }
    const isDone = fs.calls < index;
    fs.hooks = {};
    await using again = await MiniStore.open<string>(PATH, { fs });
    assertEquals(again.sequence, 1);
    if (!isDone) continue;
    say(`each of ${index - 1} calls of open() fails: 0 violations`);
    break;
  }
});
