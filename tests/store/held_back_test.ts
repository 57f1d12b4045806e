// What consumers hold back from compaction.
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import {
  consumerAt,
  follow,
  PATH,
  POSITION,
  sealed,
} from "../support/consumer.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { threeSegments } from "../support/records.ts";

function text(fs: MemoryFileSystem): string {
  return new TextDecoder().decode(fs.content(POSITION));
}

Deno.test("compact() stops before the slowest consumer, and names it", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await store.rotate();
  await consumerAt(store, "fast", 9);
  await consumerAt(store, "slow", 5);
  await consumerAt(store, "new", 9);
  const held = await store.compact(9);
  assertEquals([held.firstSequence, held.removed.length], [4, 1]);
  assertEquals(held.heldBy, { name: "slow", position: 5, lag: 4 });
  // Nothing more could go in any case.
  const { heldBy, ...none } = await store.compact(5);
  assertEquals([heldBy, none.removed], [undefined, []]);
  await consumerAt(store, "slow", 6);
  assertEquals((await store.compact(6)).heldBy, undefined);
  assertEquals(store.firstSequence, 7);
  const all = await store.compact(9, { ignoreConsumers: true });
  assertEquals([all.firstSequence, all.heldBy], [10, undefined]);
  await using slow = await store.consumer("slow");
  const error = await errorOf(Array.fromAsync(slow.follow()));
  assertEquals([error.code, error.seq], ["COMPACTED", 7]);
  assertStringIncludes(
    error.message,
    'Cannot follow "/data/journal.jsonl" as consumer "slow": records 7 to 9 were removed before it committed them; the first that is left is 10, and reset(9) continues there',
  );
  const gone = await errorOf(slow.reset(5));
  assertEquals([gone.code, gone.seq, slow.position], ["COMPACTED", 5, 6]);
  await slow.reset(9);
  await store.append(10);
  for await (const { data } of slow.follow()) {
    assertEquals(data, 10);
    break;
  }
});

Deno.test("compact() takes no option that it does not know", async () => {
  await using store = await threeSegments(PATH, new MemoryFileSystem());
  const unknown: object = { force: true };
  await assertRejects(() => store.compact(1, unknown), TypeError, "no option");
});

Deno.test("a consumer that is removed holds nothing back", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await consumerAt(store, "uploader", 0);
  assertEquals((await store.compact(6)).removed.length, 0);
  await store.removeConsumer("uploader");
  assertEquals((await store.compact(6)).removed.length, 2);
  // A new one begins with what is left.
  assertEquals(await follow(store, "uploader", 3), [7, 8, 9]);
});

Deno.test("compact() lists the directory once, and only if there is something to remove", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  const calls: string[] = [];
  fs.hooks.before = ({ operation }) => {
    calls.push(operation);
    return undefined;
  };
  await store.compact(2);
  assertEquals(calls, []);
  await store.compact(6);
  const removal = ["remove", "syncDirectory"];
  assertEquals(calls, ["list", ...removal, ...removal]);
  calls.length = 0;
  await store.append(10);
  assertEquals(calls, ["write", "sync", "stat"]);
});

Deno.test("compact() makes the positions durable before it removes anything", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await consumerAt(store, "uploader", 6);
  fs.hooks.before = ({ operation }) =>
    operation === "syncDirectory" ? { code: "EIO" } : undefined;
  const error = await errorOf(store.compact(6));
  assertStringIncludes(error.message, "make the positions of the consumers");
  assertEquals([error.code, store.firstSequence], ["IO", 1]);
  fs.hooks.before = ({ operation }) =>
    operation === "list" ? { code: "EIO" } : undefined;
  const unlisted = await errorOf(store.compact(6));
  assertStringIncludes(unlisted.message, "list the consumers");
  assertEquals([unlisted.code, store.firstSequence], ["IO", 1]);
  fs.hooks = {};
  assertEquals((await store.compact(6)).removed.length, 2);
});

Deno.test("a position that cannot be read holds compaction where it is, and says so", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await consumerAt(store, "uploader", 9);
  const good = fs.content(POSITION)!.slice();
  const line = text(fs);
  const foreign = line.replace(store.id!, "0".repeat(32));
  const damage: [string, string | Uint8Array<ArrayBuffer>][] = [
    ["CORRUPT", ""],
    ["CORRUPT", good.slice(0, -1)],
    ["CORRUPT", good.slice(0, 40)],
    ["CORRUPT", new Uint8Array(good.length)],
    ["CORRUPT", line.replace('"seq":9', '"seq":8')],
    ["CORRUPT", sealed('{"mini":1')],
    ["CORRUPT", sealed('{"mini":1,"journal":"x","base":0,"seq":0}')],
    ["CORRUPT", sealed(foreign.replace('"base":6', '"base":10').slice(0, -1))],
    ["UNSUPPORTED_FORMAT", "x".repeat(2_000)],
    ["UNSUPPORTED_FORMAT", sealed('{"mini":2,"at":9}')],
    ["REWRITTEN", sealed(foreign.slice(0, -1))],
    ["REWRITTEN", sealed(line.replace('"seq":9', '"seq":99').slice(0, -1))],
  ];
  for (const [code, content] of damage) {
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    fs.put(POSITION, bytes);
    const { heldBy, removed } = await store.compact(6);
    assertEquals([heldBy?.problem?.code, removed], [code, []], `${content}`);
    assertEquals([heldBy?.position, heldBy?.lag], [0, 9]);
    const [listed] = await store.consumers();
    assertEquals([listed?.name, listed?.problem?.code], ["uploader", code]);
    assertEquals(fs.content(POSITION), bytes, "it was changed");
  }
  fs.hooks.before = ({ operation, path }) =>
    operation === "open" && path === POSITION ? { code: "EACCES" } : undefined;
  const { heldBy } = await store.compact(6);
  assertEquals(heldBy?.problem?.code, "PERMISSION");
});

Deno.test("a new consumer stands before what compaction has left, whenever that comes", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  let isCompacted = false;
  fs.hooks.after = ({ operation, path }) => {
    if (operation !== "rename" || isCompacted || !path.endsWith(".tmp")) return;
    isCompacted = true;
    // As another process does, that has not seen the consumer.
    fs.remove("/data/journal.00000000000000000000.jsonl");
  };
  await using consumer = await store.consumer("uploader");
  assertEquals([isCompacted, consumer.position], [true, 3]);
});

Deno.test("reset() says so where compaction removes what it goes back to", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await using consumer = await store.consumer("uploader");
  await consumer.reset(9);
  fs.hooks.after = ({ operation, path }) => {
    if (operation !== "rename" || !path.endsWith(".tmp")) return;
    // As another process does, that has not seen the new position.
    fs.remove("/data/journal.00000000000000000000.jsonl");
  };
  const error = await errorOf(consumer.reset(1));
  assertEquals(
    [error.code, error.seq, consumer.position],
    ["COMPACTED", 1, 1],
  );
  assertStringIncludes(
    error.message,
    `Cannot reset consumer "uploader" of "${PATH}" to 1: compaction removed records 2 to 3 meanwhile; its position is 1, the first record left is 4, and reset(3) continues there`,
  );
});

Deno.test("reset() tells the position where it cannot look at the log again", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await using consumer = await store.consumer("uploader");
  let isSet = false;
  fs.hooks.before = ({ operation, path }) => {
    isSet ||= operation === "rename" && path.endsWith(".tmp");
    return isSet && operation === "list" ? { code: "EIO" } : undefined;
  };
  const error = await errorOf(consumer.reset(9));
  assertEquals([error.code, consumer.position], ["IO", 9]);
  assertStringIncludes(error.message, "its position is 9");
  fs.hooks = {};
});

Deno.test("reset() waits for a compaction that has not seen the new position", async () => {
  const holding = new HoldingFileSystem(new MemoryFileSystem());
  await using store = await threeSegments(PATH, holding.fs);
  await using consumer = await store.consumer("uploader");
  await consumer.reset(6);
  // It has read the positions then.
  const held = holding.hold("syncDirectory");
  const compacted = store.compact(6);
  await held.reached;
  const reset = errorOf(consumer.reset(0));
  for (let turn = 0; turn < 2_000; turn++) await undefined;
  held.release();
  assertEquals((await compacted).removed.length, 2);
  const error = await reset;
  assertEquals([error.code, error.seq], ["COMPACTED", 1]);
});

Deno.test("reset() of a log that is closed sets the position all the same", async () => {
  const store = await threeSegments(PATH, new MemoryFileSystem());
  await using consumer = await store.consumer("uploader");
  await store.close();
  await consumer.reset(5);
  assertEquals(consumer.position, 5);
});

Deno.test("a consumer that is overtaken says what it has not committed", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await store.rotate();
  await using consumer = await store.consumer("uploader");
  const records = consumer.follow()[Symbol.asyncIterator]();
  for (let seq = 1; seq <= 3; seq++) await records.next();
  await consumer.commit(3);
  await store.compact(9, { ignoreConsumers: true });
  const error = await errorOf(records.next());
  assertEquals([error.code, error.seq], ["COMPACTED", 4]);
  assertStringIncludes(error.message, "records 4 to 9 were removed before");
});

Deno.test("StateManager.compact() waits for the consumers of its log", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>(PATH, { fs });
  await using state = await StateManager.open("/data", {
    log,
    fs,
    initial: () => 0,
    apply: (sum, by: number) => sum + by,
  });
  await state.apply(1);
  const consumer = await log.consumer("uploader");
  await state.apply(2);
  const { heldBy, removed } = await state.compact();
  assertEquals([heldBy?.name, heldBy?.position, removed], ["uploader", 0, []]);
  for await (const { seq } of consumer.follow()) {
    if (seq === 2) break;
  }
  await consumer.commit(2);
  await state.apply(3);
  assertEquals((await state.compact()).removed?.length, 1);
  await consumer.close();
});
