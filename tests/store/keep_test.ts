import { assert, assertEquals, assertRejects } from "@std/assert";
import { StateManager } from "@mini/state/state";
import { MiniStore, type StoreOptions } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { WallClock } from "../support/wall_clock.ts";

const PATH = "/data/journal.jsonl";
const T0 = Date.UTC(2026, 0, 1);
const UNSET = 60_000;

function open(
  fs: MemoryFileSystem,
  options: StoreOptions<string>,
): Promise<MiniStore<string>> {
  return MiniStore.open<string>(PATH, { fs, ...options });
}

/** Appends records, one a segment. */
async function segments(
  store: MiniStore<string>,
  count: number,
): Promise<void> {
  for (let at = 0; at < count; at++) {
    await store.append("x");
    await store.rotate();
  }
}

Deno.test("keep.records: the segments go whose records are all beyond the newest", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { keep: { records: 3 } });
  const firsts: number[] = [];
  for (const batch of [["1", "2"], ["3", "4"], ["5", "6"], ["7"], ["8"]]) {
    await store.appendBatch(batch);
    await store.rotate();
    firsts.push(store.firstSequence);
  }
  assertEquals(firsts, [1, 1, 3, 5, 5]);
  assertEquals(store.keep, { records: 3 });
});

Deno.test("keep.records: 0 keeps the active segment alone", async () => {
  const store = await open(new MemoryFileSystem(), { keep: { records: 0 } });
  await store.append("1");
  assertEquals(store.firstSequence, 1);
  await store.rotate();
  assertEquals(store.firstSequence, 2);
});

Deno.test("keep.bytes: the segments go without which the rest has that many", async () => {
  const fs = new MemoryFileSystem();
  const size = (path: string) => fs.content(path)!.length;
  const at = (base: number) =>
    `/data/journal.${String(base).padStart(20, "0")}.jsonl`;
  const wide = await open(fs, {});
  await segments(wide, 3);
  const rest = size(at(1)) + size(at(2)) + size(PATH);
  await wide.close();
  for (const [bytes, first] of [[rest + 1, 1], [rest, 2]] as const) {
    const copy = new MemoryFileSystem();
    for (const path of [at(0), at(1), PATH]) {
      copy.put(path, fs.content(path)!);
    }
    copy.put(PATH, fs.content(at(2))!);
    const store = await open(copy, { keep: { bytes } });
    // The mark of a clean end is not there, and rotation adds none.
    await store.rotate();
    assertEquals(store.firstSequence, first, `${bytes} bytes`);
  }
});

Deno.test("keep: the active segment counts, so that an append that rotates keeps enough", async () => {
  const options = { maxSegmentBytes: 300, keep: { bytes: 1_000 } };
  const fs = new MemoryFileSystem();
  const store = await open(fs, options);
  const total = () =>
    fs.names("/data").filter((name) => name.endsWith(".jsonl"))
      .reduce((sum, name) => sum + fs.content(`/data/${name}`)!.length, 0);
  let most = 0;
  for (let at = 0; at < 50; at++) {
    await store.append("x".repeat(100));
    await store.sync();
    most = Math.max(most, total());
    if (store.firstSequence > 1) assert(total() >= 1_000, `${total()}`);
  }
  assert(store.firstSequence > 30, `${store.firstSequence}`);
  const segment = 300 + 100 + 128;
  assert(most <= 1_000 + 2 * segment, `${most} bytes`);
});

Deno.test("keep.ageMs: the segments go whose last record is older, two at a time", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const store = await open(fs, { timestamps: true, keep: { ageMs: 100 } });
  await segments(store, 6);
  assertEquals(store.firstSequence, 1);
  clock.ms = T0 + 100;
  await segments(store, 1);
  assertEquals(store.firstSequence, 1);
  clock.ms = UNSET;
  await segments(store, 1);
  assertEquals(store.firstSequence, 1);
  clock.ms = T0 + 101;
  const firsts: number[] = [];
  for (let at = 0; at < 4; at++) {
    await segments(store, 1);
    firsts.push(store.firstSequence);
  }
  // Those from record 7 on have a time of 100.
  assertEquals(firsts, [3, 5, 7, 7]);
});

Deno.test("keep.ageMs: segments without times go with the first that has one", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const plain = await open(fs, {});
  await segments(plain, 3);
  await plain.close();
  const options = { timestamps: true, keep: { ageMs: 0 } };
  const store = await open(fs, options);
  await segments(store, 1);
  assertEquals(store.firstSequence, 1);
  clock.ms++;
  await segments(store, 1);
  assertEquals(store.firstSequence, 3);
  await segments(store, 1);
  assertEquals(store.firstSequence, 5);
});

Deno.test("keep.ageMs: a segment that opening did not verify is read when it may go", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const before = await open(fs, { timestamps: true });
  await segments(before, 3);
  await before.close();
  clock.ms += 10;
  const options = { timestamps: true, keep: { ageMs: 5 }, verifyFrom: 4 };
  const store = await open(fs, options);
  await segments(store, 1);
  assertEquals([store.firstSequence, store.keepFailure], [3, undefined]);
  await store.close();
});

Deno.test("keep: a removal that fails is told, fails no append, and is made again", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { maxSegmentBytes: 150, keep: { records: 1 } });
  fs.hooks.before = ({ operation }) =>
    operation === "remove" ? { code: "EIO" } : undefined;
  for (const text of ["1", "2", "3"]) await store.append(text.repeat(100));
  await store.sync();
  assertEquals([store.sequence, store.firstSequence], [3, 1]);
  assertEquals(store.keepFailure?.code, "IO");
  assertEquals(store.rotationFailure, undefined);
  fs.hooks = {};
  await store.append("4".repeat(100));
  await store.sync();
  assertEquals(store.firstSequence, 4);
  assertEquals(store.keepFailure, undefined);
});

Deno.test("keep: a removal that could not be made durable is made so at the next rotation", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { keep: { records: 1 } });
  await segments(store, 1);
  let isRemoved = false;
  fs.hooks.before = ({ operation }) => {
    if (operation === "remove") isRemoved = true;
    return isRemoved && operation === "syncDirectory"
      ? { code: "ENOSPC" }
      : undefined;
  };
  await segments(store, 1);
  assertEquals([store.firstSequence, store.keepFailure?.code], [
    2,
    "NO_SPACE",
  ]);
  fs.hooks = {};
  await segments(store, 2);
  assertEquals([store.firstSequence, store.keepFailure], [4, undefined]);
});

Deno.test("keep: neither damage nor trouble in the oldest segment keeps those that may go", async () => {
  using clock = new WallClock(T0);
  const oldest = "/data/journal.00000000000000000000.jsonl";
  for (const isDamaged of [true, false]) {
    clock.ms = T0;
    const fs = new MemoryFileSystem();
    const before = await open(fs, { timestamps: true });
    await segments(before, 4);
    await before.close();
    clock.ms += 10;
    const keep = isDamaged ? { ageMs: 5 } : { ageMs: 5, records: 3 };
    const options = { timestamps: true, keep, verifyFrom: 5 };
    await using store = await open(fs, options);
    if (isDamaged) {
      const bytes = fs.content(oldest)!;
      bytes[20]! ^= 1;
      fs.put(oldest, bytes);
    }
    fs.hooks.before = ({ operation, path }) =>
      !isDamaged && operation === "open" && path === oldest
        ? { code: "EIO" }
        : undefined;
    await segments(store, 1);
    assertEquals(store.keepFailure, undefined);
    assertEquals(store.firstSequence, isDamaged ? 3 : 5);
  }
});

Deno.test("keep.ageMs: all sealed segments go if all are older", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const store = await open(fs, { timestamps: true, keep: { ageMs: 5 } });
  await store.append("x");
  clock.ms += 10;
  await store.rotate();
  assertEquals([store.firstSequence, store.sequence], [2, 1]);
});

Deno.test("keep.ageMs: a segment that was not verified and has lost its header holds up no other", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const before = await open(fs, { timestamps: true });
  await segments(before, 3);
  await before.close();
  clock.ms += 10;
  const options = { timestamps: true, keep: { ageMs: 5 }, verifyFrom: 4 };
  const store = await open(fs, options);
  const oldest = "/data/journal.00000000000000000000.jsonl";
  let opened = 0;
  fs.hooks.before = ({ operation, path }) => {
    // It is read twice: to see whether it has times, and for the last one.
    if (operation === "open" && path === oldest && ++opened === 2) {
      fs.put(oldest, fs.content(oldest)!.slice(0, 10));
    }
    return undefined;
  };
  await segments(store, 1);
  assertEquals([store.firstSequence, store.keepFailure], [3, undefined]);
});

Deno.test("keep: a segment whose time cannot be read is told, and stays", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const before = await open(fs, { timestamps: true });
  await segments(before, 3);
  await before.close();
  clock.ms += 10;
  const options = { timestamps: true, keep: { ageMs: 5 }, verifyFrom: 4 };
  const store = await open(fs, options);
  fs.hooks.before = ({ operation, path }) =>
    operation === "open" && path.includes("0000.jsonl")
      ? { code: "EIO" }
      : undefined;
  await segments(store, 1);
  assertEquals([store.firstSequence, store.keepFailure?.code], [1, "IO"]);
  await store.append("the log works");
});

Deno.test("keep: a reader that was overtaken gets COMPACTED", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { keep: { records: 1 } });
  await segments(store, 1);
  const records = store.follow()[Symbol.asyncIterator]();
  assertEquals((await records.next()).value?.seq, 1);
  await segments(store, 3);
  const rest = (async () => {
    while (!(await records.next()).done);
  })();
  assertEquals((await errorOf(rest)).code, "COMPACTED");
});

Deno.test("keep: waits for no consumer, which gets COMPACTED", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { keep: { records: 1 } });
  await using consumer = await store.consumer("slow");
  await segments(store, 4);
  assertEquals(store.firstSequence, 4);
  const error = await errorOf(Array.fromAsync(consumer.follow()));
  assertEquals(error.code, "COMPACTED");
  assert(error.message.includes("the first that is left is 4"), error.message);
});

Deno.test("keep: options that make no sense are refused", async () => {
  const refused = (keep: unknown, message: string) =>
    assertRejects(
      () => open(new MemoryFileSystem(), { keep: keep as { bytes: number } }),
      Error,
      message,
    );
  await refused({}, "keep must have bytes, records or ageMs");
  await refused({ bytes: undefined }, "keep must have bytes");
  await refused({ byte: 1 }, 'has no option "byte"');
  await refused(7, "must be an object");
  await refused({ bytes: -1 }, "bytes must be a whole number");
  await refused({ records: 0.5 }, "records must be a whole number");
  await refused({ ageMs: 1 }, "keep.ageMs needs timestamps: true");
  const fs = new MemoryFileSystem();
  fs.put(PATH, new TextEncoder().encode("// MINISTORE JOURNAL v0.1.0\n1\n"));
  const rust = open(fs, { keep: { records: 1 } });
  assertEquals((await errorOf(rust)).code, "UNSUPPORTED_FORMAT");
});

Deno.test("keep: a state refuses a log that would remove what no snapshot covers", async () => {
  const log = await MiniStore.open<unknown>(PATH, {
    fs: new MemoryFileSystem(),
    keep: { records: 1 },
  });
  await assertRejects(
    () =>
      StateManager.open("/data", {
        log,
        fs: new MemoryFileSystem(),
        initial: () => 0,
        apply: (state: number) => state,
      }),
    TypeError,
    "keep",
  );
});
