import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { Follower } from "../support/follower.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf, JournalBytes } from "../support/journal.ts";
import { numbers } from "../support/records.ts";
import { SpellingFileSystem, SPELLINGS } from "../support/spelling.ts";
import { stillTimers } from "../support/timers.ts";

const PATH = "/data/journal.jsonl";
const RUST_HEADER = "// MINISTORE JOURNAL v0.1.3\n";

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

Deno.test("MiniStore.follow() of a path refuses wrong options", () => {
  const wrong = { durable: true } as Record<string, unknown>;
  assertThrows(() => MiniStore.follow(PATH, wrong), TypeError, "durableOnly");
  assertThrows(() => MiniStore.follow(PATH, { from: 0 }), RangeError);
});

Deno.test("a reader refuses wrong options, and nothing after it was closed", async () => {
  const fs = new MemoryFileSystem();
  const wrong = { from: 1 } as Record<string, unknown>;
  await assertRejects(() => MiniStore.openReader(PATH, wrong), TypeError);
  const reader = await MiniStore.openReader(PATH, { fs, ifMissing: "empty" });
  assertThrows(() => reader.follow({ from: 0 }), RangeError);
  const notBoolean = { durableOnly: 1 } as Record<string, unknown>;
  assertThrows(() => reader.follow(notBoolean), TypeError);
  await reader.close();
  assertThrows(() => reader.replay(), Error, "was closed");
});

Deno.test("MiniStore.follow() of a path misses no change after its first look, also where no timer helps", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  using _timers = stillTimers();
  let last = 0;
  const onCaughtUp = async () => {
    if (last < 3) await store.append(++last);
  };
  let watches = 0;
  fs.watch = (...args) => {
    watches++;
    return MemoryFileSystem.prototype.watch.apply(fs, args);
  };
  const stop = new AbortController();
  const { signal } = stop;
  const options = { fs, onCaughtUp, signal };
  await using follower = new Follower<number>(PATH, options);
  assertEquals(await follower.take(3), [1, 2, 3]);
  const waiting = follower.next();
  for (let turn = 0; turn < 1_000; turn++) await undefined;
  stop.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
  assertEquals(watches, 1);
});

Deno.test("MiniStore.follow() of a path ends with the reason of its signal, also while it waits", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1);
  const stop = new AbortController();
  const { signal } = stop;
  const records = MiniStore.follow(PATH, { fs, signal })[
    Symbol.asyncIterator
  ]();
  assertEquals((await records.next()).value, { seq: 1, data: 1 });
  const waiting = records.next();
  for (let turn = 0; turn < 100; turn++) await undefined;
  const reason = new Error("enough");
  stop.abort(reason);
  assertEquals(await waiting.catch((error) => error), reason);
  const again = Array.fromAsync(MiniStore.follow(PATH, { fs, signal }));
  assertEquals(await again.catch((error) => error), reason);
});

Deno.test("MiniStore.follow() of a path ends where its signal fires between two records", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.appendBatch([1, 2, 3]);
  const stop = new AbortController();
  const seen: number[] = [];
  const reason = new Error("enough");
  const all = (async () => {
    const { signal } = stop;
    for await (const { seq } of MiniStore.follow(PATH, { fs, signal })) {
      seen.push(seq);
      if (seq === 2) stop.abort(reason);
    }
  })();
  assertEquals(await all.catch((error) => error), reason);
  assertEquals(seen, [1, 2]);
});

Deno.test("MiniStore.follow() of a path gives what a schema makes of a record, and throws what it throws", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.appendBatch([1, 2]);
  const thrown = new Error("of the schema");
  const schema = {
    "~standard": {
      validate: (value: unknown) => {
        if (value === 2) throw thrown;
        return { value: -(value as number) };
      },
    },
  };
  await using follower = new Follower<number>(PATH, { fs, schema });
  assertEquals(await follower.next(), -1);
  assertEquals(await follower.next().catch((error) => error), thrown);
});

Deno.test("MiniStore.follow() of a path continues after a segment that compaction has removed, and throws COMPACTED for what is gone", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  await using follower = new Follower<number>(PATH, { fs });
  await using slow = new Follower<number>(PATH, { fs });
  await store.append(1);
  assertEquals([await follower.next(), await slow.next()], [1, 1]);
  await store.rotate();
  await store.compact(1);
  await store.append(2);
  assertEquals([await follower.next(), await slow.next()], [2, 2]);
  await store.append(3);
  await store.rotate();
  await store.append(4);
  await store.rotate();
  await store.compact(4);
  // Its segment is still open, and the one after it is not there any more.
  assertEquals(await slow.next(), 3);
  assertEquals(await slow.failure(), ["COMPACTED", 4]);
  await using late = new Follower<number>(PATH, { fs, from: 4 });
  assertEquals(await late.failure(), ["COMPACTED", 4]);
});

Deno.test("MiniStore.follow() of a path continues where a clean end that it has read is opened again, sealed and removed", async () => {
  const fs = new MemoryFileSystem();
  {
    await using store = await MiniStore.open<number>(PATH, { fs });
    await store.append(1);
  }
  await using follower = new Follower<number>(PATH, { fs });
  // With it, both marks are read, and opening cuts off the second.
  assertEquals(await follower.next(), 1);
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.rotate();
  await store.compact(1);
  await store.append(2);
  assertEquals(await follower.next(), 2);
});

Deno.test("MiniStore.follow() of a path waits for a segment that a rotation does not make, and continues in the old one", async () => {
  const memory = new MemoryFileSystem();
  const holding = new HoldingFileSystem(memory);
  await using store = await MiniStore.open<number>(PATH, { fs: holding.fs });
  await store.append(1);
  await using follower = new Follower<number>(PATH, { fs: memory });
  assertEquals(await follower.next(), 1);
  const next = follower.next();
  const held = holding.hold("rename");
  const rotated = errorOf(store.rotate());
  await held.reached;
  for (let turn = 0; turn < 200; turn++) await undefined;
  memory.hooks.before = ({ operation, path }) =>
    operation === "rename" && path.endsWith(".tmp")
      ? { code: "ENOSPC" }
      : undefined;
  held.release();
  assertEquals((await rotated).code, "NO_SPACE");
  memory.hooks = {};
  await store.append(2);
  assertEquals(await next, 2);
});

Deno.test("MiniStore.follow() of a path reads journals of the Rust program, through their rotation", async () => {
  const fs = new MemoryFileSystem();
  fs.put(PATH, bytes(`${RUST_HEADER}1\n`));
  await using follower = new Follower<number>(PATH, { fs });
  await using reader = await MiniStore.openReader<number>(PATH, { fs });
  assertEquals(await follower.next(), 1);
  const next = follower.next();
  fs.put(PATH, bytes(`${RUST_HEADER}1\n2\n`));
  assertEquals(await next, 2);
  fs.put(`${PATH}.001`, fs.content(PATH)!);
  fs.put(PATH, bytes(`${RUST_HEADER}3\n4\n`));
  assertEquals(await follower.take(2), [3, 4]);
  await reader.refresh?.();
  const { id, firstSequence, sequence, durableSequence } = reader;
  assertEquals([id, firstSequence, sequence], [undefined, 1, 4]);
  assertEquals(durableSequence, 0);
  assertEquals(numbers(await Array.fromAsync(reader.replay())), [1, 2, 3, 4]);
  const failure = follower.failure();
  fs.put(PATH, bytes(`${RUST_HEADER}3\nnull\n`));
  assertEquals(await failure, ["REWRITTEN", 3]);
});

Deno.test("MiniStore.follow() of a path waits where a journal of the Rust program has just gone", async () => {
  const fs = new MemoryFileSystem();
  fs.put(PATH, bytes(`${RUST_HEADER}1\n`));
  let isGone = false;
  fs.hooks.before = ({ operation, path }) => {
    if (operation !== "open" || path !== `${PATH}.001` || isGone) {
      return undefined;
    }
    isGone = true;
    fs.unlink(PATH);
    return undefined;
  };
  await using follower = new Follower<number>(PATH, {
    fs,
    ifMissing: "empty",
  });
  const next = follower.next();
  while (!isGone) await new Promise((resolve) => setTimeout(resolve));
  fs.put(PATH, bytes(`${RUST_HEADER}1\n`));
  assertEquals(await next, 1);
});

Deno.test("MiniStore.follow() of a path follows through rotation where a file system cannot tell files apart", async () => {
  const fs = new SpellingFileSystem(SPELLINGS[0]!, { isTelling: false });
  await using follower = new Follower<number>("/data/Journal.jsonl", {
    fs,
    ifMissing: "empty",
  });
  for (let next = 1; next <= 6; next += 2) {
    await using store = await MiniStore.open<number>("/data/journal.jsonl", {
      fs,
    });
    await store.append(next);
    assertEquals(await follower.next(), next);
    await store.rotate();
    await store.append(next + 1);
    assertEquals(await follower.next(), next + 1);
  }
});

const NO_HINTS = {
  "gives no hints": undefined,
  "refuses to give hints": () => {
    throw Object.assign(new Error("no more watchers"), { code: "ENOSPC" });
  },
};

for (const [how, watch] of Object.entries(NO_HINTS)) {
  Deno.test(`MiniStore.follow() of a path looks by itself where a file system ${how}`, async () => {
    const fs = Object.assign(new MemoryFileSystem(), { watch });
    await using store = await MiniStore.open<number>(PATH, { fs });
    await using follower = new Follower<number>(PATH, { fs });
    const next = follower.next();
    for (let turn = 0; turn < 200; turn++) await undefined;
    await store.append(1);
    assertEquals(await next, 1);
  });
}

Deno.test("MiniStore.follow() of a path misses nothing that is written between its look at a segment and the rotation", async () => {
  const memory = new MemoryFileSystem();
  const holding = new HoldingFileSystem(memory);
  await using store = await MiniStore.open<number>(PATH, { fs: memory });
  await store.append(1);
  await using follower = new Follower<number>(PATH, { fs: holding.fs });
  assertEquals(await follower.next(), 1);
  const held = holding.hold("read");
  const next = follower.next();
  await held.reached;
  await store.append(2);
  await store.rotate();
  held.release();
  assertEquals(await next, 2);
});

Deno.test("a follower of a reader that is closed before it begins has no records", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1);
  const reader = await MiniStore.openReader<number>(PATH, { fs });
  const records = reader.follow();
  await reader.close();
  assertEquals(await Array.fromAsync(records), []);
});

Deno.test("a reader starts over where the log is replaced by another", async () => {
  const fs = new MemoryFileSystem();
  fs.put(PATH, new JournalBytes().records(1, 5).add({ close: 5 }).bytes);
  await using reader = await MiniStore.openReader(PATH, { fs });
  assertEquals([reader.sequence, reader.durableSequence], [5, 5]);
  fs.put(PATH, new JournalBytes().records(1, 3).bytes);
  await reader.refresh?.();
  assertEquals([reader.sequence, reader.durableSequence], [3, 2]);
  fs.unlink(PATH);
  assertEquals((await errorOf(reader.refresh!())).code, "NOT_FOUND");
  assertEquals(reader.sequence, 3);
});
