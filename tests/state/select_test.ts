import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { MiniError, StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";

/** Reads on by hand. */
function reading<T>(items: AsyncIterable<T>): AsyncIterator<T> {
  return items[Symbol.asyncIterator]();
}

/** Whether a promise is settled by now, whatever else could run has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true, () => settled = true);
  for (let turn = 0; turn < 50; turn++) await undefined;
  return settled;
}

Deno.test("StateManager.select() gives the part now, and whenever it has changed", async () => {
  await using counter = await openCounter("/data", {
    fs: new MemoryFileSystem(),
  });
  const parts = reading(counter.select(({ log }) => log));
  assertEquals((await parts.next()).value, []);
  const next = parts.next();
  await counter.apply({ by: 1 });
  assertEquals(await isSettled(next), false);
  await counter.apply({ by: 1, note: "a" });
  const { value } = await next;
  assertEquals(value, ["a"]);
  value!.push("a change of the copy");
  assertEquals(counter.state.log, ["a"]);
});

Deno.test("StateManager.select() gives a slow reader the newest part, and none twice", async () => {
  await using counter = await openCounter("/data", {
    fs: new MemoryFileSystem(),
  });
  const parts = reading(counter.select(({ value }) => value));
  assertEquals((await parts.next()).value, 0);
  for (const by of [1, 2, 4]) await counter.apply({ by });
  assertEquals((await parts.next()).value, 7);
  const next = parts.next();
  await counter.applyBatch([{ by: 1 }, { by: -1 }]);
  assertEquals(await isSettled(next), false);
  await counter.apply({ by: 1 });
  assertEquals((await next).value, 8);
});

Deno.test("StateManager.select() takes a part that is not there yet, and refuses what JSON does not keep", async () => {
  await using counter = await openCounter("/data", {
    fs: new MemoryFileSystem(),
  });
  const parts = reading(counter.select(({ log }) => log[0]));
  assertEquals(await parts.next(), { done: false, value: undefined });
  const next = parts.next();
  await counter.apply({ by: 1 });
  assertEquals(await isSettled(next), false);
  await counter.apply({ by: 1, note: "a" });
  assertEquals((await next).value, "a");
  const kept = reading(counter.select(({ log }) => new Set(log)));
  assertEquals((await errorOf(kept.next())).code, "UNSERIALIZABLE");
});

Deno.test("StateManager.select() of a state that is immutable compares by identity, and copies nothing", async () => {
  await using list = await StateManager.open("/data", {
    fs: new MemoryFileSystem(),
    immutable: true,
    initial: () => ({ items: new Map<string, number>(), writes: 0 }),
    apply: (state, item: string) => ({
      items: item === "" ? state.items : new Map([...state.items, [item, 1]]),
      writes: state.writes + 1,
    }),
  });
  const parts = reading(list.select(({ items }) => items));
  assertStrictEquals((await parts.next()).value, list.state.items);
  const next = parts.next();
  await list.apply("");
  assertEquals(await isSettled(next), false);
  await list.apply("a");
  const before = list.state.items;
  assertStrictEquals((await next).value, before);
  const same = parts.next();
  await list.apply("a");
  assertEquals(list.state.items, before);
  assertStrictEquals((await same).value, list.state.items);
});

Deno.test("StateManager.select() of a state that is immutable gives a part that is made each time once for each change", async () => {
  await using list = await StateManager.open("/data", {
    fs: new MemoryFileSystem(),
    immutable: true,
    initial: () => 0,
    apply: (state, by: number) => state + by,
  });
  const parts = reading(list.select((value) => ({ value })));
  assertEquals((await parts.next()).value, { value: 0 });
  const next = parts.next();
  assertEquals(await isSettled(next), false);
  await list.apply(1);
  assertEquals((await next).value, { value: 1 });
  await list.apply(2);
  await list.apply(3);
  assertEquals((await parts.next()).value, { value: 6 });
  assertEquals(await isSettled(parts.next()), false);
});

Deno.test("StateManager.select() ends on close, after the newest part", async () => {
  const counter = await openCounter("/data", { fs: new MemoryFileSystem() });
  const slow = reading(counter.select(({ value }) => value));
  const waiting = reading(counter.select(({ value }) => value));
  await slow.next();
  await counter.apply({ by: 1 });
  assertEquals((await waiting.next()).value, 1);
  const end = waiting.next();
  await counter.close();
  assertEquals(await end, { done: true, value: undefined });
  assertEquals((await slow.next()).value, 1);
  assertEquals(await slow.next(), { done: true, value: undefined });
  assertThrows(
    () => counter.select(({ value }) => value),
    MiniError,
    "it was closed",
  );
});

Deno.test("StateManager.select() throws why the state has failed, after the last part that it has", async () => {
  const fs = new MemoryFileSystem();
  const counter = await openCounter("/data", { fs });
  const parts = reading(counter.select(({ value }) => value));
  await counter.apply({ by: 1 });
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(counter.apply({ by: 2 }))).code, "POISONED");
  fs.hooks = {};
  assertEquals((await parts.next()).value, 1);
  assertStrictEquals(await errorOf(parts.next()), counter.failure);
  await counter.close();
});

Deno.test("StateManager.select() throws why there is no state any more", async () => {
  const fs = new MemoryFileSystem();
  const counter = await openCounter("/data", { fs });
  const parts = reading(counter.select(({ value }) => value));
  assertEquals((await parts.next()).value, 0);
  const next = errorOf(parts.next());
  fs.hooks.before = ({ operation }) =>
    operation === "list" ? { code: "EMFILE" } : undefined;
  await errorOf(counter.apply({ by: 2, fail: true }));
  fs.hooks = {};
  assertStrictEquals(await next, counter.failure);
  await counter.close();
});

Deno.test("StateManager.select() shows nothing of a mutation that apply throws for", async () => {
  const holding = new HoldingFileSystem(new MemoryFileSystem());
  await using counter = await openCounter("/data", { fs: holding.fs });
  await counter.apply({ by: 1 });
  const parts = reading(counter.select(({ value }) => value));
  assertEquals((await parts.next()).value, 1);
  const rebuild = holding.hold("list");
  const next = parts.next();
  const failed = errorOf(counter.apply({ by: 2, fail: true }));
  await rebuild.reached;
  assertThrows(() => counter.state, MiniError, "being rebuilt");
  const other = parts.next();
  rebuild.release();
  assertEquals((await failed).code, "ABORTED_MUTATION");
  assertEquals(await isSettled(next), false);
  await counter.apply({ by: 4 });
  assertEquals((await next).value, 5);
  await counter.apply({ by: 8 });
  assertEquals((await other).value, 13);
});

Deno.test("StateManager.select() ends with the reason of its signal, at once and later", async () => {
  await using counter = await openCounter("/data", {
    fs: new MemoryFileSystem(),
  });
  const stop = new AbortController();
  const { signal } = stop;
  const parts = reading(counter.select(({ value }) => value, { signal }));
  assertEquals((await parts.next()).value, 0);
  const next = assertRejects(() => parts.next(), Error, "enough");
  assert(!await isSettled(next));
  const slow = reading(counter.select(({ value }) => value, { signal }));
  assertEquals((await slow.next()).value, 0);
  stop.abort(new Error("enough"));
  await next;
  await assertRejects(() => slow.next(), Error, "enough");
  const late = counter.select(({ value }) => value, { signal });
  await assertRejects(() => reading(late).next(), Error, "enough");
});

Deno.test("StateManager.select() refuses what is no selector", async () => {
  await using counter = await openCounter("/data", {
    fs: new MemoryFileSystem(),
  });
  assertThrows(
    () => counter.select("value" as never),
    TypeError,
    "selector must be a function",
  );
  assertThrows(
    () => counter.select(() => 1, { signal: {} as never }),
    TypeError,
    "signal must be",
  );
  const promised = counter.select(() => Promise.reject(new Error("late")));
  await assertRejects(
    () => reading(promised).next(),
    TypeError,
    "selector must not return a promise",
  );
  const nested = counter.select(() => counter.select(() => 1));
  await assertRejects(() => reading(nested).next(), TypeError, "call back");
  const faulty = counter.select(() => {
    throw new RangeError("mine");
  });
  await assertRejects(() => reading(faulty).next(), RangeError, "mine");
});
