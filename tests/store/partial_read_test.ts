// What a reader gives whose caller takes a part of it, or stops it.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type LogRecord, MiniError, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { threeSegments } from "../support/records.ts";

Deno.test("MiniStore.replayChunks() ends and numbers right, whatever of a chunk is taken before the next", async () => {
  for (const maxSegmentBytes of [2_000, 1_000_000]) {
    const options = { fs: new MemoryFileSystem(), maxSegmentBytes };
    const path = "/data/journal.jsonl";
    const store = await MiniStore.open<string>(path, options);
    const total = 1_000;
    for (let seq = 1; seq <= total; seq++) {
      await store.append(`${seq} ${"x".repeat(200)}`, { durable: false });
    }
    const numbersOf = (records: Iterable<LogRecord<string>>) =>
      Array.from(records, ({ seq, data }) => {
        assertEquals(data.split(" ")[0], String(seq));
        return seq;
      });
    const range = { from: 5, to: total - 5 };
    const late = await Array.fromAsync(store.replayChunks(range));
    assert(late.length > 2, `only ${late.length} chunks`);
    const seen = late.flatMap(numbersOf);
    assertEquals(seen, Array.from(seen, (_, at) => at + 5));
    assertEquals(seen.at(-1), total - 5);
    let firsts = 0;
    const left = await Array.fromAsync(store.replayChunks(range), (chunk) => {
      for (const { seq, data } of chunk) {
        assertEquals(data.split(" ")[0], String(seq));
        firsts++;
        break;
      }
      return chunk;
    });
    assertEquals(left.flatMap(numbersOf).length + firsts, seen.length);
    await store.close();
  }
});

Deno.test("MiniStore.replayChunks() gives the next chunk though the schema has refused a record of one", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  await (await threeSegments(path, fs)).close();
  const validate = (value: unknown) =>
    value === 5
      ? { issues: [{ message: "no 5" }] }
      : { value: value as number };
  const schema = {
    "~standard": { version: 1, vendor: "test", validate },
  } as const;
  const store = await MiniStore.open<number>(path, { fs, schema });
  const seen: number[] = [];
  const errors: unknown[] = [];
  for await (const chunk of store.replayChunks()) {
    try {
      for (const { seq } of chunk) seen.push(seq);
    } catch (error) {
      errors.push((error as MiniError).code);
    }
  }
  assertEquals([seen, errors], [[1, 2, 3, 4, 7, 8, 9], ["INVALID"]]);
  await store.close();
});

Deno.test("MiniStore.replayChunks() says CORRUPT again where a caller asks for more after a line that cannot be parsed", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  const header = "// MINISTORE JOURNAL v0.1.3\n";
  fs.put(path, new TextEncoder().encode(`${header}1\n2\n`));
  const store = await MiniStore.open<number>(path, { fs });
  fs.put(path, new TextEncoder().encode(`${header}1\n}\n`));
  const chunks = store.replayChunks()[Symbol.asyncIterator]();
  const chunk: Iterable<unknown> = (await chunks.next()).value!;
  for (let round = 0; round < 2; round++) {
    const error = assertThrows(() => [...chunk], MiniError);
    assertEquals(error.code, "CORRUPT");
  }
  assertEquals((await errorOf(chunks.next())).code, "CORRUPT");
  await store.close().catch(() => {});
});

for (const what of ["an empty log", "a log whose records are all compacted"]) {
  Deno.test(`MiniStore.replay() of ${what} throws the reason of a signal that fires while the log is opened`, async () => {
    const fs = new MemoryFileSystem();
    const path = "/data/journal.jsonl";
    const signalled = () => {
      const abort = new AbortController();
      fs.hooks.before = ({ operation }) => {
        if (operation === "list") abort.abort("stop");
        return undefined;
      };
      return { signal: abort.signal };
    };
    const reasonOf = async (records: AsyncIterable<unknown>) => {
      try {
        return await Array.fromAsync(records);
      } catch (reason) {
        return reason;
      }
    };
    if (what === "an empty log") {
      const records = MiniStore.replay(path, {
        ...signalled(),
        ifMissing: "empty",
        fs,
      });
      assertEquals(await reasonOf(records), "stop");
      return;
    }
    await using store = await MiniStore.open<number>(path, { fs });
    await store.append(1);
    await store.rotate();
    await store.compact(1);
    assertEquals(await reasonOf(store.replay(signalled())), "stop");
    assertEquals(await reasonOf(store.replayChunks(signalled())), "stop");
  });
}

Deno.test("MiniStore.replayChunks() throws the reason of a signal that fires while the last chunk is taken", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments("/data/journal.jsonl", fs);
  const abort = new AbortController();
  const read = async () => {
    for await (const chunk of store.replayChunks({ signal: abort.signal })) {
      for (const { seq } of chunk) if (seq === 9) abort.abort("stop");
    }
  };
  assertEquals(await read().catch((reason) => reason), "stop");
});

Deno.test("MiniStore: no reader takes a signal that is none", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments("/data/journal.jsonl", fs);
  const range = { signal: {} as AbortSignal };
  for (const how of ["replay", "replayChunks", "follow"] as const) {
    const error = assertThrows(() => store[how](range), TypeError);
    assert(error.message.startsWith("signal must be an object"), how);
  }
});
