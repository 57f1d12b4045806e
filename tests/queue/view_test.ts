import { assertEquals, assertRejects } from "@std/assert";
import { type LedgerEntry, MiniQueue, QueueView } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { TestQueue, turns } from "../support/queue.ts";
import { hastyTimers } from "../support/timers.ts";

/** All that a queue, or a view of one, shows. */
async function shown(
  queue: Pick<MiniQueue<string>, "stats" | "peek" | "deadLetters">,
): Promise<unknown> {
  const stats = await queue.stats();
  return [stats, await queue.peek(), await queue.deadLetters()];
}

Deno.test("QueueView shows what the owner shows, whatever happens to the messages", async () => {
  const test = new TestQueue<string>({ maxAttempts: 1 });
  const queue = await test.open();
  const { fs, clock } = test;
  await using view = await QueueView.open<string>("/data", { fs, clock });
  const check = async () => {
    await view.until(queue.sequence);
    assertEquals(await shown(view), await shown(queue));
    assertEquals([view.sequence, view.lag], [queue.sequence, 0]);
    assertEquals(view.failure, undefined);
  };
  await queue.enqueueBatch([
    { payload: "a", group: "g" },
    { payload: "b", group: "g" },
    { payload: "later", delayMs: 1_000 },
    { payload: "first", priority: 1 },
  ]);
  await check();
  const [first, second] = await queue.receiveBatch(2);
  await check();
  await first!.ack();
  await second!.nack({ reason: "no" });
  await check();
  await queue.pause();
  await queue.compact();
  await check();
  clock.advance(1_000);
  await check();
  await queue.redrive("all");
  await queue.purge("all");
  await check();
  await queue.close();
  const again = await test.open();
  await again.resume();
  await again.enqueue("c");
  await view.until(again.sequence);
  assertEquals(await shown(view), await shown(again));
  await again.close();
});

Deno.test("QueueView gives copies, pages, and resolves changed", async () => {
  const test = new TestQueue<string[]>();
  await using queue = await test.open();
  const { fs, clock } = test;
  await using view = await QueueView.open<string[]>("/data", { fs, clock });
  const { changed } = view;
  await queue.enqueueBatch(
    ["a", "b", "c"].map((name) => ({ payload: [name] })),
  );
  await changed;
  await view.until(queue.sequence);
  const [peeked] = await view.peek(1);
  peeked!.payload.push("changed");
  assertEquals((await view.peek(1))[0]?.payload, ["a"]);
  for (const message of await queue.receiveBatch(3)) {
    await message.deadLetter("no");
  }
  await view.until(queue.sequence);
  const page = await view.deadLetters({ after: 1, limit: 1 });
  assertEquals(page.map(({ id }) => id), [2]);
  page[0]!.payload.push("changed");
  const all = await view.deadLetters();
  assertEquals(all.map(({ payload }) => payload), [["a"], ["b"], ["c"]]);
  await assertRejects(() => view.peek(0), RangeError);
  await assertRejects(() => view.deadLetters({ limit: 0 }), RangeError);
  await assertRejects(() => view.deadLetters({ after: -1 }), RangeError);
});

Deno.test("QueueView.open() needs a queue", async () => {
  const fs = new MemoryFileSystem();
  const open = () => QueueView.open("/data", { fs });
  assertEquals((await errorOf(open())).code, "NOT_FOUND");
  const odd = { limit: 1 } as object;
  await assertRejects(() => QueueView.open("/data", odd), TypeError, '"limit"');
  await using _ = await StateManager.open("/data", {
    fs,
    initial: () => 0,
    apply: (state, { by }: { by: number }) => state + by,
  });
  await _.apply({ by: 1 });
  await assertRejects(open, TypeError, "it holds a state");
});

Deno.test("QueueView may come before the queue", async () => {
  const test = new TestQueue<string>();
  const { fs } = test;
  const options = { fs, ifMissing: "empty" } as const;
  await using view = await QueueView.open<string>("/data", options);
  assertEquals((await view.stats()).ready, 0);
  await using queue = await test.open();
  await queue.enqueue("a");
  await view.until(queue.sequence);
  assertEquals((await view.stats()).ready, 1);
});

const ENTRIES: readonly LedgerEntry<string>[] = [
  { at: 1, enqueue: [{ id: 1, payload: "a" }, { id: 2, payload: "b" }] },
  { at: 2, receive: [1, 2] },
];
/** Throws once the first message is settled. */
const TORN: LedgerEntry<string> = {
  at: 3,
  settle: [
    { id: 1, receipt: 1, as: "acked" },
    { id: 2, receipt: 9, as: "acked" },
  ],
};

/** The log of a queue, a view of it, and the first call with which the view makes its state again. */
async function tornView(
  onRebuild: (view: QueueView<string>) => { code: string } | undefined,
) {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<unknown>("/data/journal.jsonl", { fs });
  for (const apply of ENTRIES) await store.append({ apply });
  const view = await QueueView.open<string>("/data", { fs });
  let isTorn = false;
  let rebuilding: { readonly fault: { code: string } | undefined } | undefined;
  fs.hooks.before = ({ operation, path }) => {
    // It looks for a snapshot first.
    isTorn ||= path.endsWith("snapshot.seq");
    if (!isTorn || operation === "close") return undefined;
    return (rebuilding ??= { fault: onRebuild(view) }).fault;
  };
  await store.append({ apply: TORN });
  return { fs, store, view };
}

Deno.test("QueueView never shows half of an entry that was aborted", async () => {
  const asked: Promise<unknown>[] = [];
  const { store, view } = await tornView((view) => {
    asked.push(view.stats());
    return undefined;
  });
  await turns(500);
  await store.append({ abort: 3 });
  await view.until(4);
  assertEquals(asked.length, 1);
  for (const stats of [...asked, view.stats()]) {
    assertEquals((await stats as { inFlight: number }).inFlight, 2);
  }
  await view.close();
  await store.close();
});

Deno.test("QueueView that is closed shows nothing that may be stale", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("a");
  const view = await QueueView.open<string>("/data", { fs: test.fs });
  await view.close();
  await queue.enqueue("b");
  for (const read of [view.stats(), view.peek(), view.deadLetters()]) {
    assertEquals((await errorOf(read)).code, "CLOSED");
  }
});

Deno.test("QueueView that fails half-way says why, and one that is closed half-way is CLOSED", async () => {
  for (const isClosed of [false, true]) {
    using _timers = hastyTimers();
    const closing: Promise<void>[] = [];
    const { store, view } = await tornView((view) => {
      if (isClosed) closing.push(view.close());
      return { code: "EIO" };
    });
    while (closing.length === 0 && view.failure === undefined) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    await Promise.all(closing);
    const error = await errorOf(view.stats());
    assertEquals(error.code, isClosed ? "CLOSED" : "IO");
    assertEquals(view.failure, isClosed ? undefined : error);
    await view.close();
    await store.close();
  }
});

const READER = `
import { QueueView } from "@mini/state/queue";
const view = await QueueView.open(Deno.args[0]);
await view.until(1);
console.log((await view.stats()).ready, (await view.peek())[0].payload);
await view.until(2);
console.log((await view.stats()).ready);
await view.close();`;

Deno.test("QueueView follows another process, and needs no permission but to read", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path);
  await queue.enqueue("a");
  const flags = [`--allow-read=${directory.path}`];
  const reading = runScript(READER, [directory.path], flags);
  await queue.enqueue("b");
  const { stdout, stderr } = await reading;
  assertEquals(stdout.split("\n").at(-1), "2", stderr);
});
