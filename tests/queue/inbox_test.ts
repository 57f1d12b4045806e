// Messages from other processes get into the queue.
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { dirname } from "@std/path";
import { applyToLedger, emptyLedger, MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import {
  content,
  INBOX,
  posted,
  REFUSED,
  TestInbox,
} from "../support/inbox.ts";
import { errorOf } from "../support/journal.ts";
import { drain, turns } from "../support/queue.ts";

Deno.test("MiniQueue.post(): what one process posts is received in its order", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  await Promise.all(["a", "b", "c"].map((payload) => test.post(payload)));
  await MiniQueue.postBatch("/data", [{ payload: "d" }, { payload: "e" }], {
    fs: test.fs,
  });
  assertEquals(test.waiting.length, 4);
  assertEquals(await drain(queue), ["a", "b", "c", "d", "e"]);
  assertEquals([test.waiting, test.refused, test.told], [[], [], []]);
});

Deno.test("MiniQueue.post(): priority, group, delay and key of a message hold from when it is taken in", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  await test.post("later", { delayMs: 1_000 });
  await test.post("a", { group: "g" });
  await test.post("b", { group: "g", dedupeKey: "once" });
  await test.post("c", { dedupeKey: "once" });
  await test.post("first", { priority: 1 });
  test.clock.advance(5_000);
  const { ready, blocked, delayed } = await queue.stats();
  assertEquals([ready, blocked, delayed], [2, 1, 1]);
  assertEquals(await drain(queue), ["first", "a", "b"]);
  test.clock.advance(1_000);
  assertEquals(await drain(queue), ["later"]);
});

Deno.test("MiniQueue.post(): an array is one payload", async () => {
  const test = new TestInbox<string[]>();
  await using queue = await test.open();
  await test.post(["a", "b"]);
  assertEquals(await drain(queue), [["a", "b"]]);
});

Deno.test("MiniQueue.post() takes the payload as it is at the call", async () => {
  const test = new TestInbox<string[]>();
  await using queue = await test.open();
  const payload = ["a"];
  const posting = test.post(payload);
  payload.push("too late");
  await posting;
  assertEquals(await drain(queue), [["a"]]);
});

Deno.test("MiniQueue.open() takes in what was posted while nobody had the queue open", async () => {
  const test = new TestInbox();
  await (await test.open()).close();
  await test.post("a");
  await using queue = await test.open();
  assertEquals(test.waiting, []);
  assertEquals((await queue.peek()).map(({ payload }) => payload), ["a"]);
});

Deno.test("MiniQueue.stats() and peek() count and show what was just posted", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  await test.post("a");
  assertEquals((await queue.stats()).ready, 1);
  await test.post("b");
  const waiting = (await queue.peek()).map(({ payload }) => payload);
  assertEquals(waiting, ["a", "b"]);
});

Deno.test("MiniQueue.receive() that waits looks into the inbox now and then where nothing can be watched", async () => {
  const test = new TestInbox();
  Object.assign(test.fs, { watch: undefined, entries: undefined });
  await using queue = await test.open();
  const waiting = queue.receive({ waitMs: 60_000 });
  await turns();
  await test.post("a");
  await turns(200);
  assertEquals(test.waiting.length, 1);
  test.clock.advance(1_000);
  assertEquals((await waiting)?.payload, "a");
});

/** Gives hints as a system does, and counts who listens. */
class WatchedFileSystem extends MemoryFileSystem {
  watching = 0;

  override async *watch(_: string, signal: AbortSignal): AsyncGenerator<void> {
    this.watching++;
    while (!signal.aborted) {
      await new Promise<void>((resolve) => {
        this.hooks.after = ({ operation, path }) => {
          if (operation === "rename" && path.startsWith(INBOX)) resolve();
        };
        signal.addEventListener("abort", () => resolve());
      });
      if (!signal.aborted) yield;
    }
    this.watching--;
  }
}

Deno.test("MiniQueue.receive() and work() that wait are woken by a hint, and listen only while they wait", async () => {
  const fs = new WatchedFileSystem();
  const { clock, post } = new TestInbox();
  const options = { inbox: true, clock, fs };
  await using queue = await MiniQueue.open<string>("/data", options);
  assertEquals(fs.watching, 0);
  const waiting = queue.receive({ waitMs: 60_000 });
  await turns(200);
  assertEquals(fs.watching, 1);
  await post("a", { fs });
  assertEquals((await waiting)?.payload, "a");
  await turns();
  assertEquals(fs.watching, 0);
  const stop = new AbortController();
  const working = queue.work(() => stop.abort(), { signal: stop.signal });
  await turns(200);
  assertEquals(fs.watching, 1);
  await post("b", { fs });
  await working;
  await turns();
  assertEquals([fs.watching, fs.names(INBOX)], [0, []]);
});

/** Has nothing left to watch with. */
class BlindFileSystem extends MemoryFileSystem {
  override watch(): AsyncIterable<void> {
    throw new Error("too many watches");
  }
}

Deno.test("MiniQueue.receive() finds what was posted where the system refuses to watch", async () => {
  const fs = new BlindFileSystem();
  const { clock, post } = new TestInbox();
  const options = { inbox: true, clock, fs };
  await using queue = await MiniQueue.open<string>("/data", options);
  const waiting = queue.receive({ waitMs: 60_000 });
  await turns(200);
  await post("a", { fs });
  clock.advance(1_000);
  assertEquals((await waiting)?.payload, "a");
});

Deno.test("MiniQueue: a busy consumer looks into the inbox once a second", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  await queue.enqueueBatch(["1", "2", "3"].map((payload) => ({ payload })));
  await test.post("urgent", { priority: 1 });
  assertEquals((await queue.receive())?.payload, "1");
  test.clock.advance(1_000);
  assertEquals((await queue.receive())?.payload, "urgent");
});

Deno.test("MiniQueue takes in more files than one look does, and large ones", async () => {
  await using directory = new TestDirectory();
  const { path } = directory;
  await using queue = await MiniQueue.open<number | string>(path, {
    inbox: true,
  });
  const many = Array.from({ length: 300 }, (_, index) => index);
  for (const number of many) {
    const file = directory.at(`inbox/${posted(number)}`);
    await Deno.writeTextFile(file, content([{ payload: number }]));
  }
  assertEquals((await queue.stats()).ready, 256);
  const large = "x".repeat(600_000);
  for (const _ of [1, 2, 3]) await MiniQueue.post(path, large);
  assertEquals(await drain(queue), [...many, large, large, large]);
  assertEquals(
    await Array.fromAsync(Deno.readDir(directory.at("inbox"))).then((
      { length },
    ) => length),
    1,
  );
});

Deno.test("MiniQueue.open() refuses an inbox that is no folder, and frees the lock", async () => {
  const test = new TestInbox();
  await (await test.open({ inbox: false })).close();
  test.fs.put(INBOX, new Uint8Array());
  const error = await errorOf(test.open());
  assertEquals([error.code, error.path], ["UNSUPPORTED_FORMAT", INBOX]);
  test.fs.unlink(INBOX);
  test.fail("createDirectory", "inbox", "EACCES");
  assertEquals((await errorOf(test.open())).code, "PERMISSION");
  test.mend();
  await (await test.open()).close();
});

Deno.test("MiniQueue.open() refuses an inbox that somebody else may have made, and its folder of refused files", async () => {
  for (const path of [INBOX, REFUSED]) {
    const test = new TestInbox();
    await (await test.open()).close();
    test.fs.give(dirname(path), { mode: 0o777 });
    if (path === REFUSED) test.fs.give("/data", { mode: 0o755 });
    await (await test.open()).close();
    test.fs.give(path, { uid: 7 });
    const error = await errorOf(test.open());
    assertEquals(error.code, "PERMISSION");
    assertStringIncludes(error.message, `"${path}" cannot be trusted`);
    // Root could have made it as well.
    test.fs.give(path, { uid: 0 });
    await (await test.open()).close();
  }
});

Deno.test("applyToLedger() enqueues the messages of a file once, until the file is gone", () => {
  const ledger = emptyLedger<string>();
  const from = posted(1);
  const enqueue = (id: number) => ({
    at: 1,
    v: 2,
    enqueue: [{ id, payload: "a", from }, { id: id + 1, payload: "b", from }],
  });
  applyToLedger(ledger, enqueue(1));
  assertEquals([ledger.inbox, ledger.v], [{ [from]: true }, 2]);
  applyToLedger(ledger, enqueue(3));
  assertEquals(Object.keys(ledger.messages), ["1", "2"]);
  applyToLedger(ledger, { at: 2, v: 2, gone: [posted(2)] });
  assertEquals(ledger.inbox, { [from]: true });
  applyToLedger(ledger, { at: 2, v: 2, gone: [from, posted(2)] });
  assertEquals("inbox" in ledger, false);
  applyToLedger(ledger, { at: 2, v: 2, gone: [from] });
  applyToLedger(ledger, enqueue(5));
  assertEquals(Object.keys(ledger.messages), ["1", "2", "5", "6"]);
  for (const name of ["__proto__", "../a", posted(1).slice(1)]) {
    const entry = { at: 2, v: 2, gone: [name] };
    assertThrows(() => applyToLedger(ledger, entry), TypeError, "gone[0]");
  }
});

Deno.test("MiniQueue keeps the order of a producer where a listing shows only the later of two files", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  // What is listed is no snapshot: the first two are put there after their places were read.
  await test.post("a");
  await test.post("b");
  await test.post("c");
  const hidden = new Set(test.waiting.slice(0, 2));
  let listings = 0;
  Object.assign(test.fs, {
    entries: async function* (path: string) {
      const isFirst = ++listings === 1;
      for (const name of await test.fs.list(path)) {
        if (!isFirst || !hidden.has(name)) yield name;
      }
    },
  });
  assertEquals(await drain(queue), ["a", "b", "c"]);
  // What only the second listing shows waits for the next ones.
  await test.post("d");
  await test.post("e");
  const [, later] = test.waiting;
  listings = 0;
  hidden.clear();
  hidden.add(later!);
  test.put(posted(1), content([{ payload: "of another" }]));
  hidden.add(posted(1));
  assertEquals((await queue.stats()).ready, 1);
  const rest = await drain(queue);
  assertEquals(rest.filter((payload) => payload.length === 1), ["d", "e"]);
  assertEquals(rest.length, 3);
});

Deno.test("MiniQueue takes in once what a listing shows twice", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  await test.post("a");
  Object.assign(test.fs, {
    entries: async function* (path: string) {
      for (const _ of [1, 2]) yield* await test.fs.list(path);
    },
  });
  assertEquals(await drain(queue), ["a"]);
  assertEquals(test.told, []);
});
