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
  assertEquals([again?.payload, again?.receives, again?.order], ["a", 0, 3]);
  assertEquals(others, []);
});

Deno.test("applyToLedger() forgets the keys that have run out, and no other", () => {
  const ledger = emptyLedger<string>();
  const enqueue = (id: number, at: number, until: number) =>
    applyToLedger(ledger, {
      at,
      enqueue: [{ id, payload: "", dedupe: { key: `key ${id % 100}`, until } }],
    });
  for (let id = 0; id < 100; id++) enqueue(id, 1, id < 80 ? 10 : 50);
  assertEquals(ledger.dedupe.length, 100);
  enqueue(100, 20, 50);
  assertEquals(ledger.dedupe.map(({ id }) => id), [
    ...Array.from({ length: 20 }, (_, index) => 80 + index),
    100,
  ]);
  enqueue(180, 20, 50);
  enqueue(101, 20, 50);
  const ids = Object.keys(ledger.messages).map(Number);
  assertEquals([ids.includes(180), ids.includes(101)], [false, true]);
});
