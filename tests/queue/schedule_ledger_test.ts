import { StateManager } from "@mini/state/state";
import {
  applyToLedger,
  emptyLedger,
  type Fired,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals, assertThrows } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";

function begun(): Ledger<string> {
  const ledger = emptyLedger<string>();
  const schedule = [{ name: "s", clock: "wall", since: 0 }] as const;
  applyToLedger(ledger, { at: 1, v: 2, schedule });
  return ledger;
}

function fire(ledger: Ledger<string>, ...all: Omit<Fired<string>, "name">[]) {
  const fire = all.map((each) => ({ name: "s", ...each }));
  applyToLedger(ledger, { at: 1, v: 2, fire });
}

let id = 1;
const message = () => ({ id: id++, payload: "p" });

Deno.test("an occurrence fires once, however often its entry is applied", () => {
  const ledger = begun();
  const one = { for: 10, message: message() };
  const two = { for: 30, skipped: 1, message: message() };
  for (let times = 0; times < 2; times++) {
    fire(ledger, one, two);
    ledger.messages = {};
  }
  fire(ledger, { for: 10, message: message() });
  assertEquals(ledger.messages, {});
  assertEquals(ledger.schedules, [{
    name: "s",
    clock: "wall",
    since: 0,
    upTo: 30,
    last: 30,
    fired: [[10, 10], [30, 30]],
    missed: 1,
  }]);
  applyToLedger(ledger, {
    at: 1,
    v: 2,
    fire: [{ name: "other", for: 1, message: message() }],
  });
  assertEquals(ledger.messages, {}, "there is no such schedule");
});

Deno.test("at most 100 ranges are kept: the oldest ones grow together, or the last", () => {
  const ledger = begun();
  for (let at = 1; at <= 150; at++) {
    fire(ledger, { for: at * 10, skipped: 1, message: message() });
  }
  const [schedule] = ledger.schedules!;
  assertEquals(schedule!.fired.length, 100);
  assertEquals(schedule!.fired[0], [10, 510]);
  assertEquals(schedule!.fired[1], [520, 520]);
  const back = [{ name: "s", clock: "wall", since: -100 }] as const;
  applyToLedger(ledger, { at: 1, v: 2, schedule: back });
  fire(ledger, { for: -90, message: message() });
  assertEquals(schedule!.fired.length, 100);
  assertEquals(schedule!.fired.slice(0, 2), [[-90, -90], [10, 510]]);
  assertEquals(schedule!.fired.at(-1), [1490, 1500]);
  // What has fired is swallowed by what fires after it.
  fire(ledger, { for: 515, message: message() });
  assertEquals(schedule!.fired[0], [-90, 515]);
});

Deno.test("entries of schedules that are wrong are refused", () => {
  const ledger = begun();
  const refused = (entry: Record<string, unknown>, path: string) =>
    assertThrows(
      () =>
        applyToLedger(ledger, { at: 1, v: 2, ...entry } as LedgerEntry<string>),
      TypeError,
      path,
    );
  refused({ schedule: [{ name: "s", clock: "sun", since: 1 }] }, "clock");
  refused({ schedule: [{ name: "s", clock: "wall" }] }, "since");
  refused({ schedule: [{ name: "s", gone: false }] }, "gone");
  refused({ schedule: [3] }, "schedule[0]");
  refused({ fire: [{ name: "s", for: 1, skipped: -1 }] }, "skipped");
  const unknown = [{ name: "nobody", gone: true }] as const;
  applyToLedger(ledger, { at: 1, v: 2, schedule: unknown });
  assertEquals(ledger.schedules?.length, 1);
});

Deno.test("a queue in a state of one's own has schedules too", async () => {
  const clock = new FakeClock();
  const fs = new MemoryFileSystem();
  await using shop = await StateManager.open("/shop", {
    fs,
    initial: () => ({ jobs: emptyLedger<string>() }),
    apply: (state, entry: { jobs: LedgerEntry<string> }) =>
      applyToLedger(state.jobs, entry.jobs),
  });
  await using queue = await MiniQueue.attach(shop, "jobs", {
    clock,
    schedules: { poll: { everyMs: 60_000, payload: "poll" } },
  });
  assertEquals(await queue.receive(), undefined);
  clock.advance(60_000);
  assertEquals((await queue.receive())?.payload, "poll");
});
