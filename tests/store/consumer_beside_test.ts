// Consumers in another process than the writer: here, with a handle that knows nothing of it.
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Consumer, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf, JournalBytes } from "../support/journal.ts";
import { numbers, threeSegments } from "../support/records.ts";

const PATH = "/data/journal.jsonl";
const POSITION = `${PATH}.consumer.uploader`;

function beside(
  fs: MemoryFileSystem,
  name = "uploader",
): Promise<Consumer<number>> {
  return MiniStore.consumer<number>(PATH, name, { fs });
}

async function take(
  consumer: Consumer<number>,
  count: number,
): Promise<number[]> {
  const records = [];
  for await (const record of consumer.follow()) {
    if (records.push(record) === count) break;
  }
  return numbers(records);
}

Deno.test("MiniStore.consumer() at the end of its log waits, and does nothing meanwhile", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1);
  await store.append(2);
  const signals: AbortSignal[] = [];
  fs.watch = (directory, signal) => {
    signals.push(signal);
    return MemoryFileSystem.prototype.watch.call(fs, directory, signal);
  };
  await using consumer = await beside(fs);
  await consumer.reset(1);
  const records = consumer.follow()[Symbol.asyncIterator]();
  const next = records.next();
  const idle = async () => {
    for (let turn = 0; turn < 1_000; turn++) await undefined;
    return fs.calls;
  };
  assertEquals(await idle(), await idle());
  await store.close();
  assertEquals((await next).value?.seq, 2);
  await consumer.reset(2);
  await records.return?.();
  const last = consumer.follow()[Symbol.asyncIterator]().next();
  assertEquals(await idle(), await idle());
  await consumer.close();
  assertEquals((await last).done, true);
  assertEquals(signals.map(({ aborted }) => aborted), [true, true]);
});

Deno.test("MiniStore.consumer() gives a record once a later one proves that it is durable", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1);
  await using consumer = await beside(fs);
  const records = consumer.follow()[Symbol.asyncIterator]();
  let isGiven = false;
  const first = records.next().finally(() => isGiven = true);
  // Long enough for one that gives what it can read.
  for (let turn = 0; turn < 1_000; turn++) await undefined;
  assertEquals(isGiven, false);
  await store.append(2);
  assertEquals((await first).value?.seq, 1);
  const second = records.next();
  await store.append(3, { durable: false });
  assertEquals((await second).value?.seq, 2);
  const third = records.next();
  await store.append(4, { durable: false });
  await assertRejects(
    () => consumer.reset(3),
    RangeError,
    "must be a durable record of the log, not 3; the last that is known to be durable is 2",
  );
  // The mark of a clean end proves the rest.
  await store.close();
  assertEquals((await third).value?.seq, 3);
  await consumer.commit(3);
  assertEquals((await records.next()).value?.seq, 4);
  assertEquals([consumer.position, consumer.lag], [3, 1]);
  await consumer.reset(4);
  assertEquals(consumer.lag, 0);
  assertEquals((await records.next()).done, true);
});

Deno.test("MiniStore.consumer() and store.consumer() have the same position, and the same lock", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await store.append(10);
  for (let last = 1; last <= 9; last++) {
    await using consumer = last % 2 === 0
      ? await store.consumer("uploader")
      : await beside(fs);
    assertEquals(await take(consumer, 1), [last]);
    await consumer.commit(last);
    assertEquals((await errorOf(beside(fs))).code, "LOCKED");
  }
  await using consumer = await beside(fs);
  for (let seq = 9; seq >= 0; seq--) {
    await consumer.reset(seq);
    if (seq < 9) assertEquals(await take(consumer, 1), [seq + 1]);
  }
});

Deno.test("MiniStore.consumer() holds compaction, and follows through it", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await store.append(10);
  await using consumer = await beside(fs);
  assertEquals((await store.compact(6)).heldBy?.name, "uploader");
  const records = consumer.follow()[Symbol.asyncIterator]();
  for (let seq = 1; seq <= 8; seq++) {
    assertEquals((await records.next()).value?.seq, seq);
    if (seq !== 6) continue;
    await consumer.commit(6);
    const { removed, heldBy } = await store.compact(6);
    assertEquals([removed.length, heldBy], [2, undefined]);
  }
  await store.rotate();
  await store.append(11);
  assertEquals((await records.next()).value?.seq, 9);
  assertEquals((await records.next()).value?.seq, 10);
  await store.compact(10, { ignoreConsumers: true });
  const error = await errorOf(take(consumer, 1));
  assertEquals([error.code, error.seq], ["COMPACTED", 7]);
  await consumer.reset(10);
  await store.append(12);
  assertEquals(await take(consumer, 1), [11]);
});

Deno.test("MiniStore.consumer() notices that the log was rewritten", async () => {
  const fs = new MemoryFileSystem();
  {
    await using _ = await threeSegments(PATH, fs);
    await using consumer = await beside(fs);
    await consumer.reset(6);
  }
  await (await MiniStore.open(PATH, { fs })).close();
  const whole = fs.content(PATH)!.slice();
  await using consumer = await beside(fs);
  await consumer.reset(9);
  const lines = new TextDecoder().decode(whole).split("\n");
  // An older copy of the active segment, which ends before the position.
  fs.put(PATH, new TextEncoder().encode(lines.slice(0, 2).join("\n") + "\n"));
  const shorter = await errorOf(take(consumer, 1));
  assertEquals(shorter.code, "REWRITTEN");
  assertStringIncludes(shorter.message, "what it held up to record 9");
  // One in which other records came after that.
  {
    await using store = await MiniStore.open<number>(PATH, { fs });
    for (const data of [80, 90, 100]) await store.append(data);
  }
  assertEquals((await errorOf(take(consumer, 1))).code, "REWRITTEN");
  await consumer.reset(7);
  for await (const { data } of consumer.follow()) {
    assertEquals(data, 80);
    break;
  }
});

Deno.test("MiniStore.consumer() ends with its signal, and when it is closed", async () => {
  const fs = new MemoryFileSystem();
  await using _ = await threeSegments(PATH, fs);
  const consumer = await beside(fs);
  const controller = new AbortController();
  const { signal } = controller;
  const records = consumer.follow({ signal })[Symbol.asyncIterator]();
  assertEquals((await records.next()).value?.seq, 1);
  const other = consumer.follow()[Symbol.asyncIterator]();
  for (let seq = 1; seq <= 7; seq++) await other.next();
  const waiting = other.next();
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await records.next().catch((error) => error), reason);
  await consumer.close();
  assertEquals((await waiting).done, true);
});

Deno.test("MiniStore.consumer() refuses what is no log, and options that it does not know", async () => {
  const fs = new MemoryFileSystem();
  assertEquals((await errorOf(beside(fs))).code, "NOT_FOUND");
  await fs.createDirectory("/data", 0o700);
  assertEquals((await errorOf(beside(fs))).code, "NOT_FOUND");
  assertEquals(fs.names("/data"), []);
  const text = '// MINISTORE JOURNAL v1.0.0\n"a"\n';
  fs.put(PATH, new TextEncoder().encode(text));
  assertEquals((await errorOf(beside(fs))).code, "UNSUPPORTED_FORMAT");
  assertEquals(fs.names("/data"), ["journal.jsonl"]);
  const unknown: object = { mode: 0o600 };
  await assertRejects(
    () => MiniStore.consumer(PATH, "uploader", unknown),
    TypeError,
    "no option",
  );
  await assertRejects(() => MiniStore.consumer(PATH, "x.lock"), TypeError);
});

Deno.test("MiniStore.consumer() leaves nothing locked when it fails", async () => {
  const memory = new MemoryFileSystem();
  await using _ = await threeSegments(PATH, memory);
  for (const operation of ["list", "open", "create", "rename"] as const) {
    memory.hooks.before = (call) =>
      call.operation === operation ? { code: "EIO" } : undefined;
    assertEquals((await errorOf(beside(memory))).code, "IO", operation);
  }
  memory.hooks = {};
  const consumer = await beside(memory);
  await consumer.close();
  assertEquals(memory.content(POSITION) !== undefined, true);
});

Deno.test("MiniStore.consumer() continues while the segment of its position is sealed", async () => {
  const memory = new MemoryFileSystem();
  const holding = new HoldingFileSystem(memory);
  await using store = await MiniStore.open<number>(PATH, { fs: holding.fs });
  await store.appendBatch([1, 2]);
  await store.append(3);
  await using consumer = await beside(memory);
  assertEquals(await take(consumer, 2), [1, 2]);
  await consumer.commit(2);
  const held = holding.hold("rename");
  const rotated = store.rotate();
  await held.reached;
  const next = take(consumer, 1);
  held.release();
  await rotated;
  assertEquals(await next, [3]);
});

Deno.test("MiniStore.follow({ durableOnly }) of a log waits for the fsync in its own process too", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1);
  await store.append(2, { durable: false });
  const records = store.follow({ durableOnly: true })[Symbol.asyncIterator]();
  assertEquals((await records.next()).value?.seq, 1);
  let isGiven = false;
  const next = records.next().finally(() => isGiven = true);
  assertEquals(numbers(await Array.fromAsync(store.replay())), [1, 2]);
  assertEquals(isGiven, false);
  await store.sync();
  assertEquals((await next).value?.seq, 2);
  await records.return?.();
});

Deno.test("commit() beside the writer is of what was given, whatever the log holds by then", async () => {
  const fs = new MemoryFileSystem();
  const log = (word: string) => {
    const journal = new JournalBytes();
    for (const seq of [1, 2, 3]) journal.add({ seq, data: `${word} ${seq}` });
    return journal.add({ close: 3 }).bytes;
  };
  fs.put(PATH, log("given"));
  await using consumer = await MiniStore.consumer(PATH, "uploader", { fs });
  assertEquals([consumer.position, consumer.lag], [0, 3]);
  for await (const { seq } of consumer.follow()) if (seq === 2) break;
  fs.put(PATH, log("other"));
  await consumer.commit(2);
  const error = await errorOf(Array.fromAsync(consumer.follow()));
  assertEquals([error.code, consumer.position], ["REWRITTEN", 2]);
});

Deno.test("reset() beside the writer goes to what was made durable since", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1);
  await using consumer = await beside(fs);
  await store.append(2);
  await store.append(3);
  await consumer.reset(2);
  assertEquals(consumer.position, 2);
  await store.close();
});

Deno.test("MiniStore.consumer() fails where the directory cannot be listed, and says why", async () => {
  const fs = new MemoryFileSystem();
  await using _store = await threeSegments(PATH, fs);
  let left = 1;
  fs.hooks.before = ({ operation }) =>
    operation === "list" && left-- > 0 ? { code: "EIO" } : undefined;
  const { code, message } = await errorOf(beside(fs));
  assertEquals(code, "IO");
  assertEquals(message, 'Cannot list "/data": EIO: /data; nothing was changed');
});
