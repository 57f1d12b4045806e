import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, JournalBytes, openAndRead } from "../support/journal.ts";
import { countingSyncs } from "../support/syncs.ts";

Deno.test("MiniStore.append() resolves to sequence numbers from 1 without gaps", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at());
  assertEquals([store.sequence, store.firstSequence], [0, 1]);
  assertEquals(await store.append("a"), 1);
  assertEquals(await store.appendBatch(["b", "c"]), 3);
  assertEquals(await store.append("d"), 4);
  assertEquals(store.sequence, 4);
});

Deno.test("MiniStore.append() of concurrent callers shares fsyncs and keeps the order of the calls", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using store = await MiniStore.open<number>(directory.at(), { fs });
  const before = syncs();
  const resolved: number[] = [];
  const values = Array.from({ length: 500 }, (_, index) => index);
  await Promise.all(values.map(async (value) => {
    resolved.push(await store.append(value));
  }));
  assertEquals(resolved, values.map((value) => value + 1));
  assert(syncs() - before <= 2, `${syncs() - before} fsyncs`);
  const data = await Array.fromAsync(store.replay(), (record) => record.data);
  assertEquals(data, values);
});

Deno.test("MiniStore.append() of a record that is too long to be encoded refuses it alone, and the log continues", async () => {
  await using directory = new TestDirectory();
  const limit = 5 * 1024 * 1024;
  const { encode } = TextEncoder.prototype;
  {
    await using store = await MiniStore.open<string>(directory.at());
    TextEncoder.prototype.encode = function (text) {
      if (text!.length <= limit) return encode.call(this, text);
      throw new RangeError("Invalid string length");
    };
    try {
      const records = ["a", "x".repeat(limit), "b"];
      const [a, long, b] = records.map((record) => store.append(record));
      const error = errorOf(long!);
      assertEquals([await a, await b], [1, 2]);
      assertEquals((await error).code, "TOO_LARGE");
      assertEquals(await store.append("c"), 3);
    } finally {
      TextEncoder.prototype.encode = encode;
    }
  }
  const opened = await openAndRead(directory.at());
  assertEquals(opened, { data: ["a", "b", "c"], outcome: "clean" });
});

Deno.test("MiniStore.append() shares its fsync with appends that do not wait for one, in any order", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using store = await MiniStore.open<string>(directory.at(), { fs });
  for (const order of [[true, false], [false, true]]) {
    const before = syncs();
    await Promise.all(
      order.map((durable) => store.append("x", { durable })),
    );
    assertEquals(syncs() - before, 1);
  }
});

Deno.test("MiniStore.append() one after another syncs each before it resolves", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using store = await MiniStore.open<number>(directory.at(), { fs });
  for (let value = 1; value <= 5; value++) {
    const before = syncs();
    await store.append(value);
    assertEquals(syncs() - before, 1);
  }
});

Deno.test("MiniStore.append() with durable: false resolves without an fsync, and the next one covers it", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using store = await MiniStore.open<string>(directory.at(), { fs });
  const before = syncs();
  assertEquals(await store.append("a", { durable: false }), 1);
  assertEquals(syncs() - before, 0);
  await store.append("b");
  assertEquals(syncs() - before, 1);
  const data = await Array.fromAsync(store.replay(), (record) => record.data);
  assertEquals(data, ["a", "b"]);
});

Deno.test("MiniStore.open() with durable: false leaves fsync to close()", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  const store = await MiniStore.open<string>(directory.at(), {
    fs,
    durable: false,
  });
  const before = syncs();
  await store.append("a");
  await store.appendBatch(["b", "c"]);
  assertEquals(syncs() - before, 0);
  await store.close();
  assert(syncs() > before);
});

Deno.test("MiniStore.append() keeps records of every length about 8 KiB", async () => {
  const fs = new MemoryFileSystem();
  const records = Array.from(
    { length: 100 },
    (_, at) => "x".repeat(8_100 + at),
  );
  await using store = await MiniStore.open<string>("/journal.jsonl", { fs });
  await Promise.all(records.map((record) => store.append(record)));
  const read = await Array.fromAsync(store.replay(), ({ data }) => data);
  assertEquals(read, records);
});

Deno.test("MiniStore.append() serialises before it returns", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<{ value: number }>(directory.at());
  const record = { value: 1 };
  const appended = store.append(record);
  record.value = 2;
  await appended;
  const [first] = await Array.fromAsync(store.replay());
  assertEquals(first, { seq: 1, data: { value: 1 } });
});

Deno.test("MiniStore.appendBatch() writes one line, so that all of it is there or none", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<string>(directory.at());
    await store.append("a");
    await store.appendBatch(["b", "c", "d"]);
  }
  const text = await Deno.readTextFile(directory.at());
  const end = text.indexOf('{"crc":"', text.indexOf('"batch"'));
  for (let cut = text.indexOf('"batch"'); cut < end - 1; cut++) {
    await Deno.writeTextFile(directory.at(), text.slice(0, cut));
    const opened = await openAndRead(directory.at());
    const whole = cut === end - 1;
    assertEquals(opened, {
      data: whole ? ["a", "b", "c", "d"] : ["a"],
      outcome: "torn",
    });
  }
});

Deno.test("MiniStore.appendBatch() of nothing appends nothing", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at());
  await store.append("a");
  assertEquals(await store.appendBatch([]), 1);
  assertEquals(await store.append("b"), 2);
});

Deno.test("MiniStore rejects every call after close() with CLOSED", async () => {
  await using directory = new TestDirectory();
  const store = await MiniStore.open<string>(directory.at());
  await store.append("a");
  await store.close();
  await store.close();
  const calls: (() => Promise<unknown>)[] = [
    () => store.append("b"),
    () => store.appendBatch(["b"]),
    () => store.appendBatch([]),
    () => store.rotate(),
    () => store.sync(),
    () => store.compact(1),
    () => store.resetTo(9),
    () => store.consumer("a"),
    () => store.consumers(),
    () => store.removeConsumer("a"),
    async () => await Array.fromAsync(store.replay()),
    async () => await Array.fromAsync(store.follow()),
  ];
  for (const call of calls) {
    assertEquals((await errorOf(call())).code, "CLOSED");
  }
});

Deno.test("MiniStore.close() waits for the appends under way", async () => {
  await using directory = new TestDirectory();
  const store = await MiniStore.open<number>(directory.at());
  const appends = [1, 2, 3].map((value) => store.append(value));
  await store.close();
  assertEquals(await Promise.all(appends), [1, 2, 3]);
  const opened = await openAndRead(directory.at());
  assertEquals(opened, { data: [1, 2, 3], outcome: "clean" });
});

Deno.test("MiniStore.append() rejects when there are no more sequence numbers", async () => {
  await using directory = new TestDirectory();
  const journal = new JournalBytes({ base: Number.MAX_SAFE_INTEGER - 1 });
  await Deno.writeFile(directory.at(), journal.bytes);
  await using store = await MiniStore.open<string>(directory.at());
  assertEquals(await store.append("last"), Number.MAX_SAFE_INTEGER);
  assertEquals((await errorOf(store.append("beyond"))).code, "TOO_LARGE");
});

Deno.test("MiniStore.sync() makes durable what was appended with durable: false, at the cost of one fsync", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using store = await MiniStore.open<string>(directory.at(), { fs });
  await store.append("a", { durable: false });
  const before = syncs();
  await store.sync();
  await store.sync();
  assertEquals(syncs() - before, 1);
  await store.append("b");
  const text = await Deno.readTextFile(directory.at());
  assert(
    !text.includes('"durable"'),
    "the next record says that all before it is durable",
  );
});

Deno.test("MiniStore.append() writes commits of every size around 2 KiB, of one line and of many, that opening finds whole", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  const expected: string[] = [];
  const store = await MiniStore.open<string>(path, { fs });
  for (let length = 1_900; length < 2_100; length++) {
    const one = "é".repeat(8) + "x".repeat(length);
    const many = Array.from({ length: 16 }, () => "y".repeat(length >> 5));
    await store.append(one);
    await Promise.all(many.map((each) => store.append(each)));
    expected.push(one, ...many);
  }
  await store.close();
  await using again = await MiniStore.open<string>(path, { fs });
  const found = await Array.fromAsync(again.replay(), ({ data }) => data);
  assertEquals(found, expected);
});
