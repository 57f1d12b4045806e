import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type FileSystem, MiniStore } from "@mini/state/store";
import { crashStates, MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { numbers, threeSegments } from "../support/records.ts";
import { errorOf } from "../support/journal.ts";
import { say } from "../support/report.ts";
import { withMethods } from "../support/with_methods.ts";

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

/** A file system whose files have methods that need them as `this`. */
function unbound(fs: MemoryFileSystem): FileSystem {
  const create = async (path: string, mode: number) =>
    new Proxy(await fs.create(path, mode), {
      get: (file, name, receiver) => {
        const member = Reflect.get(file, name);
        if (typeof member !== "function") return member;
        return function (this: unknown, ...args: unknown[]) {
          assertEquals(this === receiver, true, String(name));
          return member.apply(file, args);
        };
      },
    });
  return withMethods(fs, { create });
}

const MOVES: [
  name: string,
  move: (store: MiniStore<number>) => Promise<void>,
][] = [
  ["rotate()", (store) => store.rotate()],
  ["resetTo()", (store) => store.resetTo(9)],
];
for (const [name, move] of MOVES) {
  Deno.test(`MiniStore.${name} leaves no file open, whichever of its calls fails`, async () => {
    for (let failing = 1;; failing++) {
      const fs = new MemoryFileSystem();
      const path = "/data/journal.jsonl";
      const store = await MiniStore.open<number>(path, { fs: unbound(fs) });
      await store.append(1);
      const start = fs.calls;
      let open = 1;
      fs.hooks.before = ({ operation, index }) => {
        if (operation === "close") open--;
        if (index === start + failing) return { code: "EIO" };
        if (operation === "open" || operation === "create") open++;
        return undefined;
      };
      await move(store).catch(() => {});
      const calls = fs.calls - start;
      await store.close();
      assertEquals(open, 0, `call ${failing} of ${calls}`);
      if (calls >= failing) continue;
      say(`each of ${calls} calls of ${name} fails: 0 violations`);
      break;
    }
  });
}

Deno.test("MiniStore.rotate() replaces no file that has the name of the segment", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  await using store = await MiniStore.open<string>(path, { fs });
  await store.append("a");
  const taken = `/data/journal.${"0".padStart(20, "0")}.jsonl`;
  fs.put(taken, new TextEncoder().encode("somebody else's"));
  const error = await errorOf(store.rotate());
  assertEquals(error.code, "IO");
  assert(error.message.includes(taken), error.message);
  assertEquals(await store.append("b"), 2);
  fs.unlink(taken);
  await store.rotate();
  const data = await Array.fromAsync(store.replay(), (record) => record.data);
  assertEquals(data, ["a", "b"]);
});

Deno.test("MiniStore.rotate() that cannot look at the new file costs nothing", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>("/data/journal.jsonl", {
    fs,
  });
  await store.append(1);
  let isPrepared = false;
  fs.hooks.before = ({ operation, path }) => {
    const isNew = path.endsWith(".tmp");
    if (isNew && operation === "sync") isPrepared = true;
    return isNew && isPrepared && operation === "stat"
      ? { code: "EIO" }
      : undefined;
  };
  assertEquals((await errorOf(store.rotate())).code, "IO");
  fs.hooks = {};
  assertEquals(await store.append(2), 2);
  await store.rotate();
  assertEquals(await store.append(3), 3);
  assertEquals(numbers(await Array.fromAsync(store.replay())), [1, 2, 3]);
});

Deno.test("MiniStore.rotate() cannot sync the directory after one of its renames: the log is poisoned", async () => {
  for (const failing of [1, 2]) {
    const path = "/data/journal.jsonl";
    const fs = new MemoryFileSystem();
    const store = await MiniStore.open<number>(path, { fs });
    await store.append(1);
    let syncs = 0;
    fs.hooks.before = ({ operation }) =>
      operation === "syncDirectory" && ++syncs === failing
        ? { code: "EIO" }
        : undefined;
    assertEquals((await errorOf(store.rotate())).code, "POISONED");
    await store.close();
    fs.hooks = {};
    await using again = await MiniStore.open<number>(path, { fs });
    assertEquals(again.sequence, 1);
  }
});

Deno.test("MiniStore.resetTo() to a number that appends before it have taken is refused, and no number is used twice", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  await using store = await MiniStore.open<number>(path, { fs });
  const appended = [1, 2, 3].map((value) => store.append(value));
  await assertRejects(() => store.resetTo(2), RangeError, "seq");
  assertEquals(await Promise.all(appended), [1, 2, 3]);
  assertEquals(await store.append(4), 4);
  assertEquals(numbers(await Array.fromAsync(store.replay())), [1, 2, 3, 4]);
});

Deno.test("MiniStore.resetTo() gives a log that holds no record another id, and sets nothing aside", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  const id = "00112233445566778899aabbccddeeff";
  {
    await using store = await MiniStore.open<number>(path, { fs });
    await store.resetTo(0, id);
    assertEquals([store.id, store.sequence], [id, 0]);
    assertEquals(await store.append(1), 1);
    await assertRejects(() => store.resetTo(1), RangeError, "seq");
  }
  await using store = await MiniStore.open<number>(path, { fs });
  assertEquals([store.id, store.sequence], [id, 1]);
  const names = await fs.list("/data");
  assertEquals(names.filter((name) => name.endsWith(".aside")), []);
});

for (const operation of ["create", "write", "sync", "rename"] as const) {
  Deno.test(`MiniStore.resetTo() finds no room for its ${operation}: the log continues as it was`, async () => {
    // A log with records is copied first.
    for (const records of [0, 1]) {
      const fs = new MemoryFileSystem();
      const path = "/data/journal.jsonl";
      await using store = await MiniStore.open<number>(path, { fs });
      if (records > 0) await store.append(1);
      let left = 1;
      fs.hooks.before = (call) =>
        call.operation === operation && left-- > 0
          ? { code: "ENOSPC" }
          : undefined;
      assertEquals((await errorOf(store.resetTo(9))).code, "NO_SPACE");
      assertEquals(await store.append(records + 1), records + 1);
      await store.resetTo(9);
      assertEquals(await store.append(10), 10);
    }
  });
}

Deno.test("MiniStore.resetTo() is durable once it resolves", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  await using store = await MiniStore.open<number>(path, { fs });
  await store.append(1);
  await store.resetTo(9);
  for (const state of crashStates(fs.snapshot())) {
    await using again = await MiniStore.open<number>(path, { fs: state.fs });
    assertEquals(again.sequence, 9, state.label);
  }
});

Deno.test("MiniStore.resetTo() finds no room where somebody has replaced the file: the log is poisoned", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  const store = await MiniStore.open<number>(path, { fs });
  fs.hooks.before = ({ operation }) => {
    if (operation !== "create") return undefined;
    fs.put(path, fs.content(path)!);
    return { code: "ENOSPC" };
  };
  assertEquals((await errorOf(store.resetTo(9))).code, "POISONED");
  await store.close();
});

Deno.test("MiniStore.seqBefore() gives a number after which the segments hold the bytes", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>("/data/journal.jsonl", {
    fs,
  });
  assertEquals([store.seqBefore(0), store.seqBefore(1_000)], [0, 0]);
  for (let round = 0; round < 3; round++) {
    await store.appendBatch(["a", "b"]);
    await store.rotate();
  }
  await store.append("c");
  const sizes = [];
  for (const name of fs.names("/data").filter((n) => n.endsWith(".jsonl"))) {
    sizes.push((await fs.stat(`/data/${name}`))!.sizeBytes);
  }
  const [, second, third, active] = sizes as [number, number, number, number];
  const asked = [0, active, active + 1, active + third, active + third + 1];
  assertEquals(asked.map((bytes) => store.seqBefore(bytes)), [6, 6, 4, 4, 2]);
  assertEquals(store.seqBefore(active + third + second + 1), 0);
  await store.compact(2);
  assertEquals(store.seqBefore(1_000_000), 2);
  assertThrows(() => store.seqBefore(-1), RangeError);
});
