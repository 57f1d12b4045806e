import { assert, assertEquals, assertRejects } from "@std/assert";
import { MiniStore, type StoreOptions } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf, JournalBytes } from "../support/journal.ts";
import { WallClock } from "../support/wall_clock.ts";

const PATH = "/data/journal.jsonl";
const SEALED = "/data/journal.00000000000000000000.jsonl";
const T0 = Date.UTC(2026, 0, 1);
/** A clock that was never set shows this. */
const UNSET = 60_000;
const none = undefined;

interface Timed {
  readonly seq?: number;
  readonly at?: number;
  readonly durable?: number;
}

/** The lines of records in a file, parsed. */
function linesOf(fs: MemoryFileSystem, path = PATH): Timed[] {
  const text = new TextDecoder().decode(fs.content(path));
  return text.trimEnd().split("\n")
    .map((line): Timed => JSON.parse(line))
    .filter(({ seq }) => seq !== undefined);
}

const timesIn = (fs: MemoryFileSystem, path?: string) =>
  linesOf(fs, path).map(({ at }) => at);

function open(
  fs: MemoryFileSystem,
  options: StoreOptions<string> = {},
): Promise<MiniStore<string>> {
  return MiniStore.open<string>(PATH, { fs, timestamps: true, ...options });
}

/** The times of records, in milliseconds after T0. */
async function told(
  records: AsyncIterable<{ readonly at?: Date }>,
): Promise<(number | undefined)[]> {
  return await Array.fromAsync(records, ({ at }) => at && at.getTime() - T0);
}

Deno.test("timestamps: the first line of each commit has the time, before the data", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  await Promise.all(["a", "b", "c"].map((text) => store.append(text)));
  clock.ms++;
  await store.appendBatch(["d", "e"]);
  await store.append("f", { applied: () => 3 });
  await store.rotate();
  await store.append("g");
  assertEquals(timesIn(fs, SEALED), [T0, none, none, T0 + 1, T0 + 1]);
  assertEquals(timesIn(fs), [T0 + 1]);
  const text = new TextDecoder().decode(fs.content(SEALED));
  const [, , , batch, last] = text.split("\n").slice(1);
  assertEquals(batch!.slice(18), `"seq":4,"at":${T0 + 1},"batch":["d","e"]}`);
  assertEquals(
    last!.slice(18),
    `"seq":6,"applied":3,"at":${T0 + 1},"data":"f"}`,
  );
});

Deno.test("timestamps: they never go back, whatever the clock does, also after opening again", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  let store = await open(fs);
  for (const ms of [T0, T0 - 5_000, UNSET, T0 + 1]) {
    clock.ms = ms;
    await store.append("a");
  }
  clock.ms = T0 - 86_400_000;
  await store.close();
  store = await open(fs);
  await store.append("b");
  await store.rotate();
  await store.close();
  store = await open(fs);
  await store.append("c");
  const sealed = [T0, T0, T0, T0 + 1, T0 + 1];
  assertEquals([timesIn(fs, SEALED), timesIn(fs)], [sealed, [T0 + 1]]);
});

Deno.test("timestamps: a segment that opening does not verify tells the last time", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  let store = await open(fs);
  await store.append("a");
  clock.ms++;
  await store.append("b");
  await store.rotate();
  await store.close();
  store = await open(fs, { timestamps: false });
  await store.append("c");
  await store.rotate();
  await store.close();
  const bytes = fs.content(SEALED)!;
  const damagedAt = (offset: number) => {
    const copy = bytes.slice();
    copy[offset]! ^= 1;
    return copy;
  };
  clock.ms = T0 - 1_000;
  const lines = new TextDecoder().decode(bytes).split("\n");
  const inSecond = lines[0]!.length + lines[1]!.length + 40;
  const cases: [Uint8Array<ArrayBuffer>, number][] = [
    [bytes, T0 + 1],
    [damagedAt(inSecond), T0],
    [damagedAt(20), T0 - 1_000],
  ];
  for (const [content, expected] of cases) {
    fs.restart();
    fs.put(SEALED, content);
    store = await open(fs, { verifyFrom: 4 });
    await store.append("d");
    assertEquals(timesIn(fs).at(-1), expected);
    await store.close();
    const cut = new TextDecoder().decode(fs.content(PATH)).split("\n")[0];
    fs.put(PATH, new TextEncoder().encode(`${cut}\n`));
  }
});

Deno.test("timestamps: segments without times that opening does not verify tell none", async () => {
  using _ = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const untimed = await open(fs, { timestamps: false });
  for (const text of ["a", "b"]) {
    await untimed.append(text);
    await untimed.rotate();
  }
  await untimed.close();
  const store = await open(fs, { verifyFrom: 3 });
  await store.append("c");
  assertEquals(timesIn(fs), [T0]);
  await store.close();
});

Deno.test("timestamps: a disk that fails while the last time is looked for fails the opening", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  await store.append("a");
  await store.rotate();
  await store.rotate();
  await store.close();
  const untimed = await open(fs, { timestamps: false });
  await untimed.append("b");
  await untimed.rotate();
  await untimed.close();
  fs.hooks.before = ({ operation, path }) =>
    operation === "open" && path === SEALED ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(open(fs, { verifyFrom: 3 }))).code, "IO");
  fs.hooks = {};
  await (await open(fs, { verifyFrom: 3 })).close();
});

Deno.test("timestamps: a clock that was never set gives none, until it is set", async () => {
  using clock = new WallClock(UNSET);
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  await store.append("a");
  clock.ms = T0;
  await store.append("b");
  clock.ms = UNSET;
  await store.rotate();
  await store.append("c");
  assertEquals([timesIn(fs, SEALED), timesIn(fs)], [[none, T0], [T0]]);
  assertEquals(await told(store.replay()), [none, 0, 0]);
});

Deno.test("timestamps: without the option none is written, and those that are there are read", async () => {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const plain = await open(fs, { timestamps: false });
  await plain.append("a");
  const [line] = linesOf(fs);
  assertEquals(Object.keys(line!), ["crc", "seq", "data"]);
  await plain.close();
  const timed = await open(fs);
  await timed.append("b");
  await timed.close();
  clock.ms += 1_000;
  const again = await open(fs, { timestamps: false });
  await again.append("c");
  await again.rotate();
  await again.append("d");
  assertEquals(timesIn(fs, SEALED), [none, T0, none]);
  assertEquals(timesIn(fs), [none]);
  // A time counts up to the end of its segment.
  const expected = [none, 0, 0, none];
  assertEquals(await told(again.replay()), expected);
  assertEquals(await told(MiniStore.replay(PATH, { fs })), expected);
  const chunks: (number | undefined)[] = [];
  for await (const records of again.replayChunks()) {
    for (const { at } of records) chunks.push(at && at.getTime() - T0);
  }
  assertEquals(chunks, expected);
  const followed = told(again.follow());
  await again.close();
  assertEquals(await followed, expected);
  assert(
    !("at" in (await Array.fromAsync(MiniStore.replay(PATH, { fs })))[0]!),
  );
});

Deno.test("a time is read wherever it is in a line, and at most as late as a Date can be", async () => {
  const fs = new MemoryFileSystem();
  const { bytes } = new JournalBytes()
    .add({ at: T0, seq: 1, data: "a" })
    .add({ seq: 2, at: Number.MAX_SAFE_INTEGER, data: "b" })
    .addText(`{"seq":3,"at" : ${T0 + 1},"batch":["c","d"]}`);
  fs.put(PATH, bytes);
  const latest = 8_640_000_000_000_000 - T0;
  assertEquals(await told(MiniStore.replay(PATH, { fs })), [0, latest, 1, 1]);
});

Deno.test("a line whose time is no whole number is not one of ours", async () => {
  for (const at of ["-1", "1.5", '"2026"', "null", "01", "9007199254740992"]) {
    const fs = new MemoryFileSystem();
    const line = `{"seq":1,"at":${at},"data":"a"}`;
    fs.put(PATH, new JournalBytes().addText(line).bytes);
    assertEquals((await errorOf(open(fs))).code, "CORRUPT", at);
    const read = Array.fromAsync(MiniStore.replay(PATH, { fs }));
    assertEquals((await errorOf(read)).code, "CORRUPT", at);
  }
});

Deno.test("a journal of the Rust program has no times", async () => {
  const fs = new MemoryFileSystem();
  const text = "// MINISTORE JOURNAL v0.1.0\n1\n";
  fs.put(PATH, new TextEncoder().encode(text));
  assertEquals((await errorOf(open(fs))).code, "UNSUPPORTED_FORMAT");
  const since = new Date(T0);
  await assertRejects(
    () => Array.fromAsync(MiniStore.replay(PATH, { fs, since })),
    TypeError,
  );
});
