// What MiniStore is beyond the least that a log must be.
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MiniError, MiniStore, type ReplayRange } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { numbers, threeSegments } from "../support/records.ts";

Deno.test("MiniStore.appendJson() appends what is JSON already, up to the size that a record may have", async () => {
  const fs = new MemoryFileSystem();
  const options = { fs, maxRecordBytes: 20 };
  const store = await MiniStore.open<unknown>("/data/journal.jsonl", options);
  const appended = [store.appendJson!('{"a":1}'), store.append({ b: 2 })];
  assertEquals(await Promise.all(appended), [1, 2]);
  const long = JSON.stringify("x".repeat(20));
  assertEquals((await errorOf(store.appendJson!(long))).code, "TOO_LARGE");
  assertEquals(await store.appendJson!("3", { durable: false }), 3);
  const data = await Array.fromAsync(store.replay(), (record) => record.data);
  assertEquals(data, [{ a: 1 }, { b: 2 }, 3]);
  await store.close();
  assertEquals((await errorOf(store.appendJson!("4"))).code, "CLOSED");
});

Deno.test("MiniStore.appendJson() refuses text that could not be read back, and accepts more", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<unknown>("/data/journal.jsonl", { fs });
  for (const text of [JSON.stringify({ a: 1 }, null, 2), "1\r\n", '"\ud800"']) {
    await assertRejects(() => store.appendJson!(text), TypeError, "JSON text");
  }
  const deep = "[".repeat(3_000) + "]".repeat(3_000);
  for (const text of ['1,"x":2', "1}", "", deep]) {
    await assertRejects(() => store.appendJson!(text), SyntaxError);
  }
  assertEquals(await store.appendJson!('{\r\t"a": "\u2028\ud83d\ude00"}'), 1);
  await store.close();
  const again = await MiniStore.open<unknown>("/data/journal.jsonl", { fs });
  const data = await Array.fromAsync(again.replay(), (record) => record.data);
  assertEquals(data, [{ a: "\u2028\ud83d\ude00" }]);
  await again.close();
});

Deno.test("MiniStore.replayChunks() reads what replay() reads, many at a time", async () => {
  await using directory = new TestDirectory();
  const store = await threeSegments(directory.at());
  const read = async (range?: ReplayRange) => {
    const chunks = await Array.fromAsync(
      store.replayChunks(range),
      (chunk) => [...chunk],
    );
    return numbers(chunks.flat());
  };
  assertEquals(await read(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(await read({ from: 3, to: 7 }), [3, 4, 5, 6, 7]);
  assertEquals(await read({ from: 8, to: 20 }), [8, 9]);
  await store.close();
  const error = assertThrows(() => store.replayChunks(), MiniError);
  assertEquals(error.code, "CLOSED");
});

Deno.test("MiniStore.replay() and replayChunks() end, and close their files, where compaction has left no record", async () => {
  const fs = new MemoryFileSystem();
  let open = 0;
  fs.hooks.before = ({ operation, path }) => {
    const isThere = fs.names("/data").some((name) => path === `/data/${name}`);
    if (operation === "create" || operation === "open" && isThere) open++;
    if (operation === "close") open--;
    return undefined;
  };
  const store = await MiniStore.open<number>("/data/journal.jsonl", { fs });
  await store.append(1);
  await store.rotate();
  assertEquals((await store.compact(1)).firstSequence, 2);
  assertEquals(await Array.fromAsync(store.replay()), []);
  assertEquals(await Array.fromAsync(store.replayChunks()), []);
  await store.close();
  assertEquals(open, 0);
});
