import { assertEquals } from "@std/assert";
import {
  type FollowPathOptions,
  MiniStore,
  type StoreOptions,
} from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { Follower } from "../support/follower.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { JournalBytes } from "../support/journal.ts";

const PATH = "/data/journal.jsonl";

/** The bytes of a log of these records, one in each line. */
function bytesOf(
  texts: readonly string[],
  header: Record<string, unknown> = {},
): Uint8Array<ArrayBuffer> {
  const journal = new JournalBytes(header);
  texts.forEach((data, index) => journal.add({ seq: index + 1, data }));
  return journal.bytes;
}

/** A log of these records in memory, and one who has followed it from `from` on, and looked at each record alone. */
async function followed(
  texts: readonly string[],
  options: Omit<FollowPathOptions<string>, "fs"> = {},
) {
  const fs = new MemoryFileSystem();
  fs.put(PATH, bytesOf([]));
  const follower = new Follower<string>(PATH, { fs, ...options });
  for (let count = 1; count <= texts.length; count++) {
    fs.put(PATH, bytesOf(texts.slice(0, count)));
    if (count < (options.from ?? 1)) continue;
    assertEquals(await follower.next(), texts[count - 1]);
  }
  return { fs, follower };
}

const OTHER_ID = { journal: "ffffffffffffffffffffffffffffffff" };

const REWRITTEN = [
  ["others of the same size", ["a", "b", "X", "Y"], {}, 3],
  ["fewer", ["a", "b"], {}, 3],
  ["fewer, and others than those", ["a", "X"], {}, 2],
  ["none", [], {}, 1],
  ["others, and more", ["X", "b", "c", "d", "e"], {}, 1],
  ["the same, of another log", ["a", "b", "c", "d"], OTHER_ID, 1],
] as const;

for (const [what, texts, header, seq] of REWRITTEN) {
  Deno.test(`MiniStore.follow() throws REWRITTEN where the log has ${what}`, async () => {
    const { fs, follower } = await followed(["a", "b", "c", "d"]);
    await using _ = follower;
    const failure = follower.failure();
    fs.put(PATH, bytesOf(texts, header));
    assertEquals(await failure, ["REWRITTEN", seq]);
  });
}

Deno.test("MiniStore.follow() throws REWRITTEN where the last record was replaced in place by one of the same size", async () => {
  const { fs, follower } = await followed(["a", "b"]);
  await using _ = follower;
  const failure = follower.failure();
  const kept = bytesOf(["a"]).length;
  const file = await fs.open(PATH, "append");
  await file.truncate(kept);
  await file.write(bytesOf(["a", "X"]).subarray(kept));
  assertEquals(await failure, ["REWRITTEN", 2]);
});

Deno.test("MiniStore.follow() throws REWRITTEN also after it has read a mark of a clean end", async () => {
  const { fs, follower } = await followed(["a", "b"]);
  await using _ = follower;
  const failure = follower.failure();
  const { bytes } = new JournalBytes().add({ seq: 1, data: "a" })
    .add({ seq: 2, data: "b" }).add({ close: 2 });
  const file = await fs.open(PATH, "append");
  await file.write(bytes.subarray(bytesOf(["a", "b"]).length));
  for (let turn = 0; turn < 1_000; turn++) await undefined;
  fs.put(PATH, bytesOf(["a", "X"]));
  assertEquals(await failure, ["REWRITTEN", 2]);
});

Deno.test("MiniStore.follow() throws REWRITTEN where a log that it has read is gone", async () => {
  const { fs, follower } = await followed(["a"]);
  await using _ = follower;
  const failure = follower.failure();
  fs.unlink(PATH);
  assertEquals(await failure, ["REWRITTEN", 1]);
});

Deno.test("MiniStore.follow() continues in another file that continues what it has read", async () => {
  const { fs, follower } = await followed(["a", "b"]);
  await using _ = follower;
  fs.put(PATH, bytesOf(["a", "b", "c"]));
  assertEquals(await follower.next(), "c");
  const next = follower.next();
  fs.put(PATH, bytesOf(["a", "b", "c"]));
  fs.put(PATH, bytesOf(["a", "b", "c", "d"]));
  assertEquals(await next, "d");
});

for (const [what, end] of [["no", ""], ["a NUL for its", "\0"]] as const) {
  Deno.test(`MiniStore.follow() continues where the last line has ${what} newline, which opening keeps`, async () => {
    for (const text of ["b", "b".repeat(200)]) {
      const { fs, follower } = await followed(["a", text]);
      await using _ = follower;
      const next = follower.next();
      const whole = new TextDecoder().decode(bytesOf(["a", text]));
      fs.put(PATH, new TextEncoder().encode(whole.slice(0, -1) + end));
      for (let turn = 0; turn < 200; turn++) await undefined;
      await using store = await MiniStore.open<string>(PATH, { fs });
      await store.append("c");
      assertEquals(await next, "c");
    }
  });
}

Deno.test("MiniStore.follow() throws REWRITTEN where a long line was cut", async () => {
  const texts = ["a", "b".repeat(200)];
  const { fs, follower } = await followed(texts);
  await using _ = follower;
  const failure = follower.failure();
  fs.put(PATH, bytesOf(texts).slice(0, -50));
  assertEquals(await failure, ["REWRITTEN", 2]);
});

Deno.test("MiniStore.follow() throws REWRITTEN where the file is emptied while it looks", async () => {
  const { fs, follower } = await followed(["a"]);
  await using _ = follower;
  const file = await fs.open(PATH, "append");
  let isComparing = false;
  fs.hooks.before = ({ operation }) => {
    if (operation === "seek") isComparing = true;
    else if (operation === "read" && isComparing) {
      fs.hooks = {};
      file.truncate(0);
    }
    return undefined;
  };
  // Two looks: the first has just verified the place.
  const failure = follower.failure();
  for (const name of ["one", "two"]) {
    for (let turn = 0; turn < 200; turn++) await undefined;
    fs.put(`/data/${name}`, new Uint8Array());
  }
  assertEquals(await failure, ["REWRITTEN", 1]);
});

Deno.test("MiniStore.follow() takes no notice of what was rewritten before it has read anything it gives", async () => {
  const { fs, follower } = await followed(["a", "b"], { from: 4 });
  await using _ = follower;
  const next = follower.next();
  for (const texts of [["X"], ["Y", "b"], ["Y", "b", "Z", "four"]]) {
    fs.put(PATH, bytesOf(texts));
    for (let turn = 0; turn < 200; turn++) await undefined;
  }
  assertEquals(await next, "four");
});

Deno.test("MiniStore.follow() stands on the record before the first that it gives", async () => {
  const { fs, follower } = await followed(["a", "b", "c"], { from: 3 });
  await using _ = follower;
  const failure = follower.failure();
  fs.put(PATH, bytesOf(["a", "b", "X"]));
  const [code] = await failure;
  assertEquals(code, "REWRITTEN");
});

Deno.test("MiniStore.follow() waits for the rest of a line, whatever was there before", async () => {
  const { fs, follower } = await followed(["a"]);
  await using _ = follower;
  const next = follower.next();
  const whole = bytesOf(["a", "a longer record"]);
  for (const bytes of [whole.slice(0, -20), whole.slice(0, -1), whole]) {
    fs.put(PATH, bytes);
    for (let turn = 0; turn < 200; turn++) await undefined;
  }
  assertEquals(await next, "a longer record");
});

Deno.test("MiniStore.follow() keeps the number of a record whose log has grown long", async () => {
  const texts = Array.from({ length: 200 }, (_, index) => `text ${index}`);
  for (const [at, least] of [[199, 200], [150, 120], [3, 1]] as const) {
    const { fs, follower } = await followed(texts);
    await using _ = follower;
    const failure = follower.failure();
    const rewritten = [...texts];
    rewritten[at] = "rewritten";
    fs.put(PATH, bytesOf(rewritten));
    const [code, seq = 0] = await failure;
    assertEquals([code, seq >= least, seq <= at + 1], [
      "REWRITTEN",
      true,
      true,
    ]);
  }
});

/** A writer whose next write does not fit, of which a follower has seen the first record. */
async function takingBack(options: StoreOptions<string> = {}) {
  const memory = new MemoryFileSystem();
  const holding = new HoldingFileSystem(memory);
  const store = await MiniStore.open<string>(PATH, {
    fs: holding.fs,
    ...options,
  });
  await store.append("one");
  const follower = new Follower<string>(PATH, { fs: memory });
  assertEquals(await follower.next(), "one");
  memory.hooks.before = ({ operation }) =>
    operation === "write" ? { code: "ENOSPC", keepBytes: 45 } : undefined;
  const held = holding.hold("write");
  const refused = [store.append("two"), store.append("three")]
    .map((append) => append.then(() => "done", ({ code }) => code));
  await held.reached;
  memory.hooks = {};
  assertEquals(await follower.next(), "two");
  return { memory, store, follower, held, refused };
}

Deno.test("MiniStore.follow() throws REWRITTEN when a living writer takes back a record that does not fit", async () => {
  const { store, follower, held, refused } = await takingBack();
  await using _ = follower;
  const failure = follower.failure();
  held.release();
  assertEquals(await Promise.all(refused), ["NO_SPACE", "NO_SPACE"]);
  assertEquals(await failure, ["REWRITTEN", 2]);
  await store.close();
});

for (const text of ["TWO", "another, which is longer"]) {
  Deno.test(`MiniStore.follow() throws REWRITTEN when "${text}" stands in place of a record, in the same file`, async () => {
    const { store, follower, held, refused } = await takingBack();
    await using _ = follower;
    held.release();
    await Promise.all(refused);
    await store.append(text);
    assertEquals(await follower.failure(), ["REWRITTEN", 2]);
    await store.close();
  });
}

Deno.test("MiniStore.follow() continues when the same record stands there again", async () => {
  const { store, follower, held, refused } = await takingBack();
  await using _ = follower;
  held.release();
  await Promise.all(refused);
  await store.append("two");
  await store.append("three");
  assertEquals(await follower.next(), "three");
  await store.close();
});

Deno.test("MiniStore.follow() gives a short record that stands where a long one had begun", async () => {
  const memory = new MemoryFileSystem();
  const holding = new HoldingFileSystem(memory);
  const store = await MiniStore.open<string>(PATH, { fs: holding.fs });
  await store.append("one");
  await using follower = new Follower<string>(PATH, { fs: memory });
  assertEquals(await follower.next(), "one");
  const next = follower.next();
  memory.hooks.before = ({ operation }) =>
    operation === "write" ? { code: "ENOSPC", keepBytes: 150 } : undefined;
  const held = holding.hold("write");
  const refused = store.append("x".repeat(200)).catch(({ code }) => code);
  await held.reached;
  memory.hooks = {};
  for (let turn = 0; turn < 200; turn++) await undefined;
  held.release();
  assertEquals(await refused, "NO_SPACE");
  await store.append("two");
  assertEquals(await next, "two");
  await store.close();
});

Deno.test("MiniStore.follow() throws REWRITTEN when the log is reset", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(PATH, { fs });
  await store.append("one");
  await using follower = new Follower<string>(PATH, { fs });
  assertEquals(await follower.next(), "one");
  const failure = follower.failure();
  await store.resetTo(10);
  await store.append("eleven");
  assertEquals(await failure, ["REWRITTEN", 1]);
});
