import { assert, assertEquals, assertRejects } from "@std/assert";
import { MiniStore, type StoreRecord } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";

/** A log of records 1 to 9 in three segments, with a batch in each. */
async function threeSegments(path: string): Promise<MiniStore<number>> {
  const store = await MiniStore.open<number>(path);
  for (const first of [1, 4, 7]) {
    await store.append(first);
    await store.appendBatch([first + 1, first + 2]);
    if (first < 7) await store.rotate();
  }
  return store;
}

function numbers(records: StoreRecord<number>[]): number[] {
  return records.map(({ seq, data }) => {
    assertEquals(seq, data);
    return data;
  });
}

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

Deno.test("MiniStore.replay() of a log that does not exist has no records, and creates nothing", async () => {
  await using directory = new TestDirectory();
  assertEquals(await Array.fromAsync(MiniStore.replay(directory.at())), []);
  assertEquals(
    await Array.fromAsync(MiniStore.replay(directory.at("no/journal"))),
    [],
  );
  assertEquals(directory.names(), []);
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

Deno.test("MiniStore.compact() removes whole segments up to a number, oldest first", async () => {
  await using directory = new TestDirectory();
  await using store = await threeSegments(directory.at());
  const none = await store.compact(2);
  assertEquals([none.removed, none.removedBytes, none.firstSequence], [
    [],
    0,
    1,
  ]);
  const one = await store.compact(5);
  assertEquals(one.removed, [
    directory.at("journal.00000000000000000000.jsonl"),
  ]);
  assert(one.removedBytes > 0);
  assertEquals([one.firstSequence, store.firstSequence], [4, 4]);
  assertEquals(numbers(await Array.fromAsync(store.replay())), [
    4,
    5,
    6,
    7,
    8,
    9,
  ]);
  const rest = await store.compact(100);
  assertEquals(rest.firstSequence, 7, "the active segment stays");
  assertEquals(numbers(await Array.fromAsync(store.replay())), [7, 8, 9]);
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

Deno.test("MiniStore.rotate() of a segment without records does nothing", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<number>(directory.at());
  await store.rotate();
  await store.append(1);
  await store.rotate();
  await store.rotate();
  assertEquals(directory.names(), [
    "journal.00000000000000000000.jsonl",
    "journal.jsonl",
    "journal.jsonl.lock",
  ]);
});

Deno.test("MiniStore.rotate() seals what was appended before the call", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<number>(directory.at());
  const before = [1, 2, 3].map((value) => store.append(value));
  const rotated = store.rotate();
  const after = store.append(4);
  await Promise.all([...before, rotated, after]);
  const text = await Deno.readTextFile(
    directory.at("journal.00000000000000000000.jsonl"),
  );
  assert(text.includes('"seq":3,') && !text.includes('"seq":4,'));
});

Deno.test("MiniStore starts a new segment beyond maxSegmentBytes, and cat of the files in order is the log", async () => {
  await using directory = new TestDirectory();
  {
    const options = { maxSegmentBytes: 500 };
    await using store = await MiniStore.open<number>(directory.at(), options);
    for (let value = 1; value <= 40; value++) await store.append(value);
  }
  const names = directory.names().filter((name) => name.endsWith(".jsonl"));
  assert(names.length > 3, String(names.length));
  const texts = await Promise.all(
    names.map((name) => Deno.readTextFile(directory.at(name))),
  );
  const records = texts.join("").trimEnd().split("\n")
    .map((line) => JSON.parse(line)).filter((line) => "data" in line);
  assertEquals(
    records.map((line) => line.data),
    Array.from(records, (_, index) => index + 1),
  );
  assertEquals(records.length, 40);
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
