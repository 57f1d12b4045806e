import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { ROOT } from "../support/child.ts";
import { open, PATH, POSITION, stored, take } from "../support/consumer.ts";
import { errorOf } from "../support/journal.ts";
import { numbers, threeSegments } from "../support/records.ts";

Deno.test("a consumer continues after what it has committed, in a later process too", async () => {
  const fs = new MemoryFileSystem();
  {
    await using store = await threeSegments(PATH, fs);
    await using consumer = await store.consumer("uploader");
    assertEquals(
      [consumer.name, consumer.position, consumer.lag],
      ["uploader", 0, 9],
    );
    assertEquals(numbers(await take(consumer, 5)), [1, 2, 3, 4, 5]);
    await consumer.commit(4);
    assertEquals([consumer.position, consumer.lag], [4, 5]);
    // It begins again after the position.
    assertEquals(numbers(await take(consumer, 2)), [5, 6]);
  }
  await using store = await open(fs);
  await using consumer = await store.consumer("uploader");
  assertEquals(consumer.position, 4);
  const followed = take(consumer, 7);
  await store.appendBatch([10, 11]);
  assertEquals(numbers(await followed), [5, 6, 7, 8, 9, 10, 11]);
});

Deno.test("a consumer begins at every record where it left off, within batches and at the ends of segments", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  for (let last = 1; last <= 9; last++) {
    await using consumer = await store.consumer("uploader");
    assertEquals(numbers(await take(consumer, 1)), [last]);
    await consumer.commit(last);
  }
  await using consumer = await store.consumer("uploader");
  assertEquals([consumer.position, consumer.lag], [9, 0]);
});

Deno.test("a consumer is given only what is durable", async () => {
  const fs = new MemoryFileSystem();
  await using store = await open(fs);
  await using consumer = await store.consumer("uploader");
  await store.append(1);
  await store.append(2, { durable: false });
  const records = consumer.follow()[Symbol.asyncIterator]();
  assertEquals((await records.next()).value?.seq, 1);
  let isGiven = false;
  const next = records.next().finally(() => isGiven = true);
  // What is acknowledged and not durable can be read meanwhile.
  assertEquals(numbers(await Array.fromAsync(store.replay())), [1, 2]);
  assertEquals([store.sequence, isGiven], [2, false]);
  await assertRejects(() => consumer.reset(2), RangeError, "durable");
  await store.sync();
  assertEquals((await next).value?.seq, 2);
  await store.append(3, { durable: false });
  await store.append(4);
  assertEquals((await records.next()).value?.seq, 3);
  assertEquals((await records.next()).value?.seq, 4);
  await records.return?.();
});

Deno.test("a consumer ends with its log, with its signal, and when it is closed", async () => {
  const fs = new MemoryFileSystem();
  const store = await threeSegments(PATH, fs);
  const consumer = await store.consumer("uploader");
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("enough");
  const stopped = Array.fromAsync(consumer.follow({ signal }));
  await take(consumer, 9);
  controller.abort(reason);
  assertEquals(await stopped.catch((error) => error), reason);
  const none = Array.fromAsync(consumer.follow({ signal }));
  assertEquals(await none.catch((error) => error), reason);

  const other = await store.consumer("other");
  const ended = Array.fromAsync(other.follow());
  await take(other, 9);
  await other.close();
  await other.close();
  assertEquals((await ended).length, 9);
  assertThrows(() => other.follow(), Error, "it was closed");
  assertEquals((await errorOf(other.commit(1))).code, "CLOSED");
  assertEquals((await errorOf(other.reset(1))).code, "CLOSED");

  const all = Array.fromAsync(consumer.follow());
  await store.append(10);
  await store.close();
  assertEquals((await all).length, 10);
  // What it was given can be committed still.
  await consumer.commit(10);
  assertEquals(consumer.position, 10);
  await consumer.close();
  assertEquals((await errorOf(store.consumer("late"))).code, "CLOSED");
  assertEquals((await errorOf(store.consumers())).code, "CLOSED");
  assertEquals((await errorOf(store.removeConsumer("late"))).code, "CLOSED");
});

Deno.test("a consumer gets the error of a poisoned log, after what is durable", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  await store.append(1);
  const consumer = await store.consumer("uploader");
  const records = consumer.follow()[Symbol.asyncIterator]();
  assertEquals((await records.next()).value?.seq, 1);
  const next = records.next();
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(store.append(2))).code, "POISONED");
  assertEquals((await errorOf(next)).code, "POISONED");
  fs.hooks = {};
  await consumer.commit(1);
  await consumer.close();
  await store.close();
});

Deno.test("a consumer's schema refuses what is not for it, as replay does", async () => {
  const fs = new MemoryFileSystem();
  {
    await using store = await open(fs);
    await store.append(1);
  }
  await using store = await open(fs, {
    schema: {
      "~standard": { validate: () => ({ issues: [{ message: "never" }] }) },
    },
  });
  await using consumer = await store.consumer("uploader");
  assertEquals((await errorOf(take(consumer, 1))).code, "INVALID");
});

Deno.test("one handle at a time has a consumer", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  const consumer = await store.consumer("uploader");
  const error = await errorOf(store.consumer("uploader"));
  assertEquals(error.code, "LOCKED");
  assertStringIncludes(
    error.message,
    `Cannot open consumer "uploader" of "${PATH}": this process has it open`,
  );
  assertEquals(
    (await errorOf(store.removeConsumer("uploader"))).code,
    "LOCKED",
  );
  await using _ = await store.consumer("other");
  await consumer.close();
  await using again = await store.consumer("uploader");
  assertEquals(again.position, 0);
});

Deno.test("the name of a consumer cannot be that of another file", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  const bad = [
    "",
    ".",
    "..",
    "a.",
    ".a",
    "x.lock",
    "x.LOCK",
    "x.tmp",
    "x.lock.71.c0ffee00-4711",
    "x.jsonl",
    "a/b",
    "../a",
    "a b",
    "ä",
    "a\n",
    "x".repeat(65),
  ];
  for (const name of [...bad, 1 as unknown as string]) {
    await assertRejects(() => store.consumer(name), TypeError, "name of a con");
    await assertRejects(() => store.removeConsumer(name), TypeError);
  }
  const good = ["lock", "A.b_c-9", "0", "locks.tmpl", "x".repeat(64)];
  for (const name of good) await (await store.consumer(name)).close();
  const names = (await store.consumers()).map(({ name }) => name);
  assertEquals(names, good.toSorted());
});

Deno.test("consumers() lists positions and lags, and removeConsumer() removes one", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  assertEquals(await store.consumers(), []);
  await using fast = await store.consumer("fast");
  await fast.reset(9);
  const slow = await store.consumer("slow");
  await slow.reset(2);
  await slow.close();
  assertEquals(await store.consumers(), [
    { name: "fast", position: 9, lag: 0 },
    { name: "slow", position: 2, lag: 7 },
  ]);
  assertEquals(await store.removeConsumer("slow"), true);
  assertEquals(await store.removeConsumer("slow"), false);
  assertEquals((await store.consumers()).length, 1);
  assertEquals(fs.names("/data").filter((name) => name.includes("slow")), []);
  await using again = await store.consumer("slow");
  assertEquals(again.position, 0);
});

Deno.test("a consumer of a journal of the Rust program is refused", async () => {
  const fs = new MemoryFileSystem();
  const text = '// MINISTORE JOURNAL v1.0.0\n"a"\n';
  await fs.createDirectory("/data", 0o700);
  fs.put(PATH, new TextEncoder().encode(text));
  await using store = await open(fs);
  const error = await errorOf(store.consumer("uploader"));
  assertEquals(error.code, "UNSUPPORTED_FORMAT");
});

Deno.test("a consumer reads the position in docs/FORMAT.md", async () => {
  const page = await Deno.readTextFile(join(ROOT, "docs/FORMAT.md"));
  const [, log] = /```jsonl journal\n([^`]*)```/.exec(page)!;
  const [position] = /^\{.*"chain":.*\n/m.exec(page)!;
  const fs = new MemoryFileSystem();
  await fs.createDirectory("/data", 0o700);
  fs.put(PATH, new TextEncoder().encode(log));
  fs.put(POSITION, new TextEncoder().encode(position));
  await using store = await MiniStore.open<unknown>(PATH, { fs });
  await using consumer = await store.consumer("uploader");
  assertEquals([consumer.position, consumer.lag], [5, 1]);
  for await (const { seq, data } of consumer.follow()) {
    assertEquals([seq, data], [6, "d"]);
    break;
  }
  const before = position.trimEnd();
  await consumer.reset(0);
  await consumer.reset(5);
  assertEquals(JSON.stringify(stored(fs)), before);
});

Deno.test("a consumer that could not be made holds nothing up, and begins again", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  let isInPlace = false;
  fs.hooks.before = ({ operation, path }) => {
    if (operation === "rename" && path.startsWith(POSITION)) isInPlace = true;
    const fails = isInPlace && operation === "syncDirectory";
    return fails ? { code: "EIO" } : undefined;
  };
  const error = await errorOf(store.consumer("uploader"));
  assertEquals(error.code, "IO");
  assertStringIncludes(error.message, "EIO");
  fs.hooks = {};
  assertEquals(isInPlace, true);
  assertEquals(await store.consumers(), []);
  await store.compact(6);
  await using consumer = await store.consumer("uploader");
  const { firstSequence } = store;
  assertEquals(consumer.position, firstSequence - 1);
  assertEquals(numbers(await take(consumer, 1)), [firstSequence]);
});

Deno.test("a consumer that could not be made, because others have made it, is theirs", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  const theirs = new TextEncoder().encode("theirs");
  fs.hooks.before = ({ operation, path }) => {
    if (operation !== "create" || path !== `${POSITION}.tmp`) return undefined;
    // Somebody else removes the consumer, and makes it again.
    fs.unlink(`${POSITION}.lock`);
    fs.put(POSITION, theirs);
    return { code: "EIO" };
  };
  assertEquals((await errorOf(store.consumer("uploader"))).code, "IO");
  fs.hooks = {};
  assertEquals(fs.content(POSITION), theirs);
});
