// What a ledger keeps, and what the same ledger keeps that was restored on the way.
import { assertEquals } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
} from "@mini/state/queue";
import { Random, randomSeed } from "@mini/state/testing";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const RUNS = size(80, 5_000);
const ENTRIES = 40;

/** An entry that a queue could log now. */
function entryFor(ledger: Ledger, random: Random): LedgerEntry {
  const at = ledger.at + random.below(4);
  const waiting = Object.values(ledger.messages);
  const dead = Object.values(ledger.dead);
  const limit = () => random.below(5);
  const one = waiting[random.below(Math.max(1, waiting.length))];
  switch (random.below(8)) {
    case 0:
      return {
        at,
        v: 2,
        policy: {
          ...(random.below(4) > 0 && {
            finished: [
              { count: limit() },
              { bytes: random.below(500) },
              { ageMs: limit() * 3 },
              { count: limit(), ageMs: limit() * 3 },
            ][random.below(4)]!,
          }),
          ...(random.below(2) > 0 && { dead: { count: limit() } }),
        },
      };
    case 1:
      if (dead.length > 0) return { at, redrive: [dead[0]!.id] };
      break;
    case 2:
      if (one !== undefined) return { at, v: 2, cancel: [{ id: one.id }] };
      break;
    case 3:
      if (one !== undefined && !one.inFlight) return { at, receive: [one.id] };
      break;
    case 4:
    case 5:
    case 6:
      if (one?.inFlight) {
        const { id, receipt } = one;
        return random.below(3) === 0
          ? { at, settle: [{ id, receipt, as: "dead", reason: "no" }] }
          : {
            at,
            v: 2,
            settle: [{ id, receipt, as: "acked", result: { id } }],
          };
      }
      if (one !== undefined) return { at, receive: [one.id] };
  }
  return { at, enqueue: [{ id: ledger.nextId, payload: "x" }] };
}

Deno.test("a ledger that is restored at any record keeps what the live one keeps", () => {
  say(`SEED=${seed}`);
  const random = new Random(seed);
  let kept = 0;
  for (let run = 0; run < RUNS; run++) {
    const live = emptyLedger();
    // Each was restored at another record, and has no index of the live one.
    const restored: Ledger[] = [];
    for (let count = 0; count < ENTRIES; count++) {
      if (random.oneIn(8)) restored.push(JSON.parse(JSON.stringify(live)));
      const entry = entryFor(live, random);
      applyToLedger(live, structuredClone(entry));
      for (const each of restored) applyToLedger(each, structuredClone(entry));
      for (const each of restored) assertEquals(each, live);
      kept += Object.keys(live.finished ?? {}).length;
    }
  }
  assertEquals(kept > 0, true);
});
