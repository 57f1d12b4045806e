// What consumers do if a position is damaged, or is not one of the log.
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { crc32 } from "node:zlib";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import {
  consumerAt,
  follow,
  open,
  PATH,
  POSITION,
  sealed,
} from "../support/consumer.ts";
import { meanwhile } from "../support/copies.ts";
import { errorOf, JournalBytes } from "../support/journal.ts";
import { threeSegments } from "../support/records.ts";

function text(fs: MemoryFileSystem): string {
  return new TextDecoder().decode(fs.content(POSITION));
}

Deno.test("a consumer with a damaged position starts only where a reset says", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await consumerAt(store, "uploader", 9);
  fs.put(POSITION, fs.content(POSITION)!.slice(0, 50));
  await using consumer = await store.consumer("uploader");
  assertEquals([consumer.position, consumer.lag], [0, 9]);
  const error = await errorOf(Array.fromAsync(consumer.follow()));
  assertEquals([error.code, error.path], ["CORRUPT", POSITION]);
  assertStringIncludes(error.message, "reset(seq) of the consumer sets a new");
  await assertRejects(() => consumer.commit(1), RangeError);
  await consumer.reset(8);
  for await (const { seq } of consumer.follow()) {
    assertEquals(seq, 9);
    break;
  }
});

Deno.test("a consumer is not opened where its file is no position, or a newer one", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  for (const content of ["x".repeat(2_000), sealed('{"mini":2,"at":9}')]) {
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    fs.put(POSITION, bytes);
    const error = await errorOf(store.consumer("uploader"));
    assertEquals(error.code, "UNSUPPORTED_FORMAT");
    assertEquals(fs.content(POSITION), bytes);
  }
  // The name is free again.
  await fs.remove(POSITION);
  await (await store.consumer("uploader")).close();
});

Deno.test("a consumer notices that the log was rewritten, at every position, and continues after a reset", async () => {
  const fs = new MemoryFileSystem();
  const old = new Map<string, Uint8Array<ArrayBuffer>>();
  {
    await using store = await threeSegments(PATH, fs);
    for (let seq = 0; seq <= 9; seq++) {
      await consumerAt(store, `at${seq}`, seq);
    }
  }
  // A copy from before the last segment, which then took another course.
  for (const name of fs.names("/data")) {
    old.set(name, fs.content(`/data/${name}`)!.slice());
  }
  const copy = new MemoryFileSystem();
  await copy.createDirectory("/data", 0o700);
  for (const [name, bytes] of old) {
    if (!/journal\.0{19}3|lock/.test(name)) copy.put(`/data/${name}`, bytes);
  }
  const active = "/data/journal.00000000000000000003.jsonl";
  copy.put(PATH, old.get(active.slice(6))!);
  await using store = await open(copy);
  assertEquals(store.sequence, 6);
  for (const data of [70, 80, 90]) await store.append(data);
  for (let seq = 0; seq <= 9; seq++) {
    await using consumer = await store.consumer(`at${seq}`);
    const records = consumer.follow()[Symbol.asyncIterator]();
    if (seq < 6) {
      assertEquals((await records.next()).value?.seq, seq + 1);
      await records.return?.();
      continue;
    }
    if (seq === 6) {
      // It stands before what is different.
      assertEquals((await records.next()).value?.data, 70);
      await records.return?.();
      continue;
    }
    const error = await errorOf(records.next());
    assertEquals(error.code, "REWRITTEN", `at ${seq}`);
    assertStringIncludes(error.message, `up to record ${seq}`);
    await consumer.reset(6);
    assertEquals(
      (await consumer.follow()[Symbol.asyncIterator]().next()).value?.data,
      70,
    );
  }
});

Deno.test("a consumer notices another log, one that ends before it, and one that was reset", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await consumerAt(store, "uploader", 9);
  const position = fs.content(POSITION)!.slice();
  await store.resetTo(100);
  assertEquals((await errorOf(follow(store, "uploader", 1))).code, "COMPACTED");
  await consumerAt(store, "uploader", 100);
  await store.append(101);
  assertEquals(await follow(store, "uploader", 1), [101]);

  const other = new MemoryFileSystem();
  await using another = await threeSegments(PATH, other);
  other.put(POSITION, position);
  assertEquals(
    (await errorOf(follow(another, "uploader", 1))).code,
    "REWRITTEN",
  );
  const shorter = new TextDecoder().decode(position)
    .replace(store.id!, another.id!).replace('"seq":9', '"seq":10');
  other.put(POSITION, sealed(shorter.slice(0, -1)));
  assertEquals(
    (await errorOf(follow(another, "uploader", 1))).code,
    "REWRITTEN",
  );
});

Deno.test("a position is that of its log across clean ends, also if only the next segment is left", async () => {
  const fs = new MemoryFileSystem();
  {
    await using store = await open(fs);
    await store.appendBatch([1, 2]);
    await consumerAt(store, "uploader", 2);
  }
  // Two marks of clean ends come after the record, and stay in its segment.
  await (await open(fs)).close();
  await using store = await open(fs);
  await store.rotate();
  await store.append(3);
  assertEquals(await follow(store, "uploader", 1), [3]);
  assertEquals((await store.compact(2)).removed.length, 1);
  assertEquals(await follow(store, "uploader", 1), [3]);
  // Not where the log continues elsewhere.
  const line = text(fs).slice(0, -1);
  fs.put(
    POSITION,
    sealed(
      line.replace(
        /"chain":"(.)/,
        (_, digit) => `"chain":"${digit === "f" ? "0" : "f"}`,
      ),
    ),
  );
  const seen = await errorOf(follow(store, "uploader", 1));
  assertEquals(seen.code, "REWRITTEN");
});

Deno.test("a consumer is refused damage within what is acknowledged", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  const bytes = fs.content(PATH)!.slice();
  bytes[bytes.length - 5]! ^= 1;
  fs.put(PATH, bytes);
  const error = await errorOf(follow(store, "uploader", 9));
  assertEquals([error.code, error.path], ["CORRUPT", PATH]);
});

Deno.test("a consumer is told of a file that cannot be read, and stays where it is", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await using consumer = await store.consumer("uploader");
  fs.hooks.before = ({ operation }) =>
    operation === "open" ? { code: "EIO" } : undefined;
  const error = await errorOf(Array.fromAsync(consumer.follow()));
  assertEquals(error.code, "IO");
  assertStringIncludes(error.message, "its position is unchanged");
});

Deno.test("a consumer gives no record once its signal has fired, not even from a schema", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("enough");
  let isArmed = false;
  const fs = new MemoryFileSystem();
  await using store = await open(fs, {
    schema: {
      "~standard": {
        validate(value) {
          if (isArmed && value === 2) controller.abort(reason);
          return { value: value as number };
        },
      },
    },
  });
  await store.append(1);
  await store.append(2);
  isArmed = true;
  await using consumer = await store.consumer("uploader");
  const records = consumer.follow({ signal })[Symbol.asyncIterator]();
  assertEquals((await records.next()).value?.seq, 1);
  const next = records.next();
  assertEquals(await next.catch((error) => error), reason);
  await assertRejects(() => consumer.commit(2), RangeError, "not be after 1");
});

Deno.test("consumers() passes over one that is removed meanwhile", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  await consumerAt(store, "uploader", 3);
  fs.hooks.before = ({ operation, path }) => {
    if (operation !== "open" || path !== POSITION) return undefined;
    fs.hooks = {};
    fs.remove(POSITION);
    return undefined;
  };
  assertEquals(await store.consumers(), []);
});

Deno.test("MiniStore.consumer() notices a log that is shortened while it looks a record up", async () => {
  const fs = new MemoryFileSystem();
  await (await threeSegments(PATH, fs)).close();
  await using consumer = await MiniStore.consumer(PATH, "uploader", { fs });
  const lines = new TextDecoder().decode(fs.content(PATH)).split("\n");
  const shorter = new TextEncoder().encode(lines[0] + "\n");
  // It is looked for under the name that it has once it is sealed.
  fs.hooks.before = ({ operation, path }) => {
    const isLast = path.endsWith("6.jsonl");
    if (operation === "open" && isLast) fs.put(PATH, shorter);
    return undefined;
  };
  await assertRejects(() => consumer.reset(9), RangeError, "not 9");
  assertEquals(consumer.position, 0);
});

Deno.test("MiniStore.consumer() refuses a log that was not made yet, and one that is not UTF-8", async () => {
  const fs = new MemoryFileSystem();
  await fs.createDirectory("/data", 0o700);
  fs.put(PATH, new Uint8Array(0));
  const missing = MiniStore.consumer(PATH, "uploader", { fs });
  assertEquals((await errorOf(missing)).code, "NOT_FOUND");
  const journal = new JournalBytes();
  const header = journal.bytes;
  let chain = crc32(header);
  const parts = [header];
  for (const seq of [1, 2]) {
    const body = new TextEncoder().encode(`"seq":${seq},"data":"?"}`);
    body[body.indexOf(0x3f)] = 0xff;
    const crc = crc32(body, chain).toString(16).padStart(8, "0");
    const line = new Uint8Array(18 + body.length + 1);
    line.set(new TextEncoder().encode(`{"crc":"${crc}",`));
    line.set(body, 18);
    line[line.length - 1] = 0x0a;
    chain = crc32(line, chain);
    parts.push(line);
  }
  fs.put(PATH, new Uint8Array(await new Blob(parts).arrayBuffer()));
  await using consumer = await MiniStore.consumer(PATH, "uploader", { fs });
  const error = await errorOf(Array.fromAsync(consumer.follow()));
  assertEquals([error.code, error.path], ["CORRUPT", PATH]);
  assertStringIncludes(error.message, "it is not UTF-8");
});

Deno.test("consumers() finds nothing amiss while a consumer commits what was appended meanwhile", async () => {
  const fs = new MemoryFileSystem();
  let step = () => Promise.resolve();
  const beside = meanwhile(fs, () => step());
  await using store = await MiniStore.open<number>(PATH, { fs: beside });
  await using consumer = await store.consumer("mailer");
  const followed = consumer.follow()[Symbol.asyncIterator]();
  const consume = async () => {
    await store.append(1);
    const { value } = await followed.next();
    await consumer.commit(value!.seq);
  };
  await consume();
  step = async () => {
    step = () => Promise.resolve();
    await consume();
  };
  const [info] = await store.consumers();
  assertEquals(info, { name: "mailer", position: 2, lag: 0 });
  await followed.return?.();
});
