import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { numbers, threeSegments } from "../support/records.ts";
import { errorOf } from "../support/journal.ts";

Deno.test("MiniStore.replay() reads any range across segments and batches", async () => {
  await using directory = new TestDirectory();
  await using store = await threeSegments(directory.at());
  const all = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  for (let from = 1; from <= 11; from++) {
    for (let to = 0; to <= 11; to++) {
      const want = all.filter((number) => number >= from && number <= to);
      const here = await Array.fromAsync(store.replay({ from, to }));
      assertEquals(numbers(here), want);
      const beside = MiniStore.replay<number>(directory.at(), { from, to });
      assertEquals(numbers(await Array.fromAsync(beside)), want);
    }
  }
  assertEquals(numbers(await Array.fromAsync(store.replay())), all);
});

Deno.test("MiniStore.replay() of a log that does not exist is NOT_FOUND, or has no records, and creates nothing", async () => {
  await using directory = new TestDirectory();
  for (const path of [directory.at("typo.jsonl"), directory.at("no/journal")]) {
    const error = await errorOf(Array.fromAsync(MiniStore.replay(path)));
    assertEquals([error.code, error.path], ["NOT_FOUND", path]);
    const records = MiniStore.replay(path, { ifMissing: "empty" });
    assertEquals(await Array.fromAsync(records), []);
  }
  const options = { ifMissing: "nothing" as "empty" };
  assertThrows(() => MiniStore.replay(directory.at(), options), TypeError);
  assertEquals(directory.names(), []);
});

Deno.test("MiniStore.replay() finds a log whose newest segment is missing, or only has been made", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  await (await threeSegments(path, fs)).close();
  fs.unlink(path);
  assertEquals(
    (await Array.fromAsync(MiniStore.replay(path, { fs }))).length,
    6,
  );
  fs.put("/other/journal.jsonl", new Uint8Array(0));
  const records = MiniStore.replay("/other/journal.jsonl", { fs });
  assertEquals(await Array.fromAsync(records), []);
});

Deno.test("MiniStore.replay() finds a log that a writer renames while its directory is listed", async () => {
  const path = "/data/journal.jsonl";
  let lists = 0;
  /** The old name goes before it is listed, and the new one is past. */
  class Renamed extends MemoryFileSystem {
    override async list(directory: string) {
      const names = await super.list(directory);
      return ++lists === 1 ? [] : names;
    }
    override stat(name: string) {
      return name === path ? Promise.resolve(undefined) : super.stat(name);
    }
  }
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(path, { fs });
  await store.append("a");
  const records = MiniStore.replay(path, { fs: new Renamed(fs.snapshot()) });
  assertEquals((await Array.fromAsync(records)).length, 1);
});

Deno.test("MiniStore.replay() says what fails when it looks for the segments", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  await (await threeSegments(path, fs)).close();
  for (const failing of [1, 2, 3]) {
    let lists = 0;
    fs.hooks.before = ({ operation }) =>
      operation === "list" && ++lists === failing
        ? { code: "EMFILE" }
        : undefined;
    const read = Array.fromAsync(MiniStore.replay(path, { fs }));
    assertEquals((await errorOf(read)).code, "IO", `list ${failing}`);
  }
});

Deno.test("MiniStore.replay() ends at what was acknowledged when it was called", async () => {
  await using directory = new TestDirectory();
  await using store = await threeSegments(directory.at());
  const seen: number[] = [];
  for await (const { seq } of store.replay({ from: 8 })) {
    seen.push(seq);
    await store.append(store.sequence + 1);
  }
  assertEquals(seen, [8, 9]);
});

Deno.test("MiniStore.replay() can be left early, again and again", async () => {
  await using directory = new TestDirectory();
  await using store = await threeSegments(directory.at());
  for (let round = 0; round < 50; round++) {
    for await (const { seq } of store.replay()) {
      if (seq === 1 + round % 9) break;
    }
  }
  assertEquals((await Array.fromAsync(store.replay())).length, 9);
});

Deno.test("MiniStore.replay() beside a live writer sees a prefix that grows, across rotation", async () => {
  await using directory = new TestDirectory();
  const options = { maxSegmentBytes: 2_000 };
  await using store = await MiniStore.open<number>(directory.at(), options);
  const total = 600;
  const writing = (async () => {
    for (let next = 1; next <= total; next += 4) {
      await Promise.all([0, 1, 2, 3].map((more) => store.append(next + more)));
    }
  })();
  let last = 0;
  let rounds = 0;
  while (last < total) {
    const floor = store.sequence;
    const records = numbers(
      await Array.fromAsync(MiniStore.replay<number>(directory.at())),
    );
    assertEquals(records, Array.from(records, (_, index) => index + 1));
    assert(
      records.length >= floor,
      `${records.length} of ${floor} acknowledged`,
    );
    assert(records.length >= last);
    last = records.length;
    rounds++;
  }
  await writing;
  assert(rounds > 1);
});

Deno.test("MiniStore.replay() of a compacted record says COMPACTED", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await threeSegments(directory.at());
    await store.compact(3);
    for (const from of [1, 3]) {
      const error = await errorOf(Array.fromAsync(store.replay({ from })));
      assertEquals([error.code, error.seq], ["COMPACTED", from]);
    }
    assertEquals(
      numbers(await Array.fromAsync(store.replay({ from: 4, to: 5 }))),
      [4, 5],
    );
  }
  const error = await errorOf(
    Array.fromAsync(MiniStore.replay(directory.at(), { from: 1 })),
  );
  assertEquals(error.code, "COMPACTED");
  await using store = await MiniStore.open<number>(directory.at());
  assertEquals([store.firstSequence, store.sequence], [4, 9]);
});

Deno.test("MiniStore.replay() beside a writer that compacts what is next says COMPACTED", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  const store = await threeSegments(path, fs);
  const records = MiniStore.replay<number>(path, { fs })
    [Symbol.asyncIterator]();
  assertEquals((await records.next()).value?.data, 1);
  await store.rotate();
  await store.compact(9);
  const seen: unknown[] = [];
  const rest = (async () => {
    for (;;) seen.push((await records.next()).value?.data);
  })();
  const error = await errorOf(rest);
  assertEquals([error.code, error.seq, seen], ["COMPACTED", 4, [2, 3]]);
  await store.close();
});

Deno.test("MiniStore.replay() beside a writer that compacts what it was to start with starts with what is left", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  const store = await threeSegments(path, fs);
  const reading = new HoldingFileSystem(fs);
  let list = reading.hold("list");
  const records = Array.fromAsync(
    MiniStore.replay<number>(path, { fs: reading.fs }),
  );
  // The last look at the names is the third.
  for (let count = 1; count < 3; count++) {
    await list.reached;
    const next = reading.hold("list");
    list.release();
    list = next;
  }
  await list.reached;
  await store.compact(3);
  list.release();
  assertEquals(numbers(await records), [4, 5, 6, 7, 8, 9]);
  await store.close();
});

Deno.test("MiniStore.replay() ends where the rest of the log was removed beside it", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  await (await threeSegments(path, fs)).close();
  const records = MiniStore.replay<number>(path, { fs })
    [Symbol.asyncIterator]();
  assertEquals((await records.next()).value?.data, 1);
  for (const name of fs.names("/data")) fs.unlink(`/data/${name}`);
  const seen: unknown[] = [];
  for (let next; !(next = await records.next()).done;) {
    seen.push(next.value.seq);
  }
  assertEquals(seen, [2, 3]);
});

Deno.test("MiniStore opens two journals in one directory, by path or by URL", async () => {
  await using directory = new TestDirectory();
  await using first = await MiniStore.open<string>(directory.at("a.jsonl"));
  const url = new URL(`file://${directory.at("a.b.jsonl")}`);
  await using second = await MiniStore.open<string>(url);
  for (const store of [first, second]) {
    await store.append("x");
    await store.rotate();
    await store.append("y");
  }
  assertEquals((await Array.fromAsync(first.replay())).length, 2);
  assertEquals(
    (await Array.fromAsync(MiniStore.replay(second.path))).length,
    2,
  );
  await assertRejects(
    () => MiniStore.open(new URL("https://example.com/a")),
    TypeError,
  );
});

Deno.test("MiniStore.replay() gives every record before a damage, then says CORRUPT", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<number>(directory.at());
    for (let value = 1; value <= 2_000; value++) void store.append(value);
  }
  const text = await Deno.readTextFile(directory.at());
  await Deno.writeTextFile(
    directory.at(),
    text.replace('"data":1500}', '"data":1501}'),
  );
  const seen: number[] = [];
  const read = async () => {
    for await (const { data } of MiniStore.replay<number>(directory.at())) {
      seen.push(data);
    }
  };
  const error = await errorOf(read());
  assertEquals([error.code, error.seq, seen.length], ["CORRUPT", 1500, 1499]);
});

Deno.test("MiniStore.replay() refuses, as open() does, an active segment from before the one that is sealed", async () => {
  await using directory = new TestDirectory();
  const store = await threeSegments(directory.at());
  await store.close();
  const [oldest] = directory.names();
  await Deno.copyFile(directory.at(oldest), directory.at());
  const error = await errorOf(
    Array.fromAsync(MiniStore.replay(directory.at())),
  );
  assertEquals([error.code, error.path], ["CORRUPT", directory.at()]);
  const onOpen = await errorOf(MiniStore.open(directory.at()));
  assertEquals(error.message, onOpen.message);
});

Deno.test("MiniStore.replay() reads everything acknowledged from a poisoned log", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>("/data/journal.jsonl", { fs });
  for (let value = 1; value <= 2_000; value++) void store.append(value);
  await store.append(2_001);
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(store.append(0))).code, "POISONED");
  assertEquals((await Array.fromAsync(store.replay())).length, 2_001);
  await store.close();
});

for (const nth of [1, 2, 3]) {
  Deno.test(`MiniStore.replay() beside a writer that takes back a record during read ${nth} does not call it CORRUPT`, async () => {
    const memory = new MemoryFileSystem();
    const writing = new HoldingFileSystem(memory);
    const path = "/data/journal.jsonl";
    const store = await MiniStore.open<string>(path, { fs: writing.fs });
    await store.append("one");
    memory.hooks.before = ({ operation }) =>
      operation === "write" ? { code: "ENOSPC", keepBytes: 25 } : undefined;
    const write = writing.hold("write");
    const refused = errorOf(store.append("refused"));
    await write.reached;
    memory.hooks = {};

    const reading = new HoldingFileSystem(memory);
    let read = reading.hold("read");
    const records = Array.fromAsync(
      MiniStore.replay<string>(path, { fs: reading.fs }),
      ({ data }) => data,
    );
    for (let count = 1; count < nth; count++) {
      await read.reached;
      const next = reading.hold("read");
      read.release();
      read = next;
    }
    await read.reached;
    write.release();
    assertEquals((await refused).code, "NO_SPACE");
    await store.append("two, which fits");
    await store.append("three");
    read.release();
    assertEquals(await records, ["one", "two, which fits", "three"]);
    await store.close();
  });
}
