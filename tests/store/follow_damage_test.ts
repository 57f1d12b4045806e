import { assertEquals } from "@std/assert";
import { type FileSystem, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { Follower } from "../support/follower.ts";
import { errorOf, JournalBytes } from "../support/journal.ts";

const PATH = "/data/journal.jsonl";
const RUST_HEADER = "// MINISTORE JOURNAL v0.1.3\n";

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

Deno.test("MiniStore.follow() of a path reads once more where it finds damage, which may be half a write", async () => {
  const memory = new MemoryFileSystem();
  const journal = new JournalBytes().records(1, 2);
  memory.put(PATH, journal.bytes);
  let isHalf = false;
  const fs = reading(memory, (into) => {
    if (isHalf) into[into.length - 20]! ^= 1;
    isHalf = false;
  });
  await using follower = new Follower<string>(PATH, { fs });
  assertEquals(await follower.take(2), ["record 1", "record 2"]);
  isHalf = true;
  memory.put(PATH, journal.records(3, 3).bytes);
  assertEquals(await follower.next(), "record 3");
  const damaged = journal.records(4, 4).bytes;
  damaged[damaged.length - 20]! ^= 1;
  memory.put(PATH, damaged);
  assertEquals((await follower.failure())[0], "CORRUPT");
});

/** A file system that does something to what is read. */
function reading(
  memory: MemoryFileSystem,
  change: (read: Uint8Array) => void,
): FileSystem {
  const target: FileSystem = memory;
  return new Proxy(target, {
    get: (_, name) => {
      if (name !== "open") {
        const member = Reflect.get(target, name, target);
        return typeof member === "function" ? member.bind(target) : member;
      }
      const open: FileSystem["open"] = async (path, access) => {
        const file = await memory.open(path, access);
        const read = async (into: Uint8Array<ArrayBuffer>) => {
          const count = await file.read(into);
          // What is compared is short.
          if (count > 64) change(into.subarray(0, count));
          return count;
        };
        return { ...file, read };
      };
      return open;
    },
  });
}

Deno.test("MiniStore.follow() of a path waits before a torn write, until the next writer has cut it off", async () => {
  const fs = new MemoryFileSystem();
  const good = new JournalBytes().records(1, 2).bytes;
  const torn = new Uint8Array(1_024);
  torn.set(good);
  torn.set(bytes(`${"x".repeat(511)}\n`), 512);
  fs.put(PATH, torn);
  await using follower = new Follower<string>(PATH, { fs });
  assertEquals(await follower.take(2), ["record 1", "record 2"]);
  const next = follower.next();
  for (let turn = 0; turn < 200; turn++) await undefined;
  await using store = await MiniStore.open<string>(PATH, { fs });
  assertEquals(store.recovery.outcome, "torn");
  await store.append("three");
  assertEquals(await next, "three");
});

Deno.test("a sealed segment that ends with damage is CORRUPT for a follower", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1);
  await store.rotate();
  await store.append(2);
  const sealed = fs.names("/data").find((name) => /\.0+\.jsonl$/.test(name))!;
  const content = fs.content(`/data/${sealed}`)!;
  const longer = new Uint8Array(content.length + 5);
  longer.set(content);
  longer.set(bytes('{"crc'), content.length);
  fs.put(`/data/${sealed}`, longer);
  await using follower = new Follower<number>(PATH, { fs });
  assertEquals(await follower.next(), 1);
  assertEquals((await follower.failure())[0], "CORRUPT");
});

Deno.test("a segment with damage is CORRUPT for a follower, also where it is sealed while that is found", async () => {
  const fs = new MemoryFileSystem();
  const journal = new JournalBytes().records(1, 1);
  const damaged = journal.add({ seq: 2, data: "two" }).bytes;
  damaged[damaged.length - 5]! ^= 1;
  fs.put(PATH, damaged);
  fs.hooks.before = ({ operation, path }) => {
    if (operation === "stat" && path === PATH && fs.content(PATH)) {
      fs.link(PATH, "/data/journal.00000000000000000000.jsonl");
      fs.unlink(PATH);
    }
    return undefined;
  };
  await using follower = new Follower<string>(PATH, { fs });
  assertEquals(await follower.next(), "record 1");
  assertEquals(await follower.failure(), ["CORRUPT", 2]);
});

Deno.test("a reader is CORRUPT where a line after good ones is damaged", async () => {
  const fs = new MemoryFileSystem();
  const journal = new JournalBytes().records(1, 3);
  const damaged = journal.bytes;
  damaged[damaged.length - 5]! ^= 1;
  fs.put(PATH, damaged);
  const opened = MiniStore.openReader(PATH, { fs });
  assertEquals((await errorOf(opened)).code, "CORRUPT");
  fs.put(PATH, journal.bytes);
  await using reader = await MiniStore.openReader(PATH, { fs });
  fs.put(PATH, damaged);
  assertEquals((await errorOf(reader.refresh!())).code, "CORRUPT");
  fs.put(PATH, journal.records(4, 4).bytes);
  await reader.refresh?.();
  assertEquals(reader.sequence, 4);
});

Deno.test("MiniStore.follow() and a reader refuse a line that is no record", async () => {
  const fs = new MemoryFileSystem();
  fs.put(PATH, new JournalBytes().records(1, 1).add({ other: 2 }).bytes);
  await using follower = new Follower<string>(PATH, { fs });
  assertEquals(await follower.next(), "record 1");
  assertEquals((await follower.failure())[0], "CORRUPT");
  const reader = MiniStore.openReader(PATH, { fs });
  assertEquals((await errorOf(reader)).code, "CORRUPT");
});

Deno.test("MiniStore.follow() of a path is CORRUPT where the header is damaged", async () => {
  const fs = new MemoryFileSystem();
  const damaged = new JournalBytes().records(1, 1).bytes;
  damaged[30]! ^= 1;
  fs.put(PATH, damaged);
  await using follower = new Follower<string>(PATH, { fs });
  assertEquals((await follower.failure())[0], "CORRUPT");
});

const ONE_RECORD = new JournalBytes().add({ seq: 1, data: 1 });
const NO_RECORD = [
  ["this package", ONE_RECORD.text, ONE_RECORD.add({}).text],
  ["the Rust program", `${RUST_HEADER}1\n`, `${RUST_HEADER}1\nno JSON\n`],
] as const;

for (const [program, good, damaged] of NO_RECORD) {
  Deno.test(`MiniStore.follow() of a path names no line of a journal of ${program} once it has found its place again`, async () => {
    const fs = new MemoryFileSystem();
    fs.put(PATH, bytes(good));
    const records = MiniStore.follow(PATH, { fs })[Symbol.asyncIterator]();
    assertEquals((await records.next()).value, { seq: 1, data: 1 });
    const failure = errorOf(records.next());
    fs.put(PATH, bytes(damaged));
    const { code, line } = await failure;
    assertEquals([code, line], ["CORRUPT", undefined]);
  });
}

Deno.test("MiniStore.follow() of a path that is no log's is UNSUPPORTED_FORMAT", async () => {
  const fs = new MemoryFileSystem();
  fs.put(PATH, bytes("a text\n"));
  await using follower = new Follower(PATH, { fs });
  assertEquals((await follower.failure())[0], "UNSUPPORTED_FORMAT");
});
