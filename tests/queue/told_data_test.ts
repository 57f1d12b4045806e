import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { channel, tracingChannel } from "node:diagnostics_channel";
import { type EnqueueMessage, MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { Listener } from "../support/listener.ts";
import { drain, TestQueue } from "../support/queue.ts";
import { onStart, POINTS, sent, TRACED } from "../support/told.ts";

const PATH = "/data/journal.jsonl";

Deno.test("a queue tells what is posted, and what its schedules fire", async () => {
  const fs = new MemoryFileSystem();
  const test = new TestQueue<string>();
  const { clock } = test;
  await using queue = await MiniQueue.open<string>("/data", {
    fs,
    clock,
    inbox: true,
    schedules: {
      tick: { everyMs: 60_000, payload: "tick", headers: { by: "clock" } },
    },
  });
  using listener = new Listener(TRACED);
  await onStart<EnqueueMessage>("enqueue", ({ messages }) => {
    for (const message of messages) message.setHeader("traced", "yes");
  }, async () => {
    await MiniQueue.post("/data", "a", { fs });
    await MiniQueue.postBatch("/data", [{ payload: "b" }], { fs });
    clock.advance(60_000);
    const seen = [];
    for (let message; (message = await queue.receive()) !== undefined;) {
      seen.push([message.payload, message.headers]);
      await message.ack();
    }
    assertEquals(seen, [
      ["a", { traced: "yes" }],
      ["b", { traced: "yes" }],
      ["tick", { by: "clock", traced: "yes" }],
    ]);
  });
  assertEquals(sent(listener), [
    ["post", [[undefined, { traced: "yes" }]]],
    ["post", [[undefined, { traced: "yes" }]]],
    ["schedule", [[3, { by: "clock", traced: "yes" }]]],
  ]);
  assertEquals(listener.of("enqueue start").map(({ path }) => path), [
    PATH,
    PATH,
    PATH,
  ]);
});

Deno.test("a subscriber of start adds headers, which the messages keep, and the caller's object does not", async () => {
  const test = new TestQueue<string>();
  let queue = await test.open();
  const headers = { a: "1", b: "2" };
  let late: EnqueueMessage | undefined;
  await onStart<EnqueueMessage>("enqueue", (message) => {
    late = message;
    const [first] = message.messages;
    first!.setHeader("b", "3");
    first!.setHeader("__proto__", "4");
    assertThrows(() => first!.setHeader("c", 5 as never), TypeError);
  }, async () => {
    await queue.enqueue("one", { headers });
    await queue.enqueue("two");
    const flawed = { payload: "three", headers: ["x"] as never };
    await assertRejects(() => queue.enqueueBatch([flawed]), TypeError);
  });
  assertThrows(() => late!.messages[0]!.setHeader("c", "5"), TypeError);
  assertEquals(headers, { a: "1", b: "2" });
  const one = { a: "1", b: "3", ["__proto__"]: "4" };
  assertEquals((await queue.peek())[0]!.headers, one);
  queue = await test.reopenClosed(queue);
  assertEquals((await queue.receive())!.headers, one);
  const two = { b: "3", ["__proto__"]: "4" };
  assertEquals((await queue.receive())!.headers, two);
  await queue.close();
});

Deno.test("no message has a payload, a result, a key, a group or a reason in it", async () => {
  const secret = "SECRET";
  const test = new TestQueue<string>({
    keepFinished: { count: 10 },
    maxAttempts: 1,
    onError: () => {},
  });
  const seen: unknown[] = [];
  const listen = (message: unknown) => seen.push(structured(message));
  const below = ["apply", "append", "commit", "snapshot"];
  const traced = [...TRACED, ...below].flatMap((name) => {
    const told = tracingChannel(`mini-state:${name}`);
    const { start, end, asyncStart, asyncEnd, error } = told;
    return [start, end, asyncStart, asyncEnd, error];
  });
  const points = POINTS.map((name) => channel(`mini-state:${name}`));
  const all = [...traced, ...points];
  for (const each of all) each.subscribe(listen);
  try {
    await using queue = await test.open();
    const hidden = { dedupeKey: `${secret} key`, group: `${secret} group` };
    await queue.enqueue(`${secret} 1`, hidden);
    await queue.enqueue(`${secret} 2`, { headers: { known: "yes" } });
    await queue.enqueue(`${secret} 3`);
    await (await queue.receive())!.deadLetter(secret);
    await queue.cancel(3, secret);
    await queue.work(() => secret, { until: "empty" });
    await queue.redrive("all");
    await queue.work((_, { progress }) => {
      progress(secret);
      throw new Error(secret);
    }, { until: "empty" });
    assertEquals(await drain(queue), []);
  } finally {
    for (const each of all) each.unsubscribe(listen);
  }
  const text = JSON.stringify(seen);
  assert(seen.length > 40 && text.includes('"known":"yes"'));
  assertEquals(text.includes(secret), false);
});

/** All that can be read of a message, getters included. */
function structured(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return String(value);
  const names = new Set(Object.keys(value));
  if ("headers" in value) names.add("headers");
  return Object.fromEntries(
    [...names].map((name) => [name, structured(Reflect.get(value, name))]),
  );
}

Deno.test("a queue does not heed subscribers that throw: the runtime reports them", async () => {
  const reported: unknown[] = [];
  const report = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error);
  };
  globalThis.addEventListener("error", report);
  const error = new Error("a flawed subscriber");
  const flawed = () => {
    throw error;
  };
  const all = TRACED.flatMap((name) => {
    const { start, asyncEnd } = tracingChannel(`mini-state:${name}`);
    return [start, asyncEnd];
  });
  for (const each of all) each.subscribe(flawed);
  const test = new TestQueue<string>();
  const handled: string[] = [];
  try {
    await using queue = await test.open();
    await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
    await (await queue.receive())!.ack();
    await queue.work(({ payload }) => {
      handled.push(payload);
    }, { until: "empty" });
    assertEquals((await queue.stats()).ready, 0);
  } finally {
    for (const each of all) each.unsubscribe(flawed);
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve);
  await promise;
  globalThis.removeEventListener("error", report);
  assertEquals(handled, ["b"]);
  assert(reported.length >= 10 && reported.every((each) => each === error));
});
