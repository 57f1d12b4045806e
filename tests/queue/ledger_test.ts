// The ledger alone, as the `apply` of a state has it.
import { assertEquals } from "@std/assert";
import { applyToLedger, emptyLedger, type Ledger } from "@mini/state/queue";

function ledgerWith(...payloads: string[]): Ledger<string> {
  const ledger = emptyLedger<string>();
  const enqueue = payloads.map((payload, index) => ({
    id: index + 1,
    payload,
  }));
  applyToLedger(ledger, { at: 1, enqueue });
  return ledger;
}

Deno.test("applyToLedger() passes over what is gone, or was done, by the time of its entry", () => {
  const ledger = ledgerWith("waits", "flies", "dead");
  applyToLedger(ledger, { at: 2, receive: [2, 3] });
  const dies = { id: 3, receipt: 1, as: "dead" as const };
  applyToLedger(ledger, { at: 3, settle: [dies] });
  assertEquals(ledger.dead[3]?.reason, "no reason was given");
  const before = structuredClone(ledger);
  applyToLedger(ledger, { at: 3, receive: [2, 3, 99] });
  applyToLedger(ledger, { at: 3, expire: [dies] });
  applyToLedger(ledger, { at: 3, redrive: [1, 99] });
  applyToLedger(ledger, { at: 3, purge: [2, 99] });
  assertEquals(ledger, before);
});

Deno.test("applyToLedger() has dead messages wait again, or removes them", () => {
  const ledger = ledgerWith("a", "b");
  applyToLedger(ledger, { at: 2, receive: [1, 2] });
  const settle = [1, 2].map((id) => ({ id, receipt: 1, as: "dead" as const }));
  applyToLedger(ledger, { at: 3, settle });
  applyToLedger(ledger, { at: 4, redrive: [1] });
  applyToLedger(ledger, { at: 5, purge: [2] });
  assertEquals(ledger.dead, {});
  const [again, ...others] = Object.values(ledger.messages);
  assertEquals([again?.payload, again?.attempts, again?.order], ["a", 0, 3]);
  assertEquals(others, []);
});

/** Enqueues a message with a key, by an entry of its own. */
function withKey(
  ledger: Ledger<string>,
  { id, at, until, key = `key ${id}` }: {
    id: number;
    at: number;
    until: number;
    key?: string;
  },
): void {
  const dedupe = { key, until };
  applyToLedger(ledger, { at, enqueue: [{ id, payload: "", dedupe }] });
}

function idsOfKeys({ dedupe }: Ledger<string>): number[] {
  return dedupe.map(({ id }) => id).sort((a, b) => a - b);
}

Deno.test("applyToLedger() forgets the keys that have run out, and no other", () => {
  const ledger = emptyLedger<string>();
  const enqueue = (id: number, at: number, until: number) =>
    withKey(ledger, { id, at, until, key: `key ${id % 100}` });
  for (let id = 1; id <= 100; id++) enqueue(id, 1, id <= 80 ? 10 : 50);
  assertEquals(ledger.dedupe.length, 100);
  enqueue(101, 20, 50);
  assertEquals(
    idsOfKeys(ledger),
    Array.from({ length: 21 }, (_, index) => 81 + index),
  );
  enqueue(181, 20, 50);
  enqueue(102, 20, 50);
  const ids = Object.keys(ledger.messages).map(Number);
  assertEquals([ids.includes(181), ids.includes(102)], [false, true]);
});

Deno.test("applyToLedger() forgets a key when its time is up, whatever stands before it, and whatever happens then", () => {
  const ledger = emptyLedger<string>();
  withKey(ledger, { id: 1, at: 1, until: 1_000_000 });
  // In an order that has nothing to do with when they end.
  const ends = Array.from({ length: 200 }, (_, index) => 2 + index * 77 % 200);
  ends.forEach((until, index) =>
    withKey(ledger, { id: 2 + index, at: 1, until })
  );
  for (let at = 2; at <= 202; at++) {
    applyToLedger(ledger, { at, tick: true });
    const left = ends.flatMap((end, index) => end > at ? [2 + index] : []);
    assertEquals(idsOfKeys(ledger), [1, ...left], `at ${at}`);
  }
});

Deno.test("applyToLedger() makes the same of a ledger that was read as of the one that was written", () => {
  const ledger = emptyLedger<string>();
  for (let id = 1; id <= 50; id++) {
    withKey(ledger, { id, at: 1, until: 10 + id * 31 % 50 });
  }
  const read: Ledger<string> = JSON.parse(JSON.stringify(ledger));
  for (let id = 51; id <= 80; id++) {
    for (const each of [ledger, read]) {
      withKey(each, { id, at: id - 40, until: id + id * 17 % 30 });
    }
    assertEquals(JSON.stringify(read), JSON.stringify(ledger));
  }
});

Deno.test("applyToLedger() has a key keep nobody out that has run out, also where keys stand in another order", () => {
  const ledger = emptyLedger<string>();
  ledger.dedupe = [
    { key: "long", id: 1, until: 40 },
    { key: "short", id: 2, until: 10 },
  ];
  const hold = (id: number, at: number, until: number) =>
    withKey(ledger, { id, at, until, key: "short" });
  hold(3, 20, 90);
  hold(4, 20, 90);
  assertEquals(Object.keys(ledger.messages), ["3"]);
  applyToLedger(ledger, { at: 50, tick: true });
  hold(5, 50, 99);
  assertEquals(Object.keys(ledger.messages), ["3"]);
  assertEquals(idsOfKeys(ledger), [3]);
});

Deno.test("applyToLedger() takes the keys of an older ledger, which stand as they came, for what they are", () => {
  const { v: _, ...old } = emptyLedger<string>();
  const dedupe = [
    { key: "long", id: 1, until: 1_000 },
    { key: "again", id: 2, until: 20 },
    { key: "short", id: 3, until: 30 },
    { key: "again", id: 4, until: 90 },
    { key: "other", id: 5, until: 50 },
  ];
  const older: Ledger<string> = { ...old, at: 25, nextId: 6, dedupe };
  let ledger = structuredClone(older);
  withKey(ledger, { id: 6, at: 30, until: 80, key: "short" });
  assertEquals(idsOfKeys(ledger), [1, 4, 5, 6]);
  // As from a snapshot.
  ledger = structuredClone(ledger);
  ["long", "again", "short", "other"].forEach((key, index) =>
    withKey(ledger, { id: 7 + index, at: 31, until: 99, key })
  );
  assertEquals(Object.keys(ledger.messages), ["6"]);
  applyToLedger(ledger, { at: 80, tick: true });
  assertEquals(idsOfKeys(ledger), [1, 4]);
});

Deno.test("applyToLedger() keeps no key that has run out when its message comes", () => {
  const ledger = emptyLedger<string>();
  withKey(ledger, { id: 1, at: 5, until: 5, key: "a" });
  withKey(ledger, { id: 2, at: 5, until: 9, key: "a" });
  assertEquals(Object.keys(ledger.messages), ["1", "2"]);
  assertEquals(idsOfKeys(ledger), [2]);
});
