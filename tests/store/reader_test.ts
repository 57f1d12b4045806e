import { assertEquals } from "@std/assert";
import { type FileSystem, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { numbers } from "../support/records.ts";

const PATH = "/data/journal.jsonl";

Deno.test("MiniStore.openReader() tells how far the log reaches, and what is known to be durable", async () => {
  const fs = new MemoryFileSystem();
  const options = { fs, maxSegmentBytes: 300 };
  const store = await MiniStore.open<number>(PATH, options);
  await using reader = await MiniStore.openReader<number>(PATH, { fs });
  const told = async () => {
    await reader.refresh?.();
    const { id, firstSequence, sequence, durableSequence } = reader;
    assertEquals(id, store.id);
    return [firstSequence, sequence, durableSequence];
  };
  assertEquals(await told(), [1, 0, 0]);
  await store.append(1);
  assertEquals([reader.sequence, await told()], [0, [1, 1, 0]]);
  await store.append(2);
  assertEquals(await told(), [1, 2, 1]);
  await store.appendBatch([3, 4, 5], { durable: false });
  await store.append(6, { durable: false });
  assertEquals(await told(), [1, 6, 2]);
  await store.rotate();
  assertEquals(await told(), [1, 6, 6]);
  await store.append(7);
  await store.compact(6);
  assertEquals(await told(), [7, 7, 6]);
  await store.close();
  assertEquals(await told(), [7, 7, 7]);
});

Deno.test("a reader whose look fails half-way does not forget what that look has proven", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1);
  await using reader = await MiniStore.openReader<number>(PATH, { fs });
  await using consumer = await MiniStore.consumer<number>(PATH, "c", { fs });
  await store.append(2);
  await store.close();
  // The last lines are read by then.
  const failOnce = () => {
    fs.hooks.before = ({ operation, path }) => {
      if (operation !== "stat" || path !== PATH) return undefined;
      fs.hooks = {};
      return { code: "EIO" };
    };
  };
  failOnce();
  assertEquals((await errorOf(reader.refresh!())).code, "IO");
  await reader.refresh!();
  assertEquals([reader.sequence, reader.durableSequence], [2, 2]);
  failOnce();
  assertEquals((await errorOf(Array.fromAsync(consumer.follow()))).code, "IO");
  const seen: number[] = [];
  for await (const { seq } of consumer.follow()) {
    if (seen.push(seq) === 2) break;
  }
  assertEquals(seen, [1, 2]);
});

Deno.test("a reader gives what there was at its last look, then follows", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.appendBatch([1, 2, 3]);
  await using reader = await MiniStore.openReader<number>(PATH, { fs });
  await store.append(4);
  assertEquals(numbers(await Array.fromAsync(reader.replay())), [1, 2, 3]);
  const chunks = await Array.fromAsync(
    reader.replayChunks!({ from: 2 }),
    (chunk) => numbers([...chunk]),
  );
  assertEquals(chunks.flat(), [2, 3]);
  const rest = reader.follow({ from: reader.sequence + 1 });
  for await (const { seq } of rest) {
    if (seq === 5) break;
    assertEquals(seq, 4);
    await store.append(5);
  }
});

Deno.test("MiniStore.openReader() throws NOT_FOUND where there is no log, unless it may be missing", async () => {
  const fs = new MemoryFileSystem();
  const missing = MiniStore.openReader(PATH, { fs });
  assertEquals((await errorOf(missing))?.code, "NOT_FOUND");
  const records = Array.fromAsync(MiniStore.follow(PATH, { fs }));
  assertEquals((await errorOf(records))?.code, "NOT_FOUND");
  await using reader = await MiniStore.openReader(PATH, {
    fs,
    ifMissing: "empty",
  });
  assertEquals([reader.id, reader.sequence], [undefined, 0]);
  await using store = await MiniStore.open(PATH, { fs });
  await store.append(1);
  await reader.refresh?.();
  assertEquals([reader.id, reader.sequence], [store.id, 1]);
});

Deno.test("closing a reader ends what follows through it", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  const reader = await MiniStore.openReader<number>(PATH, { fs });
  const records = reader.follow()[Symbol.asyncIterator]();
  const first = records.next();
  await store.append(1);
  assertEquals((await first).value, { seq: 1, data: 1 });
  const second = records.next();
  await reader.close();
  assertEquals((await second).done, true);
  assertEquals((await errorOf(reader.refresh!()))?.code, "CLOSED");
});

Deno.test("MiniStore.follow() reads through rotation, compaction and reopening", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  const options = { maxSegmentBytes: 500 };
  const seen: number[] = [];
  const following = (async () => {
    const records = MiniStore.follow<number>(path, { ifMissing: "empty" });
    for await (const { seq, data } of records) {
      assertEquals(seq, data);
      seen.push(data);
      if (data === 60) break;
    }
  })();
  for (let next = 1; next <= 60;) {
    await using store = await MiniStore.open<number>(path, options);
    for (let count = 0; count < 20; count++) await store.append(next++);
    const upTo = seen.at(-1) ?? 0;
    await store.compact(upTo);
  }
  await following;
  assertEquals(seen, Array.from({ length: 60 }, (_, index) => index + 1));
});

Deno.test("a reader opens beside a rotation and a compaction, whichever of its calls they come before", async () => {
  for (let at = 1;; at++) {
    const memory = new MemoryFileSystem();
    await using store = await MiniStore.open<number>(PATH, { fs: memory });
    await store.append(1);
    let calls = 0;
    const fs = new Proxy<FileSystem>(memory, {
      get(target, name) {
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          if (++calls === at) {
            await store.rotate();
            await store.compact(1);
            await store.append(2);
          }
          return await member.apply(target, args);
        };
      },
    });
    await using reader = await MiniStore.openReader<number>(PATH, { fs });
    if (calls < at) break;
    await reader.refresh?.();
    assertEquals([reader.firstSequence, reader.sequence], [2, 2], `call ${at}`);
  }
});

Deno.test("a reader's seqAt() fails where the log cannot be read", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  await using store = await MiniStore.open(path, { fs, timestamps: true });
  await store.append(1);
  await using reader = await MiniStore.openReader(path, { fs });
  let left = 1;
  fs.hooks.before = ({ operation }) =>
    operation === "open" && left-- > 0 ? { code: "EIO" } : undefined;
  const later = new Date(Date.now() + 60_000);
  assertEquals((await errorOf(reader.seqAt!(later))).code, "IO");
  assertEquals(await reader.seqAt!(later), 1);
});

Deno.test("a log of many blocks is read whole where no record may be as long as a block", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  const options = { fs, maxRecordBytes: 100 };
  const records = Array.from({ length: 3_000 }, (_, index) => index + 1);
  await using store = await MiniStore.open<number>(path, options);
  await Promise.all(records.map((record) => store.append(record)));
  const read = await Array.fromAsync(MiniStore.replay<number>(path, options));
  assertEquals(numbers(read), records);
});
