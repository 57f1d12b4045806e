import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { Follower } from "../support/follower.ts";
import { errorOf, JournalBytes } from "../support/journal.ts";
import { LateClosing } from "../support/late_closing.ts";

const PATH = "/data/journal.jsonl";
const RUST_HEADER = "// MINISTORE JOURNAL v0.1.3\n";

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

Deno.test("with durableOnly, a record is given once the log says that it is durable", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>(PATH, { fs });
  await using follower = new Follower<number>(PATH, { fs, durableOnly: true });
  const seen: number[] = [];
  const all = (async () => {
    while (seen.length < 7) seen.push(await follower.next());
  })();
  const given = async () => {
    for (let turn = 0; turn < 500; turn++) await undefined;
    return seen;
  };
  await store.append(1, { durable: false });
  await store.appendBatch([2, 3], { durable: false });
  await store.append(4, { durable: false });
  assertEquals(await given(), []);
  await store.sync();
  // It is durable, and nothing in the file says so.
  assertEquals(await given(), []);
  await store.append(5, { durable: false });
  assertEquals(await given(), [1, 2, 3, 4]);
  await store.append(6);
  assertEquals(await given(), [1, 2, 3, 4]);
  await store.append(7);
  assertEquals(await given(), [1, 2, 3, 4, 5, 6]);
  await store.close();
  await all;
  assertEquals(seen, [1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("with durableOnly, a follower continues where the log is sealed, and opened again", async () => {
  const fs = new MemoryFileSystem();
  await using follower = new Follower<number>(PATH, {
    fs,
    durableOnly: true,
    ifMissing: "empty",
  });
  for (let first = 1; first <= 7; first += 3) {
    await using store = await MiniStore.open<number>(PATH, { fs });
    await store.append(first);
    await store.append(first + 1, { durable: false });
    await store.rotate();
    await store.append(first + 2);
    assertEquals(await follower.take(2), [first, first + 1]);
    await store.close();
    assertEquals(await follower.next(), first + 2);
  }
});

Deno.test("with durableOnly, a follower gives each record once, whenever another file with the same takes the place", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>(PATH, { fs });
  for (const value of [1, 2, 3]) await store.append(value);
  await store.close();
  let looks = Infinity;
  for (let at = 1; at <= looks; at++) {
    looks = 0;
    fs.hooks.before = ({ operation, path }) => {
      const isLook = operation === "stat" && path === PATH;
      if (isLook && ++looks === at) fs.put(PATH, fs.content(PATH)!);
      return undefined;
    };
    // A close ends after those that begin later.
    const late = new LateClosing(fs, (close) => 512 >> close);
    const options = { fs: late.fs, durableOnly: true };
    await using follower = new Follower<number>(PATH, options);
    assertEquals(await follower.take(3), [1, 2, 3], `at look ${at}`);
  }
});

Deno.test("with durableOnly, the follower of an open log gives what is synced after a full disk", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1, { durable: false });
  fs.hooks.before = ({ operation }) =>
    operation === "write" ? { code: "ENOSPC" } : undefined;
  assertEquals((await errorOf(store.append(2))).code, "NO_SPACE");
  fs.hooks = {};
  await store.sync();
  assertEquals(store.durableSequence, 1);
  for await (const { data } of store.follow({ durableOnly: true })) {
    assertEquals(data, 1);
    break;
  }
});

Deno.test("with durableOnly, the follower of an open log gives what is synced", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>(PATH, { fs });
  const records = store.follow({ durableOnly: true })[Symbol.asyncIterator]();
  const first = records.next();
  await store.append(1, { durable: false });
  assertEquals([store.sequence, store.durableSequence], [1, 0]);
  let isGiven = false;
  first.then(() => isGiven = true);
  for (let turn = 0; turn < 1_000; turn++) await undefined;
  assertEquals(isGiven, false);
  await store.sync();
  assertEquals((await first).value, { seq: 1, data: 1 });
  assertEquals(store.durableSequence, 1);
  await store.append(2);
  assertEquals((await records.next()).value, { seq: 2, data: 2 });
  await store.append(3, { durable: false });
  await store.rotate();
  assertEquals((await records.next()).value, { seq: 3, data: 3 });
  await store.append(4, { durable: false });
  await store.close();
  assertEquals((await records.next()).value, { seq: 4, data: 4 });
  assertEquals((await records.next()).done, true);
});

Deno.test("with durableOnly, the follower of an open log ends with POISONED when that is", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1, { durable: false });
  const records = Array.fromAsync(store.follow({ durableOnly: true }));
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(store.sync())).code, "POISONED");
  assertEquals((await errorOf(records)).code, "POISONED");
  await store.close().catch(() => {});
});

Deno.test("with durableOnly, a journal of the Rust program is UNSUPPORTED_FORMAT", async () => {
  const fs = new MemoryFileSystem();
  fs.put(PATH, bytes(`${RUST_HEADER}1\n`));
  await using follower = new Follower(PATH, { fs, durableOnly: true });
  assertEquals((await follower.failure())[0], "UNSUPPORTED_FORMAT");
});

Deno.test("with durableOnly, no record of a file is given that another has replaced", async () => {
  const fs = new MemoryFileSystem();
  const lost = new JournalBytes().records(1, 2);
  fs.put(PATH, lost.bytes);
  await using follower = new Follower<string>(PATH, { fs, durableOnly: true });
  assertEquals(await follower.next(), "record 1");
  const next = follower.next();
  for (let turn = 0; turn < 200; turn++) await undefined;
  const after = new JournalBytes().records(1, 1)
    .add({ seq: 2, data: "another" }).records(3, 3);
  fs.put(PATH, after.bytes);
  assertEquals(await next, "another");
});
