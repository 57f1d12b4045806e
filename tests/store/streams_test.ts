import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import { MiniError, MiniStore, type Schema } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { numbers, threeSegments } from "../support/records.ts";

const PATH = "/data/journal.jsonl";

/** A log in memory, and how often a file was synced. */
async function inMemory(): Promise<
  { fs: MemoryFileSystem; store: MiniStore<string>; syncs: () => number }
> {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  let syncs = 0;
  fs.hooks.before = ({ operation }) => {
    if (operation === "sync") syncs++;
    return undefined;
  };
  return { fs, store, syncs: () => syncs };
}

async function contents(store: MiniStore<string>): Promise<string[]> {
  return await Array.fromAsync(store.replay(), ({ data }) => data);
}

/** How each promise ends. */
async function ends(promises: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((end) =>
    end.status === "fulfilled" ? "written" : end.reason.code ?? end.reason.name
  );
}

Deno.test("MiniStore.writable() resolves a write once its record is durable", async () => {
  const holding = new HoldingFileSystem(new MemoryFileSystem());
  await using store = await MiniStore.open<string>(PATH, { fs: holding.fs });
  const writer = store.writable().getWriter();
  const held = holding.hold("sync");
  let isWritten = false;
  const write = writer.write("a").then(() => isWritten = true);
  await held.reached;
  assertEquals([isWritten, store.sequence], [false, 0]);
  held.release();
  await write;
  assertEquals(store.sequence, 1);
  await writer.close();
});

Deno.test("MiniStore.writable() lets writes that do not wait share commits, in their order", async () => {
  const { store, syncs } = await inMemory();
  const writer = store.writable().getWriter();
  const items = Array.from({ length: 1_000 }, (_, index) => `${index}`);
  await Promise.all(items.map((item) => writer.write(item)));
  assert(syncs() <= 3, `${syncs()} syncs`);
  await writer.close();
  assertEquals(await contents(store), items);
  await store.close();
});

Deno.test("MiniStore.writable() copies a record when it is written", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<{ n: number }>(PATH, { fs });
  const writer = store.writable().getWriter();
  const record = { n: 1 };
  const written = writer.write(record);
  record.n = 2;
  await written;
  await writer.close();
  const records = await Array.fromAsync(store.replay(), ({ data }) => data);
  assertEquals(records, [{ n: 1 }]);
});

Deno.test("MiniStore.writable() appends a file of JSON lines, and readable() serves it as server-sent events", async () => {
  await using directory = new TestDirectory();
  const lines = Array.from({ length: 5_000 }, (_, index) => index + 1);
  await Deno.writeTextFile(directory.at("in.jsonl"), lines.join("\n") + "\n");
  await using store = await MiniStore.open<number>(directory.at());
  const file = await Deno.open(directory.at("in.jsonl"));
  await file.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream())
    .pipeThrough(
      new TransformStream<string, number>({
        transform: (line, out) => out.enqueue(JSON.parse(line)),
      }),
    )
    .pipeTo(store.writable());
  assertEquals(numbers(await Array.fromAsync(store.readable())), lines);

  const events = store.readable({ from: 4_999, follow: true })
    .pipeThrough(
      new TransformStream({
        transform: ({ seq, data }, out) =>
          out.enqueue(`id: ${seq}\ndata: ${data}\n\n`),
      }),
    )
    .pipeThrough(new TextEncoderStream());
  const { body } = new Response(events);
  const texts = body!.pipeThrough(new TextDecoderStream()).getReader();
  await store.append(5_001);
  let text = "";
  while (!text.includes("5001")) text += (await texts.read()).value;
  assertEquals(
    text,
    "id: 4999\ndata: 4999\n\nid: 5000\ndata: 5000\n\nid: 5001\ndata: 5001\n\n",
  );
  await texts.cancel();
});

Deno.test("MiniStore.writable() takes in no more than 2 MiB while the disk is busy", async () => {
  const memory = new MemoryFileSystem();
  const holding = new HoldingFileSystem(memory);
  const store = await MiniStore.open<string>(PATH, { fs: holding.fs });
  const held = holding.hold("sync");
  const record = "x".repeat(100_000);
  let taken = 0;
  const source = new ReadableStream<string>({
    pull(controller) {
      if (++taken > 60) controller.close();
      else controller.enqueue(record);
    },
  }, { highWaterMark: 0 });
  const piped = source.pipeTo(store.writable());
  await held.reached;
  // Long enough for a pipe that takes all.
  for (let turn = 0; turn < 2_000; turn++) await undefined;
  assert(taken > 10 && taken <= 23, `${taken} taken`);
  held.release();
  await piped;
  assertEquals(store.sequence, 60);
  await store.close();
});

Deno.test("MiniStore.writable() puts records into one commit up to a size, and a longer one alone", async () => {
  const { store, syncs } = await inMemory();
  const writer = store.writable().getWriter();
  const long = "x".repeat(700_000);
  const longer = "x".repeat(3_000_000);
  await Promise.all(
    [long, long, longer, "a"].map((text) => writer.write(text)),
  );
  assertEquals(syncs(), 4);
  assertEquals((await contents(store)).map((text) => text.length), [
    700_000,
    700_000,
    3_000_000,
    1,
  ]);
  await writer.close();
  await store.close();
});

Deno.test("MiniStore.writable() fails with its first record that cannot be appended, and keeps those before it", async () => {
  const { store } = await inMemory();
  const writer = store.writable().getWriter();
  const records = ["a", "b", undefined as unknown as string, "c", "d"];
  const writes = records.map((record) => writer.write(record));
  assertEquals(await ends(writes), [
    "written",
    "written",
    ...Array(3).fill("UNSERIALIZABLE"),
  ]);
  assertEquals(await ends([writer.closed, writer.write("e")]), [
    "UNSERIALIZABLE",
    "UNSERIALIZABLE",
  ]);
  assertEquals(await contents(store), ["a", "b"]);
  await store.append("the log stays usable");
  await store.close();
});

Deno.test("MiniStore.writable() leaves no gap where a commit fails", async () => {
  const { fs, store } = await inMemory();
  const writer = store.writable().getWriter();
  const long = "x".repeat(800_000);
  const writes = ["a", "b"].map((item) => writer.write(item));
  await writes[1];
  let writing = 0;
  fs.hooks.before = ({ operation }) =>
    operation === "write" && ++writing === 1
      ? { code: "ENOSPC", keepBytes: 5 }
      : undefined;
  // In two commits of the stream, of which only the first would not fit.
  const failed = [long, long].map((item) => writer.write(item));
  assertEquals(await ends(failed), ["NO_SPACE", "NO_SPACE"]);
  assertEquals(await ends([writer.closed]), ["NO_SPACE"]);
  assertEquals(await contents(store), ["a", "b"]);
  assertEquals(await store.append("c"), 3);
  await store.close();
});

Deno.test("MiniStore.writable() fails with the log: POISONED, CLOSED", async () => {
  const { fs, store } = await inMemory();
  const [poisoned, closed] = [store.writable(), store.writable()]
    .map((stream) => stream.getWriter());
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  assertEquals(await ends([poisoned!.write("a")]), ["POISONED"]);
  fs.hooks = {};
  await store.close().catch(() => {});
  assertEquals(await ends([closed!.write("b")]), ["CLOSED"]);
  assertThrows(() => store.writable(), MiniError, "it was closed");
});

Deno.test("MiniStore.writable() drops what waits when it is aborted", async () => {
  const memory = new MemoryFileSystem();
  const holding = new HoldingFileSystem(memory);
  const store = await MiniStore.open<string>(PATH, { fs: holding.fs });
  const held = holding.hold("sync");
  const writer = store.writable().getWriter();
  const first = writer.write("a");
  await held.reached;
  const second = writer.write("b");
  const reason = new Error("enough");
  const aborted = writer.abort(reason);
  held.release();
  await aborted;
  assertEquals(await ends([first, second]), ["written", "Error"]);
  assertEquals(await contents(store), ["a"]);
  await store.close();
});

Deno.test("MiniStore.writable() makes everything durable when it is closed", async () => {
  const { store, syncs } = await inMemory();
  const writer = store.writable({ durable: false }).getWriter();
  await writer.write("a");
  await writer.write("b");
  assertEquals(syncs(), 0);
  await writer.close();
  assertEquals(syncs(), 1);
  await store.close();
});

Deno.test("MiniStore.writable() writes what the schema gives", async () => {
  const upper: Schema<string> = {
    "~standard": {
      validate: (value) => ({ value: String(value).toUpperCase() }),
    },
  };
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open(PATH, { fs, schema: upper });
  const writer = store.writable().getWriter();
  await writer.write("a");
  await writer.close();
  assertEquals(await contents(store), ["A"]);
});

Deno.test("MiniStore.readable() gives a range, and reads nothing before it is asked", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  const before = fs.calls;
  const stream = store.readable({ from: 3, to: 7 });
  await undefined;
  assertEquals(fs.calls, before);
  await store.append(10);
  assertEquals(numbers(await Array.fromAsync(stream)), [3, 4, 5, 6, 7]);
  const live = store.readable({ from: 9, to: 11, follow: true });
  const followed = Array.fromAsync(live);
  await store.append(11);
  assertEquals(numbers(await followed), [9, 10, 11]);
});

Deno.test("MiniStore.readable() ends the reading when it is cancelled, also while it waits", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  for (const from of [1, 10]) {
    const reader = store.readable({ from, follow: true }).getReader();
    const read = reader.read();
    if (from === 1) assertEquals((await read).value?.seq, 1);
    await reader.cancel("enough");
    assertEquals((await reader.read()).done, true);
    if (from === 10) assertEquals(await read, { done: true, value: undefined });
  }
});

Deno.test("MiniStore.readable() fails with the reason of its signal, and with the error of the log", async () => {
  const fs = new MemoryFileSystem();
  await using store = await threeSegments(PATH, fs);
  const controller = new AbortController();
  const { signal } = controller;
  const reader = store.readable({ from: 9, follow: true, signal }).getReader();
  assertEquals((await reader.read()).value?.seq, 9);
  const waiting = reader.read();
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await waiting.catch((error) => error), reason);
  const aborted = store.readable({ signal });
  const error = await Array.fromAsync(aborted).catch((error) => error);
  assertEquals(error, reason);

  await store.compact(6);
  const gone = await errorOf(Array.fromAsync(store.readable({ from: 2 })));
  assertEquals(gone.code, "COMPACTED");
  assertStringIncludes(gone.message, "the first record left is 7");
});

Deno.test("MiniStore.readable() and writable() refuse unknown options, and a closed log", async () => {
  const { store } = await inMemory();
  const unknown: object = { live: true };
  assertThrows(() => store.readable(unknown), TypeError);
  assertThrows(() => store.readable({ from: 0 }), RangeError);
  assertThrows(() => store.writable(unknown), TypeError);
  await store.close();
  assertThrows(() => store.readable(), MiniError, "it was closed");
});
