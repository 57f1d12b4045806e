// What the types of a state say: nobody changes what is in no log.
import { assertEquals } from "@std/assert";
import {
  batch,
  type DeepReadonly,
  StateManager,
  type StateOptions,
} from "@mini/state/state";
import {
  applyToLedger,
  emptyLedger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { type Snapshots, SnapStore } from "@mini/state/snap";
import { type Log, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";

/** Whether two types are the same; not only assignable to each other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

/** Compiles only for what is true. */
function holds<_T extends true>(): void {}

interface Ghosts {
  items: { name: string; tags: string[] }[];
  byName: Map<string, { seen: number[] }>;
  names: Set<string>;
  at: Date;
  bytes: Uint8Array;
  pair: [first: { a: number }, second?: string];
  describe: (ghost: { name: string }) => string;
  rest: unknown;
  maybe?: { deep: { er: boolean } } | null;
}

type Json = string | number | Json[] | { [key: string]: Json };

Deno.test("DeepReadonly leaves nothing of a state to be changed, and everything to be read", () => {
  type View = DeepReadonly<Ghosts>;
  holds<
    Same<
      View["items"],
      readonly { readonly name: string; readonly tags: readonly string[] }[]
    >
  >();
  holds<
    Same<
      View["byName"],
      ReadonlyMap<string, { readonly seen: readonly number[] }>
    >
  >();
  holds<Same<View["names"], ReadonlySet<string>>>();
  holds<Same<View["at"], Date>>();
  holds<Same<View["bytes"], Uint8Array>>();
  holds<
    Same<
      View["pair"],
      readonly [first: { readonly a: number }, second?: string]
    >
  >();
  holds<Same<View["describe"], Ghosts["describe"]>>();
  holds<Same<View["rest"], unknown>>();
  holds<
    Same<
      View["maybe"],
      { readonly deep: { readonly er: boolean } } | null | undefined
    >
  >();
  // deno-lint-ignore no-explicit-any -- it stays what it was
  holds<Same<DeepReadonly<any>, any>>();
  holds<Same<DeepReadonly<number>, number>>();
  holds<Same<DeepReadonly<string & { kind: "id" }>, string & { kind: "id" }>>();
  const json: DeepReadonly<Json> = { a: [1, { b: "c" }] };
  assertEquals(json, { a: [1, { b: "c" }] });
});

/** Never run: that it compiles, and what does not, is the test. */
async function misuse(options: StateOptions<Ghosts, { by: 1 }>): Promise<void> {
  const ghosts = await StateManager.open("/data", options);
  const ghost = { name: "", tags: [] };
  // @ts-expect-error -- a change in no log
  ghosts.state.items.push(ghost);
  // @ts-expect-error -- and deeper
  ghosts.state.items[0]!.tags.push("");
  // @ts-expect-error -- and as a whole
  ghosts.state.items = [];
  // @ts-expect-error -- nor in a Map
  ghosts.state.byName.get("")!.seen.push(1);
  // @ts-expect-error -- nor the Map itself
  ghosts.state.byName.clear();
  // @ts-expect-error -- nor a Set
  ghosts.state.names.add("");
  await ghosts.transact((state) => {
    // @ts-expect-error -- nor while deciding
    state.items.push(ghost);
    return batch([{ by: 1 }]);
  });
  // @ts-expect-error -- an array is one mutation, and this is none
  await ghosts.transact(() => [{ by: 1 }]);
  // A copy is the caller's own.
  ghosts.snapshot().items.push(ghost);
}

Deno.test("StateManager, MiniQueue.attach(): state, mutation and payload are known from the options alone", async () => {
  void misuse;
  interface Mail {
    to: string[];
  }
  await using shop = await StateManager.open("/data", {
    fs: new MemoryFileSystem(),
    initial: () => ({ orders: [] as string[], mails: emptyLedger<Mail>() }),
    apply: (
      state,
      change: { order: string } | { mails: LedgerEntry<Mail> },
    ) => {
      if ("mails" in change) applyToLedger(state.mails, change.mails);
      else state.orders.push(change.order);
    },
  });
  holds<Same<(typeof shop.state)["orders"], readonly string[]>>();
  const mails = await MiniQueue.attach(shop, "mails");
  await shop.transact(({ orders }) => {
    holds<Same<typeof orders, readonly string[]>>();
    return batch([{ order: "tea" }, mails.enqueueMutation({ to: ["ada"] })]);
  });
  const message = await mails.receive();
  // The payload is a copy of the consumer's own.
  message!.payload.to.push("bob");
  assertEquals(message!.payload, { to: ["ada", "bob"] });
  assertEquals(shop.state.mails.messages[1]!.payload, { to: ["ada"] });
  assertEquals(shop.state.orders, ["tea"]);
  await mails.close();
});

Deno.test("MiniStore is a Log, and SnapStore is Snapshots", () => {
  holds<MiniStore<Ghosts> extends Log<Ghosts> ? true : false>();
  holds<SnapStore<Ghosts> extends Snapshots<Ghosts> ? true : false>();
  assertEquals([typeof MiniStore, typeof SnapStore], ["function", "function"]);
});
