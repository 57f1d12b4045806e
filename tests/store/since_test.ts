import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { MiniStore, type StoreOptions } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { WallClock } from "../support/wall_clock.ts";

const PATH = "/data/journal.jsonl";
const SEALED = "/data/journal.00000000000000000000.jsonl";
const T0 = Date.UTC(2026, 0, 1);
const UNSET = 60_000;

function open(
  fs: MemoryFileSystem,
  options: StoreOptions<string> = {},
): Promise<MiniStore<string>> {
  return MiniStore.open<string>(PATH, { fs, timestamps: true, ...options });
}

Deno.test("replay({ since }) and follow({ since }) start at the first record that is as late", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  for (const text of ["a", "b", "c"]) {
    await store.append(text);
    clock.ms += 10;
  }
  const since = (ms: number) => ({ since: new Date(T0 + ms) });
  const data = (range: Parameters<typeof store.replay>[0]) =>
    Array.fromAsync(store.replay(range), ({ data }) => data);
  assertEquals(await data(since(-1)), ["a", "b", "c"]);
  assertEquals(await data(since(10)), ["b", "c"]);
  assertEquals(await data(since(11)), ["c"]);
  assertEquals(await data(since(21)), []);
  assertEquals(await data({ ...since(5), from: 3 }), ["c"]);
  assertEquals(await data({ ...since(5), to: 2 }), ["b"]);
  assertEquals(await data({ ...since(5), to: 1 }), []);
  const followed = Array.fromAsync(store.follow(since(25)), ({ data }) => data);
  await store.append("d");
  await store.append("e");
  await store.close();
  assertEquals(await followed, ["d", "e"]);
});

Deno.test("replay({ since }) and seqAt() do not read the segments before", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  for (const text of ["a", "b", "c", "d"]) {
    await store.append(text);
    await store.rotate();
    clock.ms += 10;
  }
  const bytes = fs.content(SEALED)!;
  bytes[bytes.length - 5]! ^= 1;
  fs.put(SEALED, bytes);
  const since = new Date(T0 + 15);
  const late = MiniStore.replay<string>(PATH, { fs, since });
  assertEquals(await Array.fromAsync(late, ({ data }) => data), ["c", "d"]);
  assertEquals(await store.seqAt(since), 2);
  const all = Array.fromAsync(store.replay({ since: new Date(T0 - 1) }));
  assertEquals((await errorOf(all)).code, "CORRUPT");
  assertEquals((await errorOf(store.seqAt(new Date(T0 + 5)))).code, "CORRUPT");
});

Deno.test("replay({ since }) refuses a segment under another name, as any replay", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  for (const text of ["a", "b", "c"]) {
    await store.append(text);
    await store.rotate();
    clock.ms++;
  }
  fs.put(SEALED.replace("0.jsonl", "1.jsonl"), fs.content(SEALED)!);
  const since = new Date(T0 + 1);
  const records = Array.fromAsync(MiniStore.replay(PATH, { fs, since }));
  assertEquals((await errorOf(records)).code, "CORRUPT");
});

Deno.test("replay({ since }) finds the time of a record after the mark of a clean end", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const first = await open(fs);
  await first.append("a");
  await first.rotate();
  await first.close();
  clock.ms += 10;
  const store = await open(fs);
  await store.append("b");
  const bytes = fs.content(SEALED)!;
  bytes[bytes.length - 5]! ^= 1;
  fs.put(SEALED, bytes);
  const records = store.replay({ since: new Date(T0 + 11) });
  assertEquals(await Array.fromAsync(records), []);
});

Deno.test("seqAt() finds the last record at or before a time", async () => {
  using clock = new WallClock(UNSET);
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  assertEquals(await store.seqAt(new Date(T0)), 0);
  await store.append("before the clock was set");
  assertEquals(await store.seqAt(new Date(T0)), 0);
  clock.ms = T0;
  await store.appendBatch(["a", "b"]);
  clock.ms = T0 + 10;
  await store.append("c");
  const seqAt = (ms: number) => store.seqAt(new Date(T0 + ms));
  assertEquals(await seqAt(-1), 0);
  assertEquals(await seqAt(0), 3);
  assertEquals(await seqAt(9), 3);
  assertEquals(await seqAt(10), 4);
  assertEquals(await seqAt(1e9), 4);
  await store.rotate();
  await store.compact(4);
  // It remembers when the last record was added, and its file does not tell.
  assertEquals([await seqAt(9), await seqAt(10), await seqAt(1e9)], [0, 4, 4]);
  await store.close();
  const again = await open(fs);
  assertEquals(await again.seqAt(new Date(T0 + 1e9)), 0);
});

Deno.test("a log without times cannot be read by time, and says so", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { timestamps: false });
  const since = new Date(T0);
  assertEquals(await store.seqAt(since), 0);
  assertEquals(await Array.fromAsync(store.replay({ since })), []);
  await store.append("a");
  const told = /no record that was read has one/;
  await assertRejects(() => store.seqAt(since), TypeError, "no record");
  for (
    const records of [
      store.replay({ since }),
      MiniStore.replay(PATH, { fs, since }),
    ]
  ) {
    const error = await assertRejects(
      () => Array.fromAsync(records),
      TypeError,
    );
    assert(told.test(error.message), error.message);
  }
  await store.close();
  // What is open with times may have none yet.
  const timed = await open(fs);
  assertEquals(await timed.seqAt(since), 0);
  assertEquals(await Array.fromAsync(timed.replay({ since })), []);
});

Deno.test("follow({ since }) of a log without times says so once it has read the records that are there", async () => {
  const fs = new MemoryFileSystem();
  await using store = await open(fs, { timestamps: false });
  const since = new Date(T0);
  const stop = new AbortController();
  const options = { since, signal: stop.signal };
  const followers = [
    store.follow(options),
    store.follow({ ...options, durableOnly: true }),
    MiniStore.follow(PATH, { ...options, fs }),
  ].map((records) => assertRejects(() => Array.fromAsync(records), TypeError));
  const later = store.follow({ ...options, from: 3 });
  const isLate = assertRejects(() => Array.fromAsync(later), Error, "enough");
  // The first look finds no record, so that nothing is missing yet.
  for (let turn = 0; turn < 200; turn++) await undefined;
  await store.append("a");
  await store.append("b");
  for (const { message } of await Promise.all(followers)) {
    assertStringIncludes(message, "no record that was read has one");
  }
  stop.abort(new Error("enough"));
  await isLate;
});

Deno.test("follow({ since }) of a log that is open with times waits for one", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const untimed = await open(fs, { timestamps: false });
  await untimed.append("a");
  await untimed.close();
  await using store = await open(fs);
  const records = store.follow({ since: new Date(T0) })[Symbol.asyncIterator]();
  const next = records.next();
  for (let turn = 0; turn < 200; turn++) await undefined;
  await store.append("b");
  const at = new Date(clock.ms);
  assertEquals((await next).value, { seq: 2, data: "b", at });
  await records.return?.();
});

Deno.test("times that are none are refused", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  for (const since of [new Date(NaN), T0 as unknown as Date]) {
    assertThrows(() => store.replay({ since }), TypeError, "since must be");
    assertThrows(() => store.follow({ since }), TypeError, "since must be");
    assertThrows(
      () => MiniStore.replay(PATH, { fs, since }),
      TypeError,
      "since must be",
    );
    await assertRejects(() => store.seqAt(since), TypeError, "time must be");
  }
});

Deno.test("a follower elsewhere tells the times, from a time on, and after the file was replaced", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const first = await open(fs);
  await first.append("a");
  await first.rotate();
  clock.ms += 10;
  await first.append("b");
  const since = new Date(T0 + 5);
  const records = MiniStore.follow<string>(PATH, { fs, since })
    [Symbol.asyncIterator]();
  const next = async () => (await records.next()).value;
  const at = new Date(T0 + 10);
  assertEquals(await next(), { seq: 2, data: "b", at });
  // A crash: opening copies the segment, and what is appended has no time of its own.
  fs.restart();
  const second = await open(fs, { timestamps: false });
  await second.append("c");
  assertEquals(await next(), { seq: 3, data: "c", at });
  await second.rotate();
  await second.append("d");
  assertEquals(await next(), { seq: 4, data: "d" });
  await records.return?.();
  await second.close();
});

Deno.test("openReader() finds records by their times", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  await using empty = await MiniStore.openReader<string>(PATH, { fs });
  assertEquals(await empty.seqAt!(new Date(T0)), 0);
  await store.append("a");
  clock.ms += 10;
  await store.append("b");
  await using reader = await MiniStore.openReader<string>(PATH, { fs });
  await store.append("c");
  assertEquals(await reader.seqAt!(new Date(T0 + 9)), 1);
  assertEquals(await reader.seqAt!(new Date(T0 + 10)), 2);
  const late = reader.replay({ since: new Date(T0 + 10) });
  assertEquals(await Array.fromAsync(late, ({ data }) => data), ["b"]);
  await assertRejects(
    () => reader.seqAt!(new Date(NaN)),
    TypeError,
    "time must be",
  );
});

Deno.test("openReader(): seqAt() believes a damage that it sees twice, and no other", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  for (const text of ["a", "b", "c"]) await store.append(text);
  await using reader = await MiniStore.openReader<string>(PATH, { fs });
  clock.ms++;
  const good = fs.content(PATH)!;
  const bad = good.slice();
  bad[200]! ^= 1;
  fs.put(PATH, bad);
  const seqAt = () => reader.seqAt!(new Date(clock.ms));
  assertEquals((await errorOf(seqAt())).code, "CORRUPT");
  let opened = 0;
  fs.hooks.before = ({ operation }) => {
    if (operation === "open" && ++opened === 5) fs.put(PATH, good);
    return undefined;
  };
  assertEquals(await seqAt(), 3);
});

Deno.test("a consumer gets the times of records, after opening again too", async () => {
  using _clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  await Promise.all([store.append("a"), store.append("b")]);
  const at = new Date(T0);
  {
    await using consumer = await store.consumer("uploader");
    for await (const record of consumer.follow()) {
      assertEquals(record, { seq: 1, data: "a", at });
      await consumer.commit(1);
      break;
    }
  }
  await store.close();
  await using consumer = await MiniStore.consumer<string>(PATH, "uploader", {
    fs,
  });
  for await (const record of consumer.follow()) {
    assertEquals(record, { seq: 2, data: "b", at });
    break;
  }
});
