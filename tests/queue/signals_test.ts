// However many wait on a signal, it has one listener: Node warns of more than ten.
import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import { TestQueue, turns } from "../support/queue.ts";
import { openView } from "../support/view.ts";

const ELEVEN = Array.from({ length: 11 }, (_, index) => index);

/** Counts the listeners of signals: how many one has had at most, and how many there are. */
class Listeners implements Disposable {
  readonly #add = AbortSignal.prototype.addEventListener;
  readonly #remove = AbortSignal.prototype.removeEventListener;
  readonly #of = new Map<AbortSignal, Set<unknown>>();
  most = 0;

  constructor() {
    const add = this.#add;
    const remove = this.#remove;
    const of = (signal: AbortSignal) => this.#of.get(signal) ?? new Set();
    const count = (size: number) => this.most = Math.max(this.most, size);
    const all = this.#of;
    AbortSignal.prototype.addEventListener = function (
      ...[type, listener]: [string, unknown]
    ) {
      all.set(this, of(this).add(listener));
      count(of(this).size);
      add.call(this, type, listener as EventListener);
    };
    AbortSignal.prototype.removeEventListener = function (
      ...[type, listener]: [string, unknown]
    ) {
      of(this).delete(listener);
      remove.call(this, type, listener as EventListener);
    };
  }

  on(signal: AbortSignal): number {
    return this.#of.get(signal)?.size ?? 0;
  }

  [Symbol.dispose](): void {
    AbortSignal.prototype.addEventListener = this.#add;
    AbortSignal.prototype.removeEventListener = this.#remove;
  }
}

Deno.test("MiniQueue.receive() of eleven who share a signal leaves it one listener, and none when they have ended", async () => {
  using listeners = new Listeners();
  await using queue = await new TestQueue<number>().open();
  const { signal } = new AbortController();
  const waiting = ELEVEN.map(() => queue.receive({ waitMs: Infinity, signal }));
  await turns();
  assertEquals([listeners.most, listeners.on(signal)], [1, 1]);
  await queue.enqueueBatch(ELEVEN.map((payload) => ({ payload })));
  const messages = await Promise.all(waiting);
  assertEquals(messages.map((message) => message?.payload), ELEVEN);
  assertEquals(listeners.on(signal), 0);
});

Deno.test("MiniQueue.receive() of eleven who share a signal ends for all of them when it is aborted", async () => {
  await using queue = await new TestQueue<number>().open();
  const stop = new AbortController();
  const { signal } = stop;
  const waiting = ELEVEN.map(() =>
    queue.receive({ waitMs: Infinity, signal }).then(() => "given", String)
  );
  await turns();
  stop.abort("enough");
  assertEquals(await Promise.all(waiting), ELEVEN.map(() => "enough"));
});

Deno.test("MiniQueue.work() of eleven at a time, or eleven times, leaves a signal one listener", async () => {
  using listeners = new Listeners();
  await using queue = await new TestQueue<number>().open();
  const stop = new AbortController();
  const { signal } = stop;
  const working = ELEVEN.map(() =>
    queue.work(() => {}, { concurrency: 11, signal })
  );
  await turns();
  stop.abort();
  await Promise.all(working);
  assertEquals([listeners.most, listeners.on(signal)], [1, 0]);
});

Deno.test("MiniStore.follow() and StateManager.watch() of eleven who share a signal leave it one listener", async () => {
  using listeners = new Listeners();
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open("/journal.jsonl", { fs });
  await using counter = await openCounter("/data", { fs });
  const stop = new AbortController();
  const { signal } = stop;
  const ends = ELEVEN.flatMap(() => [
    Array.fromAsync(store.follow({ signal })),
    Array.fromAsync(counter.watch({ signal })),
  ]);
  await turns(200);
  await counter.apply({ by: 1 });
  await turns(200);
  stop.abort();
  await Promise.allSettled(ends);
  assertEquals([listeners.most, listeners.on(signal)], [1, 0]);
});

Deno.test("StateView.promote() that has waited leaves a signal no listener", async () => {
  using listeners = new Listeners();
  const fs = new MemoryFileSystem();
  await using _writer = await openCounter("/data", { fs });
  await using view = await openView(fs);
  const { signal } = new AbortController();
  const { code } = await errorOf(view.promote({ waitMs: 50, signal }));
  assertEquals([code, listeners.most, listeners.on(signal)], ["LOCKED", 1, 0]);
});
