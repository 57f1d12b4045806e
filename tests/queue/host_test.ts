// What a queue asks of the state that it is attached to, types included.
import { assertEquals } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  type LedgerHost,
  MiniQueue,
} from "@mini/state/queue";
import { type DeepReadonly, StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { drain } from "../support/queue.ts";

Deno.test("MiniQueue.attach(): each ledger has the payload of its own mutations", async () => {
  type Mixed =
    | { readonly words: LedgerEntry<string> }
    | { readonly jobs: LedgerEntry<{ readonly to: string[] }> };
  await using state = await StateManager.open("/data", {
    fs: new MemoryFileSystem(),
    initial: () => ({
      words: emptyLedger<string>(),
      jobs: emptyLedger<{ readonly to: string[] }>(),
      other: emptyLedger<string>(),
    }),
    apply(state, mixed: Mixed) {
      if ("words" in mixed) applyToLedger(state.words, mixed.words);
      else applyToLedger(state.jobs, mixed.jobs);
    },
  });
  await using words = await MiniQueue.attach(state, "words");
  await using jobs = await MiniQueue.attach(state, "jobs");
  await state.applyBatch([
    words.enqueueMutation("a word"),
    jobs.enqueueMutation({ to: ["ada"] }),
  ]);
  const job = await jobs.receive();
  job!.payload.to.push("eve");
  const payload: string = (await words.receive())!.payload;
  assertEquals([payload, job!.payload.to], ["a word", ["ada", "eve"]]);
  // @ts-expect-error -- no mutation of the state applies entries to it
  await (await MiniQueue.attach(state, "other")).close();
});

Deno.test("MiniQueue.attach() needs no more of a host than LedgerHost asks for", async () => {
  type Change = { readonly outbox: LedgerEntry<string> };
  await using shop = await StateManager.open("/data", {
    fs: new MemoryFileSystem(),
    initial: () => ({ outbox: emptyLedger<string>() }),
    apply: (state, { outbox }: Change) => applyToLedger(state.outbox, outbox),
  });
  type Shop = { readonly outbox: DeepReadonly<Ledger<string>> };
  const host: LedgerHost<Shop, Change> = {
    get state() {
      return shop.state;
    },
    get sequence() {
      return shop.sequence;
    },
    get changed() {
      return shop.changed;
    },
    isClosed: false,
    failure: undefined,
    apply: (change, options) => shop.apply(change, options),
    compact: () => shop.compact(),
  };
  await using outbox = await MiniQueue.attach(host, "outbox");
  await Promise.all([outbox.enqueue("a"), outbox.enqueue("b")]);
  assertEquals(await drain(outbox), ["a", "b"]);
  const { firstSequence } = await outbox.compact();
  assertEquals(firstSequence, shop.sequence + 1);
});
