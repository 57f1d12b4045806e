import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type Health,
  type LedgerEntry,
  type LedgerHost,
  MiniQueue,
  type QueueHealthOptions,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "../support/fake_clock.ts";

const DIR = "/jobs";
const LOG = "/jobs/journal.jsonl";
const HOUR = 3_600_000;

/** The status and the codes. */
function brief({ status, reasons }: Health): string {
  return [status, ...reasons.map(({ code }) => code)].join(" ");
}

/** A queue in memory, and its clock. */
async function open() {
  const [fs, clock] = [new MemoryFileSystem(), new FakeClock()];
  const queue = await MiniQueue.open<string>(DIR, {
    fs,
    clock,
    backoff: () => 60_000,
  });
  return { fs, clock, queue };
}

Deno.test("health() of a queue is that of its state and of its log too", async () => {
  const { fs, queue } = await open();
  await queue.enqueue("hello");
  assertEquals(await queue.health(), { status: "ok", reasons: [] });
  fs.capacityBytes = 0;
  assertEquals(brief(await queue.health()), "degraded DISK_NEARLY_FULL");
  assertEquals(brief(await queue.health({ minFreeBytes: 0 })), "ok");
  await queue.close();
  assertEquals(await queue.health(), {
    status: "failed",
    reasons: [{
      code: "CLOSED",
      severity: "failed",
      message: `The queue in "${LOG}" was closed: open it again to use it`,
    }],
  });
});

Deno.test("health() of a poisoned queue has failed, and tells of it once", async () => {
  const { fs, queue } = await open();
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  await assertRejects(() => queue.enqueue("lost"));
  assertEquals(brief(await queue.health()), "failed POISONED");
  await queue.close();
});

Deno.test("health() of a queue tells of the first of those that have waited for as long", async () => {
  const { clock, queue } = await open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  clock.advance(2 * HOUR);
  const [reason] = (await queue.health()).reasons;
  assert(reason!.message.startsWith("Message 1 of"), reason!.message);
  await queue.close();
});

Deno.test("health() of a queue tells of a message that waits for too long", async () => {
  const { clock, queue } = await open();
  await queue.enqueue("delayed", { delayMs: HOUR });
  await queue.enqueue("timed", { at: new Date(clock.wall() + 3 * HOUR) });
  clock.advance(2 * HOUR);
  assertEquals(brief(await queue.health()), "ok");
  clock.advance(1);
  const health = await queue.health();
  assertEquals(health.reasons, [{
    code: "WAITING_TOO_LONG",
    severity: "degraded",
    message:
      `Message 1 of the queue in "${LOG}" has waited for 3,600,001 ms since it could be received, and maxWaitMs is 3,600,000`,
  }]);
  assertEquals(brief(await queue.health({ maxWaitMs: 2 * HOUR })), "ok");
  await queue.pause();
  const [paused] = (await queue.health()).reasons;
  assert(paused!.message.includes(", as delivery is paused,"));
  await queue.resume();

  // Once it was delivered, only a delay tells since when it waits.
  const message = await queue.receive();
  assertEquals(message?.id, 1);
  assertEquals(brief(await queue.health()), "ok");
  await message?.nack();
  clock.advance(HOUR);
  assertEquals(brief(await queue.health()), "ok");
  await (await queue.receive())?.nack({ delayMs: 1 });
  clock.advance(HOUR + 2);
  assertEquals(brief(await queue.health()), "degraded WAITING_TOO_LONG");
  await (await queue.receive())?.ack();
  const [timed] = (await queue.health({ maxWaitMs: 0 })).reasons;
  assert(timed!.message.startsWith("Message 2 "), timed!.message);
  await queue.close();
});

Deno.test("health() of a queue tells of messages that have become dead letters of late", async () => {
  const { clock, queue } = await open();
  for (const payload of ["a", "b"]) {
    await queue.enqueue(payload);
    await (await queue.receive())?.deadLetter("nobody wants it");
    clock.advance(600_000);
  }
  const health = await queue.health();
  assertEquals(health.reasons, [{
    code: "DEAD_LETTERS",
    severity: "degraded",
    message:
      `The queue in "${LOG}" has 1 dead letter of the last 900,000 ms (deadLetterMs), and 2 in all; nobody delivers them until they are redriven`,
  }]);
  const ever = await queue.health({ deadLetterMs: Infinity });
  assert(ever.reasons[0]!.message.includes("has 2 dead letters"));
  assertEquals(brief(await queue.health({ deadLetterMs: 0 })), "ok");
  clock.advance(600_000);
  assertEquals(brief(await queue.health()), "ok");
  await queue.close();
});

Deno.test("health() of a queue tells of a schedule that fires no more", async () => {
  const [fs, clock] = [new MemoryFileSystem(), new FakeClock()];
  await using queue = await MiniQueue.open<string>(DIR, {
    fs,
    clock,
    schedules: {
      broken: {
        payload: "never",
        when: {
          nextRun() {
            throw new Error("no such day");
          },
        },
      },
    },
  });
  await queue.receive();
  const { status, reasons } = await queue.health();
  assertEquals([status, reasons[0]!.code], ["degraded", "SCHEDULE_STOPPED"]);
  assert(reasons[0]!.message.includes("no such day"), reasons[0]!.message);
});

type Mutation = { outbox: LedgerEntry<string> } | { throws: true };

const OUTBOX = {
  initial: () => ({ outbox: emptyLedger<string>() }),
  apply(
    state: { outbox: ReturnType<typeof emptyLedger<string>> },
    mutation: Mutation,
  ) {
    if ("throws" in mutation) throw new Error("no");
    applyToLedger(state.outbox, mutation.outbox);
  },
};

Deno.test("health() of a queue in a state of the caller's names it, and is without that of a host that cannot tell", async () => {
  const [fs, clock] = [new MemoryFileSystem(), new FakeClock()];
  await using shop = await StateManager.open(DIR, { fs, ...OUTBOX });
  const outbox = await MiniQueue.attach(shop, "outbox", { clock });
  await outbox.enqueue("hello");
  clock.advance(2 * HOUR);
  const { reasons: [reason] } = await outbox.health();
  assert(
    reason!.message.includes(`of the queue "outbox" in "${LOG}"`),
    reason!.message,
  );
  fs.capacityBytes = 0;
  const options = { maxWaitMs: Infinity };
  assertEquals(
    brief(await outbox.health(options)),
    "degraded DISK_NEARLY_FULL",
  );
  await outbox.close();
  assertEquals(brief(await shop.health()), "degraded DISK_NEARLY_FULL");
  const { reasons: [closed] } = await outbox.health();
  assert(closed!.message.startsWith('The queue "outbox" in'));

  const host: LedgerHost<
    { outbox: ReturnType<typeof emptyLedger<string>> },
    Mutation
  > = {
    get state() {
      return shop.state as { outbox: ReturnType<typeof emptyLedger<string>> };
    },
    get sequence() {
      return shop.sequence;
    },
    get changed() {
      return shop.changed;
    },
    isClosed: false,
    failure: undefined,
    apply: (mutation, options) => shop.apply(mutation, options),
    compact: () => shop.compact(),
  };
  const other = await MiniQueue.attach(host, "outbox", { clock });
  assertEquals(brief(await other.health(options)), "ok");
  await other.close();
  const { reasons: [last] } = await other.health();
  assert(last!.message.startsWith('The queue "outbox" was closed'));
});

Deno.test("health() of a queue judges no message while its state is being rebuilt", async () => {
  const [fs, clock] = [new MemoryFileSystem(), new FakeClock()];
  await using shop = await StateManager.open(DIR, { fs, ...OUTBOX });
  const outbox = await MiniQueue.attach(shop, "outbox", { clock });
  await outbox.enqueue("hello");
  clock.advance(2 * HOUR);
  let during: Promise<Health> | undefined;
  fs.hooks.before = ({ operation, path }) => {
    if (operation === "open" && path === LOG) during ??= outbox.health();
    return undefined;
  };
  await assertRejects(() => shop.apply({ throws: true }));
  assertEquals(brief(await during!), "ok");
  fs.hooks = {};
  assertEquals(brief(await outbox.health()), "degraded WAITING_TOO_LONG");
  await outbox.close();
});

Deno.test("health() of a queue refuses options that do not exist, and thresholds that are none", async () => {
  const { queue } = await open();
  const health = (options: unknown) =>
    queue.health(options as QueueHealthOptions);
  await assertRejects(() => health({ maxWait: 1 }), TypeError, '"maxWait"');
  await assertRejects(() => health({ deadLetterMs: -1 }), RangeError, "dead");
  await queue.close();
});
