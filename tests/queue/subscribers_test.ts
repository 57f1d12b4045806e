import { assertEquals, assertRejects } from "@std/assert";
import { channel } from "node:diagnostics_channel";
import { MiniError, MiniStore } from "@mini/state/store";
import { StateManager } from "@mini/state/state";
import { type EnqueueMessage, MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { ALL_TRACED } from "../support/listener.ts";

/** Calls `on` with each message of `start`, until it is disposed of. */
function atStart(
  names: readonly string[],
  on: (message: object) => void,
): Disposable {
  const stops = names.map((name) => {
    const start = channel(`tracing:mini-state:${name}:start`);
    const handler = (message: unknown) => on(message as object);
    start.subscribe(handler);
    return () => void start.unsubscribe(handler);
  });
  return { [Symbol.dispose]: () => stops.forEach((stop) => stop()) };
}

Deno.test("a subscriber that freezes every message fails no operation", async () => {
  const fs = new MemoryFileSystem();
  using _ = atStart(ALL_TRACED, (message) => {
    Object.freeze(message);
    for (const each of (message as EnqueueMessage).messages ?? []) {
      Object.freeze(each);
    }
  });
  await using store = await MiniStore.open<string>("/log/journal.jsonl", {
    fs,
  });
  await store.append("a");
  await store.rotate();
  assertEquals(await store.append("b"), 2);
  assertEquals((await store.compact(1)).removed.length, 1);

  await using sum = await StateManager.open("/sum", {
    fs,
    initial: () => 0,
    apply(state, by: number) {
      if (by < 0) throw new Error("no");
      return state + by;
    },
  });
  await sum.apply(2);
  await sum.createSnapshot();
  await assertRejects(() => sum.apply(-1), MiniError, "no");
  assertEquals([sum.state, (await sum.health()).status], [2, "ok"]);

  await using queue = await MiniQueue.open<string>("/queue", { fs });
  const receiving = queue.receive({ waitMs: Infinity });
  await queue.enqueue("a");
  queue.enqueueMutation("unused");
  await (await receiving)!.ack();
  await queue.enqueue("b");
  const handled: string[] = [];
  await queue.work(({ payload }) => void handled.push(payload), {
    until: "empty",
  });
  assertEquals(handled, ["b"]);
  await assertRejects(() => queue.cancel(-1), RangeError);
});

Deno.test("a subscriber that empties the list of messages keeps none from being enqueued", async () => {
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/queue", { fs });
  using _ = atStart(["enqueue"], (message) => {
    ((message as EnqueueMessage).messages as unknown[]).length = 0;
  });
  const results = await queue.enqueueBatch([{ payload: "a" }, {
    payload: "b",
  }]);
  assertEquals(results.map(({ id }) => id), [1, 2]);
});

Deno.test("no member of a message that is being enqueued gives its payload", async () => {
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/queue", { fs });
  const found: string[] = [];
  using _ = atStart(["enqueue"], (message) => {
    const [each] = (message as EnqueueMessage).messages;
    const kind = Object.getPrototypeOf(each);
    for (const key of [...Reflect.ownKeys(kind), ...Reflect.ownKeys(each!)]) {
      if (key === "constructor" || key === "setHeader") continue;
      const member = Reflect.get(each!, key);
      const value = typeof member === "function" ? member.call(each) : member;
      found.push(JSON.stringify(value) ?? "");
    }
  });
  await queue.enqueue("secret", { headers: { kind: "mail" } });
  assertEquals(found.filter((text) => text.includes("mail")).length, 1);
  assertEquals(found.filter((text) => text.includes("secret")), []);
});
