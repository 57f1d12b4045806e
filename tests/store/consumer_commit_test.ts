import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { open, PATH, POSITION, stored, take } from "../support/consumer.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { numbers, threeSegments } from "../support/records.ts";

Deno.test("commit() is durable before it resolves, and many share a write", async () => {
  const memory = new MemoryFileSystem();
  const holding = new HoldingFileSystem(memory);
  const { fs } = holding;
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.appendBatch([1, 2, 3]);
  await store.appendBatch([4, 5, 6]);
  await using consumer = await store.consumer("uploader");
  await take(consumer, 6);
  const held = holding.hold("syncDirectory");
  let isDone = false;
  const first = consumer.commit(1).finally(() => isDone = true);
  await held.reached;
  assertEquals([isDone, consumer.position], [false, 0]);
  const others = [2, 3, 4, 4, 5].map((seq) => consumer.commit(seq));
  let renames = 0;
  memory.hooks.before = ({ operation }) => {
    if (operation === "rename") renames++;
    return undefined;
  };
  held.release();
  await first;
  await Promise.all(others);
  assertEquals([consumer.position, renames], [5, 1]);
  await consumer.commit(5);
  assertEquals(renames, 1, "it is durable already");
});

Deno.test("commit() refuses a number before the position, and one that was not given", async () => {
  await using store = await threeSegments(PATH, new MemoryFileSystem());
  await using consumer = await store.consumer("uploader");
  await assertRejects(() => consumer.commit(1), RangeError, "not be after 0");
  await take(consumer, 4);
  await assertRejects(() => consumer.commit(5), RangeError, "not be after 4");
  for (const seq of [-1, 1.5, NaN]) {
    await assertRejects(() => consumer.commit(seq), RangeError, "whole number");
  }
  const later = consumer.commit(3);
  const earlier = consumer.commit(2);
  await assertRejects(() => earlier, RangeError, "not be before 3");
  await later;
  await assertRejects(() => consumer.commit(2), RangeError, "not be before 3");
  await consumer.commit(3);
  // What was given before stays so when it begins again.
  await take(consumer, 1);
  await consumer.commit(4);
  assertEquals(consumer.position, 4);
});

Deno.test("commit() that fails leaves the position, and can be called again", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await using consumer = await store.consumer("uploader");
  await take(consumer, 9);
  await consumer.commit(1);
  const failures = [
    ["create", "EACCES", "PERMISSION"],
    ["write", "ENOSPC", "NO_SPACE"],
    ["sync", "EIO", "IO"],
    ["rename", "EIO", "IO"],
    ["syncDirectory", "EIO", "IO"],
  ] as const;
  for (const [operation, code, wanted] of failures) {
    fs.hooks.before = (call) =>
      call.operation === operation ? { code } : undefined;
    const error = await errorOf(consumer.commit(5));
    assertEquals(error.code, wanted, operation);
    assertStringIncludes(error.message, 'the position of consumer "uploader"');
    assertEquals((await errorOf(consumer.reset(3))).code, wanted, operation);
    assertEquals(consumer.position, 1);
    fs.hooks = {};
    assertEquals(stored(fs).seq, operation === "syncDirectory" ? 3 : 1);
  }
  // A lower number than one that failed is not before the position.
  await consumer.commit(4);
  assertEquals(stored(fs).seq, 4);
});

Deno.test("a consumer is neither opened nor removed where the directory cannot be synced", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await (await store.consumer("uploader")).close();
  fs.hooks.before = ({ operation }) =>
    operation === "syncDirectory" ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(store.consumer("uploader"))).code, "IO");
  assertEquals((await errorOf(store.removeConsumer("uploader"))).code, "IO");
});

Deno.test("a consumer whose position others can have forged is refused", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await (await store.consumer("uploader")).close();
  fs.give("/data", { mode: 0o777 });
  fs.give(POSITION, { uid: 4_000, mode: 0o644 });
  const error = await errorOf(store.consumer("uploader"));
  assertEquals(error.code, "PERMISSION");
  assertStringIncludes(error.message, "cannot be trusted");
});

Deno.test("commit() refuses once the lock is somebody else's", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await using consumer = await store.consumer("uploader");
  await take(consumer, 2);
  await fs.remove(`${POSITION}.lock`);
  const error = await errorOf(consumer.commit(2));
  assertStringIncludes(error.message, "its lock file was removed or replaced");
  assertEquals([error.code, stored(fs).seq], ["IO", 0]);
});

Deno.test("commit() finds the place of a record that was given long ago", async () => {
  const fs = new MemoryFileSystem();
  await using store = await open(fs, { maxSegmentBytes: 100_000 });
  const all = Array.from({ length: 10_000 }, (_, index) => index + 1);
  await Promise.all(all.map((n) => store.append(n)));
  await using consumer = await store.consumer("uploader");
  await take(consumer, all.length);
  for (const seq of [1, 17, 3_000, 9_000, 10_000]) {
    await consumer.commit(seq);
    const { seq: at, base } = stored(fs);
    assertEquals(at, seq);
    assert(Number(base) < seq);
    await using other = await store.consumer(`other-${seq}`);
    await other.reset(seq);
    const file = fs.content(`${PATH}.consumer.other-${seq}`);
    assertEquals(file, fs.content(POSITION));
  }
  // Those of another iteration are not taken for its own.
  await consumer.reset(0);
  await take(consumer, 100);
  await take(consumer, 3);
  await consumer.commit(50);
  assertEquals(numbers(await take(consumer, 1)), [51]);
});

Deno.test("reset() sets the position anywhere, and ends what follows from the old one", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await using consumer = await store.consumer("uploader");
  const before = consumer.follow()[Symbol.asyncIterator]();
  assertEquals((await before.next()).value?.seq, 1);
  for (let seq = 9; seq >= 0; seq--) {
    await consumer.reset(seq);
    assertEquals([consumer.position, stored(fs).seq], [seq, seq]);
    if (seq < 9) assertEquals(numbers(await take(consumer, 1)), [seq + 1]);
  }
  assertEquals((await before.next()).done, true);
  await assertRejects(() => consumer.reset(10), RangeError, "not 10");
  await assertRejects(() => consumer.reset(-1), RangeError, "whole number");
  await take(consumer, 5);
  const [reset, commit] = [consumer.reset(2), consumer.commit(5)];
  await reset;
  await assertRejects(() => commit, RangeError, "not be after 2");
  assertEquals(consumer.position, 2);
});

Deno.test("reset() ends one that waits, and one that is about to give a record", async () => {
  const memory = new MemoryFileSystem();
  const holding = new HoldingFileSystem(memory);
  await using store = await MiniStore.open<number>(PATH, { fs: holding.fs });
  await store.append(1);
  await using consumer = await store.consumer("uploader");
  await consumer.reset(1);
  const waiting = consumer.follow()[Symbol.asyncIterator]().next();
  await consumer.reset(0);
  assertEquals((await waiting).done, true);
  const held = holding.hold("read");
  const reading = consumer.follow()[Symbol.asyncIterator]().next();
  await held.reached;
  await consumer.reset(1);
  held.release();
  assertEquals((await reading).done, true);
});
