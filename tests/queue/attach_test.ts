import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { batch, StateManager } from "@mini/state/state";
import type { MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { drain } from "../support/queue.ts";

interface Shop {
  readonly orders: string[];
  readonly inbox: Ledger<string>;
  readonly outbox: Ledger<string>;
}

type Change =
  | { readonly order: string }
  | { readonly inbox: LedgerEntry<string> }
  | { readonly outbox: LedgerEntry<string> };

const open = (fs: MemoryFileSystem) =>
  StateManager.open<Shop, Change>("/data", {
    fs,
    initial: () => ({
      orders: [],
      inbox: emptyLedger<string>(),
      outbox: emptyLedger<string>(),
    }),
    apply: (state, change) => {
      if ("inbox" in change) applyToLedger(state.inbox, change.inbox);
      else if ("outbox" in change) applyToLedger(state.outbox, change.outbox);
      else if (change.order === "") throw new Error("an order of nothing");
      else state.orders.push(change.order);
    },
  });

Deno.test("MiniQueue.attach(): a state change, its message and the ack of its cause are one record", async () => {
  const fs = new MemoryFileSystem();
  const shop = await open(fs);
  const inbox = await MiniQueue.attach(shop, "inbox");
  const outbox = await MiniQueue.attach(shop, "outbox");
  await inbox.enqueue("tea, please");
  const cause = await inbox.receive();
  const before = shop.sequence;
  await shop.applyBatch([
    { order: "tea" },
    outbox.enqueueMutation("tea is on its way"),
    cause!.ackMutation(),
  ]);
  assertEquals(shop.sequence, before + 1);
  fs.restart();
  await using again = await open(fs);
  assertEquals(again.state.orders, ["tea"]);
  assertEquals(await drain(await MiniQueue.attach(again, "inbox")), []);
  assertEquals(await drain(await MiniQueue.attach(again, "outbox")), [
    "tea is on its way",
  ]);
});

Deno.test("MiniQueue.attach(): an ack that comes too late undoes all that is one with it", async () => {
  await using shop = await open(new MemoryFileSystem());
  const inbox = await MiniQueue.attach(shop, "inbox");
  await inbox.enqueue("tea, please");
  const cause = (await inbox.receive())!;
  const ack = cause.ackMutation();
  await cause.nack();
  const error = await errorOf(shop.applyBatch([{ order: "tea" }, ack]));
  assertEquals(error.code, "ABORTED_MUTATION");
  assertEquals((error.cause as MiniError).code, "RECEIPT_EXPIRED");
  assertEquals(shop.state.orders, []);
  const late = await errorOf(Promise.try(() => cause.ackMutation()));
  assertEquals(late.code, "RECEIPT_EXPIRED");
  assertEquals(await drain(inbox), ["tea, please"]);
});

Deno.test("MiniQueue.attach(): an ack of an earlier delivery undoes all that is one with it, and leaves the current one", async () => {
  await using shop = await open(new MemoryFileSystem());
  const inbox = await MiniQueue.attach(shop, "inbox");
  await inbox.enqueue("tea, please");
  const first = (await inbox.receive())!;
  const ack = first.ackMutation();
  await first.nack();
  const second = (await inbox.receive())!;
  const error = await errorOf(shop.applyBatch([{ order: "tea" }, ack]));
  assertEquals((error.cause as MiniError).code, "RECEIPT_EXPIRED");
  assertEquals(shop.state.orders, []);
  assertEquals((await inbox.stats()).inFlight, 1);
  await second.ack();
});

Deno.test("MiniQueue.attach(): what was given back can be received also once the state was rebuilt", async () => {
  await using shop = await open(new MemoryFileSystem());
  const inbox = await MiniQueue.attach(shop, "inbox");
  await inbox.enqueue("tea, please");
  await (await inbox.receive())!.nack();
  await errorOf(shop.apply({ order: "" }));
  assertEquals(await drain(inbox), ["tea, please"]);
});

Deno.test("MiniQueue.attach(): who waits is woken by what the application applies", async () => {
  await using shop = await open(new MemoryFileSystem());
  const outbox = await MiniQueue.attach(shop, "outbox");
  const waiting = outbox.receive({ waitMs: Infinity });
  await shop.transact((state) =>
    state.orders.length === 0
      ? batch([{ order: "tea" }, outbox.enqueueMutation("tea is on its way")])
      : undefined
  );
  assertEquals((await waiting)?.payload, "tea is on its way");
});

Deno.test("MiniQueue.attach(): a mutation of the application that throws disturbs no delivery", async () => {
  await using shop = await open(new MemoryFileSystem());
  const outbox = await MiniQueue.attach(shop, "outbox");
  await outbox.enqueue("a");
  const first = await outbox.receive();
  const outcomes = await Promise.allSettled([
    shop.apply({ order: "" }),
    outbox.enqueue("b"),
    outbox.receive({ waitMs: Infinity }),
    first!.ack(),
    shop.applyBatch([outbox.enqueueMutation("never"), { order: "" }]),
  ]);
  assertEquals(outcomes.map(({ status }) => status), [
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "rejected",
  ]);
  const { ready, inFlight } = await outbox.stats();
  assertEquals([ready, inFlight], [0, 1]);
});

Deno.test("MiniQueue.attach(): the same entry applied twice enqueues one message", async () => {
  await using shop = await open(new MemoryFileSystem());
  const outbox = await MiniQueue.attach(shop, "outbox");
  const once = outbox.enqueueMutation("a");
  await shop.applyBatch([once, once]);
  assertEquals(await drain(outbox), ["a"]);
});

Deno.test("MiniQueue.attach(): an entry applied once more leaves a delivery under way as it is", async () => {
  await using shop = await open(new MemoryFileSystem());
  const outbox = await MiniQueue.attach(shop, "outbox");
  const once = outbox.enqueueMutation("a");
  await shop.apply(once);
  const message = await outbox.receive();
  await shop.apply(once);
  const { ready, inFlight } = await outbox.stats();
  assertEquals([ready, inFlight], [0, 1]);
  await message!.ack();
});

Deno.test("MiniQueue.attach() refuses a second queue on one ledger, until the first is closed", async () => {
  await using shop = await open(new MemoryFileSystem());
  const first = await MiniQueue.attach(shop, "outbox");
  await assertRejects(() => MiniQueue.attach(shop, "outbox"), TypeError);
  await first.close();
  const second = await MiniQueue.attach(shop, "outbox");
  await second.enqueue("a");
  assert(!shop.isClosed);
});

Deno.test("MiniQueue.attach(): closing the state lets go who waits", async () => {
  const shop = await open(new MemoryFileSystem());
  const outbox = await MiniQueue.attach(shop, "outbox");
  const waiting = outbox.receive({ waitMs: Infinity });
  const working = outbox.work(() => {});
  await shop.close();
  assertEquals(await waiting, undefined);
  await working;
  assertEquals((await errorOf(outbox.enqueue("a"))).code, "CLOSED");
});

Deno.test("MiniQueue.attach(): time travel shows the queue as it was", async () => {
  await using shop = await open(new MemoryFileSystem());
  const outbox = await MiniQueue.attach(shop, "outbox");
  await outbox.enqueue("a");
  assertEquals(await drain(outbox), ["a"]);
  const before = await shop.at(1);
  assertEquals(Object.keys(before.outbox.messages), ["1"]);
  await shop.compact();
  assertEquals(Object.keys(shop.state.outbox.messages), []);
});

Deno.test("MiniQueue.attach(): what was on its way to somebody when the queue closed is there for the next", async () => {
  for (let turn = 0; turn < 40; turn++) {
    await using shop = await open(new MemoryFileSystem());
    const first = await MiniQueue.attach(shop, "outbox");
    await first.enqueue("a", { group: "g" });
    const pending = first.receive({ waitMs: 1_000 });
    for (let done = 0; done < turn; done++) await undefined;
    await first.close();
    const second = await MiniQueue.attach(shop, "outbox");
    assertEquals((await second.receive())?.payload, "a", `after ${turn} turns`);
    const late = await pending;
    if (late) assertEquals((await errorOf(late.ack())).code, "RECEIPT_EXPIRED");
    await second.close();
  }
});

Deno.test("MiniQueue.attach(): closing twice frees the place of nobody else", async () => {
  await using shop = await open(new MemoryFileSystem());
  const first = await MiniQueue.attach(shop, "outbox");
  await first.close();
  const second = await MiniQueue.attach(shop, "outbox");
  await first.close();
  await assertRejects(() => MiniQueue.attach(shop, "outbox"), TypeError);
  await second.close();
});

Deno.test("MiniQueue.attach(): a mutation that enqueues is as good after the queue was attached again", async () => {
  await using shop = await open(new MemoryFileSystem());
  const first = await MiniQueue.attach(shop, "outbox");
  const held = first.enqueueMutation("held");
  await first.close();
  const second = await MiniQueue.attach(shop, "outbox");
  await second.enqueue("new");
  await shop.apply(held);
  assertEquals((await drain(second)).sort(), ["held", "new"]);
});

Deno.test("MiniQueue.attach(): a delay holds also where the state is rebuilt in the midst of a delivery", async () => {
  for (let turn = 0; turn < 40; turn++) {
    await using shop = await open(new MemoryFileSystem());
    const outbox = await MiniQueue.attach(shop, "outbox");
    await outbox.enqueue("a");
    const receiving = outbox.receive();
    const failing = shop.apply({ order: "" }).catch(() => {});
    for (let done = 0; done < turn; done++) await undefined;
    await outbox.stats();
    const message = await receiving;
    await failing;
    await message?.nack({ delayMs: 3_600_000 });
    assertEquals(await outbox.receive(), undefined, `after ${turn} turns`);
    const { ready, delayed } = await outbox.stats();
    assertEquals([ready, delayed], [0, 1]);
  }
});

Deno.test("MiniQueue: who receives hears of it where the state is lost while the message is on its way", async () => {
  const fs = new MemoryFileSystem();
  const shop = await open(fs);
  const queue = await MiniQueue.attach(shop, "inbox");
  await queue.enqueue("a");
  fs.hooks.before = ({ operation }) =>
    operation === "open" ? { code: "EMFILE" } : undefined;
  const aborted = errorOf(shop.apply({ order: "" }));
  assertEquals((await errorOf(queue.receive())).code, "POISONED");
  assertEquals((await aborted).code, "POISONED");
  await queue.close();
  await shop.close();
});

Deno.test("MiniQueue.receive() waits while the state is being rebuilt, whenever it was called", async () => {
  for (let turns = 0; turns < 60; turns++) {
    const shop = await open(new MemoryFileSystem());
    const queue = await MiniQueue.attach(shop, "inbox");
    await queue.enqueue("a");
    const aborted = errorOf(shop.apply({ order: "" }));
    for (let turn = 0; turn < turns; turn++) await undefined;
    assertEquals((await queue.receive())?.payload, "a", `${turns} turns`);
    assertEquals((await aborted).code, "ABORTED_MUTATION");
    await queue.close();
    await shop.close();
  }
});

Deno.test("MiniQueue.attach(): a settlement that the code cannot apply leaves the message to its consumer", async () => {
  const fs = new MemoryFileSystem();
  let isBroken = false;
  await using shop = await StateManager.open("/data", {
    fs,
    initial: () => ({ outbox: emptyLedger<string>() }),
    apply: (state, change: { readonly outbox: LedgerEntry<string> }) => {
      // Code that is not typed may well do so.
      const isSettling = "settle" in change.outbox;
      if (isBroken && isSettling) return Promise.resolve() as never;
      applyToLedger(state.outbox, change.outbox);
    },
  });
  await using outbox = await MiniQueue.attach(shop, "outbox");
  await outbox.enqueue("a");
  const message = await outbox.receive();
  isBroken = true;
  await assertRejects(() => message!.ack(), TypeError, "promise");
  isBroken = false;
  assert(message!.isCurrent);
  await message!.ack();
  assertEquals((await outbox.stats()).inFlight, 0);
});
