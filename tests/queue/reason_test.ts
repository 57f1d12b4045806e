// Why a message is dead: something is told, whatever a handler throws.
import { assert, assertEquals } from "@std/assert";
import { runInNewContext } from "node:vm";
import { DeadLetterError } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import { TestQueue } from "../support/queue.ts";

class PaymentDeclined extends Error {}

const TIMES = " (delivered 1 times)";

/** The reasons of messages whose handlers throw. */
async function reasonsOf(thrown: readonly unknown[]): Promise<string[]> {
  await using queue = await new TestQueue<number>({ maxAttempts: 1 }).open();
  await queue.enqueueBatch(thrown.map((_, payload) => ({ payload })));
  const stop = new AbortController();
  let handled = 0;
  await queue.work(({ payload }) => {
    if (++handled > thrown.length) return stop.abort();
    if (handled === thrown.length) queue.enqueue(-1);
    throw thrown[payload];
  }, { signal: stop.signal });
  const reasons = (await queue.deadLetters()).map(({ reason }) => reason);
  return reasons.map((reason) => reason.replace(TIMES, ""));
}

function circle(): Error {
  const error = new Error("round");
  error.cause = new TypeError("and round", { cause: error });
  return error;
}

function deep(level: number): Error {
  const cause = level === 0 ? undefined : deep(level - 1);
  return new Error(`${level}`, { cause });
}

const ANONYMOUS = (() => class extends Error {})();

/** A value that is thrown, and the reason that it gives. */
const TOLD: readonly (readonly [unknown, string])[] = [
  [new Error("boom"), "boom"],
  [new Error(), "Error"],
  [new Error("  "), "Error"],
  [new ANONYMOUS(), "Error"],
  [new PaymentDeclined(), "PaymentDeclined"],
  [new PaymentDeclined("card 4"), "PaymentDeclined: card 4"],
  [Object.assign(new Error(), { code: "ECONNRESET" }), "Error (ECONNRESET)"],
  [new DOMException("too late", "TimeoutError"), "TimeoutError: too late"],
  [
    new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") }),
    "TypeError: fetch failed: ECONNREFUSED",
  ],
  [new Error("no: disk", { cause: new Error("disk") }), "no: disk"],
  [new Error("the same", { cause: new Error("the same") }), "the same"],
  [circle(), "round: TypeError: and round"],
  [deep(9), "9: 8: 7: 6: 5"],
  [
    new AggregateError([new Error("a"), new RangeError("b"), null]),
    "AggregateError: a; RangeError: b",
  ],
  [
    new AggregateError([1, 2, 3, 4, 5, 6, 7].map((n) => new Error(`${n}`))),
    "AggregateError: 1; 2; 3; 4; 5; and 2 more",
  ],
  [
    new SuppressedError(new Error("a"), new Error("b")),
    "SuppressedError: a; b",
  ],
  [runInNewContext("new RangeError('elsewhere')"), "RangeError: elsewhere"],
  [Object.assign(Object.create(null), { message: "bare" }), "bare"],
  [{ code: "E" }, '{"code":"E"}'],
  [[{ code: "E" }], '[{"code":"E"}]'],
  [new Map([[1, 2]]), "Map {}"],
  [Object.assign(Object.create(null), { code: "E" }), '{"code":"E"}'],
  [new Date(0), String(new Date(0))],
  ["a text", "a text"],
  [42n, "42"],
  ["", '"" was thrown'],
  [null, "null was thrown"],
  [undefined, "undefined was thrown"],
  [new DeadLetterError("no such address"), "no such address"],
  [new DeadLetterError(""), "DeadLetterError"],
];

Deno.test("MiniQueue.work(): a dead letter tells what its handler has thrown, and what has caused it", async () => {
  const reasons = await reasonsOf(TOLD.map(([thrown]) => thrown));
  assertEquals(reasons, TOLD.map(([, reason]) => reason));
});

Deno.test("MiniQueue.work(): a dead letter tells something where what was thrown cannot be read", async () => {
  const hostile = {
    get(): never {
      throw new Error("no");
    },
  };
  const unreadable = new PaymentDeclined();
  Object.defineProperty(unreadable, "message", hostile);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const causes = new Error("its cause hides");
  Object.defineProperty(causes, "cause", hostile);
  assertEquals(await reasonsOf([unreadable, proxy, cycle, causes]), [
    "what was thrown (PaymentDeclined) cannot be described",
    "what was thrown cannot be described",
    "what was thrown (Object) cannot be described",
    "its cause hides",
  ]);
});

Deno.test("MiniQueue.work(): a reason is cut, however long what was thrown is", async () => {
  const long = "x".repeat(5_000_000);
  const errors = Array.from({ length: 1_000 }, () => new Error(long));
  const reasons = await reasonsOf([
    new AggregateError(errors, "many"),
    { long },
    long,
  ]);
  assert(reasons.every((reason) => reason.length === 1_000));
});

Deno.test("QueueMessage: a reason of no characters is none", async () => {
  await using queue = await new TestQueue<string>({ maxAttempts: 1 }).open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  await (await queue.receive())!.nack({ reason: "" });
  await (await queue.receive())!.deadLetter("");
  const reasons = (await queue.deadLetters()).map(({ reason }) => reason);
  assertEquals(reasons, ["delivered 1 times", "no reason was given"]);
});

Deno.test("StateManager.apply() tells what apply has thrown", async () => {
  await using counter = await openCounter("/data", {
    fs: new MemoryFileSystem(),
    apply: () => {
      throw new PaymentDeclined();
    },
  });
  const { message } = await errorOf(counter.apply({ by: 1 }));
  assert(message.includes("record 1: PaymentDeclined;"), message);
});

Deno.test("MiniStore.open() tells something where a file system fails without a word", async () => {
  const fs = new MemoryFileSystem();
  fs.lock = () => Promise.reject(new Error());
  const { message } = await errorOf(
    MiniStore.open("/data/journal.jsonl", { fs }),
  );
  assert(message.includes(": Error; "), message);
});
