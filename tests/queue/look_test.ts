// Looking at what waits and what is dead: in which order, and at what cost.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  type LedgerMessage,
  MiniQueue,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem, Random, randomSeed } from "@mini/state/testing";
import { FakeClock } from "../support/fake_clock.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { say } from "../support/report.ts";
import { TestQueue } from "../support/queue.ts";
import { size } from "../support/size.ts";

type Change = { readonly jobs: LedgerEntry<string> };

/** A queue in a state, whose ledger can be seen. */
async function attached(
  ledger: () => Ledger<string> = emptyLedger,
  fs: MemoryFileSystem | HoldingFileSystem["fs"] = new MemoryFileSystem(),
) {
  const shop = await StateManager.open<{ jobs: Ledger<string> }, Change>(
    "/data",
    {
      fs,
      initial: () => ({ jobs: ledger() }),
      apply: (state, { jobs }) => applyToLedger(state.jobs, jobs),
    },
  );
  const clock = new FakeClock();
  const queue = await MiniQueue.attach(shop, "jobs", { clock });
  return { shop, queue, clock, now: () => clock.monotonic() + START };
}

/** The queue's time when its clock stands at 0. */
const START = new FakeClock().wall();

/** Who comes next, found by looking at all of them for each. */
function order(
  { messages }: { readonly messages: Record<string, LedgerMessage<string>> },
  now: number,
): number[] {
  const left = Object.values(messages).sort((a, b) => a.order - b.order);
  const ids: number[] = [];
  while (left.length > 0) {
    const firsts = left.filter(({ group }, index) =>
      group === undefined ||
      left.findIndex((other) => other.group === group) === index
    );
    const delayMs = ({ due }: LedgerMessage) => Math.max(0, due - now);
    firsts.sort((a, b) =>
      delayMs(a) - delayMs(b) || b.priority - a.priority || a.order - b.order
    );
    const [next] = left.splice(left.indexOf(firsts[0]!), 1);
    if (!next!.inFlight) ids.push(next!.id);
  }
  return ids;
}

const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const RUNS = size(30, 2_000);

async function lookAtOneRun(random: Random): Promise<void> {
  const { shop, queue, clock, now } = await attached();
  for (let step = 0; step < 60; step++) {
    const what = random.below(6);
    if (what === 0) clock.advance(random.below(40));
    else if (what === 1) {
      const message = await queue.receive();
      if (random.below(2) === 0) await message?.ack();
      if (random.below(2) === 0 && message?.isCurrent) {
        await message.nack({ delayMs: random.below(30) });
      }
    } else {
      const group = random.below(5);
      await queue.enqueue(`${step}`, {
        delayMs: random.below(2) * random.below(50),
        priority: random.below(3),
        ...(group < 3 && { group: `g${group}` }),
      });
    }
    const expected = order(shop.state.jobs, now());
    for (const limit of [1, 3, 1_000]) {
      const ids = (await queue.peek(limit)).map(({ id }) => id);
      assertEquals(ids, expected.slice(0, limit));
    }
  }
  await queue.close();
  await shop.close();
}

Deno.test("MiniQueue.peek() shows whatever there is in the order in which it comes to be received", async () => {
  const random = new Random(seed);
  for (let run = 0; run < RUNS; run++) await lookAtOneRun(random);
  say(`seed ${seed}: ${RUNS} runs of peek(), 0 violations`);
});

Deno.test("MiniQueue.peek() gives dates by the wall clock, and spans, whatever the queue's own time is", async () => {
  const test = new TestQueue<{ to: string[] }>();
  await using queue = await test.open();
  const enqueuedAt = new Date(test.clock.wall());
  await queue.enqueue({ to: ["ada"] }, { group: "g", priority: 2 });
  await queue.enqueue({ to: [] }, { delayMs: 60_000 });
  const [first] = await queue.peek(1);
  assertEquals(first, {
    id: 1,
    payload: { to: ["ada"] },
    enqueuedAt,
    delayMs: 0,
    priority: 2,
    group: "g",
    attempts: 0,
  });
  // A copy: who changes it changes no message.
  first!.payload.to.push("eve");
  await (await queue.receive())!.nack({ reason: "busy", delayMs: 90_000 });
  test.clock.advance(20_000.5);
  const [second, retried] = await queue.peek();
  assertEquals([second!.id, second!.delayMs], [2, 40_000]);
  assertEquals(retried, {
    ...first!,
    payload: { to: ["ada"] },
    delayMs: 70_000,
    attempts: 1,
    lastFailure: "busy",
  });
  // The clock was an hour slow: so were the dates that it gave.
  test.clock.setWall(test.clock.wall() + 3_600_000);
  const [{ enqueuedAt: corrected, delayMs } = second!] = await queue.peek();
  assertEquals(corrected.getTime() - enqueuedAt.getTime(), 3_600_000);
  assertEquals(delayMs, 40_000);
});

/** A ledger that counts how often its messages are looked at. */
function counting(): { ledger: () => Ledger<string>; looks: () => number } {
  let looks = 0;
  const counted = <T extends object>(items: T): T =>
    new Proxy(items, {
      get: (target, name) => (looks++, Reflect.get(target, name)),
      ownKeys: (target) => {
        const names = Reflect.ownKeys(target);
        looks += names.length;
        return names;
      },
    });
  return {
    ledger: () => ({
      ...emptyLedger<string>(),
      messages: counted({}),
      dead: counted({}),
    }),
    looks: () => {
      const before = looks;
      looks = 0;
      return before;
    },
  };
}

const MANY = 2_000;
const FEW = 100;

Deno.test("MiniQueue.peek(1) and stats() look at a few messages, however many wait", async () => {
  const { ledger, looks } = counting();
  const { queue, shop } = await attached(ledger);
  for (const options of [{}, { group: "g" }, { delayMs: 1_000 }]) {
    await queue.enqueueBatch(
      Array.from({ length: MANY }, () => ({ payload: "x", ...options })),
    );
  }
  await queue.receive();
  looks();
  assertEquals((await queue.peek(1)).map(({ id }) => id), [2]);
  const { ready, blocked, delayed, inFlight } = await queue.stats();
  assert(looks() < FEW);
  assertEquals([ready, blocked, delayed, inFlight], [
    MANY,
    MANY - 1,
    MANY,
    1,
  ]);
  await queue.close();
  await shop.close();
});

async function deadLetter(
  queue: MiniQueue<string, unknown, Change>,
  ids: number[],
) {
  const messages = await queue.receiveBatch(ids.length);
  for (const id of ids) {
    await messages.find((message) => message.id === id)!.deadLetter("no");
  }
}

const idsOf = (messages: readonly { id: number }[]) =>
  messages.map(({ id }) => id);

Deno.test("MiniQueue.deadLetters() gives pages in the order of numbers, and looks at no more than it gives", async () => {
  const { ledger, looks } = counting();
  const { queue, shop } = await attached(ledger);
  await queue.enqueueBatch(
    Array.from({ length: MANY }, () => ({ payload: "" })),
  );
  const dead = Array.from({ length: MANY }, (_, index) => index + 1);
  const settle = dead.map((id) => ({ id, receipt: 1, as: "dead" as const }));
  await shop.applyBatch([
    { jobs: { at: 1, receive: dead } },
    { jobs: { at: 1, settle } },
  ]);
  looks();
  assertEquals(idsOf(await queue.deadLetters({ limit: 3 })), [1, 2, 3]);
  const page = await queue.deadLetters({ after: 1_500, limit: 2 });
  assertEquals(idsOf(page), [1_501, 1_502]);
  assert(looks() < FEW);
  assertEquals(idsOf(await queue.deadLetters()), dead);
  await queue.close();
  await shop.close();
});

Deno.test("MiniQueue.deadLetters() gives the page behind a message that is gone, and each message once", async () => {
  const { queue, shop } = await attached();
  await queue.enqueueBatch(
    Array.from({ length: 200 }, () => ({ payload: "" })),
  );
  const ids = Array.from({ length: 200 }, (_, index) => index + 1);
  await deadLetter(queue, ids);
  assertEquals(await queue.redrive(50), 1);
  const behind = await queue.deadLetters({ after: 50, limit: 1 });
  assertEquals(idsOf(behind), [51]);
  assertEquals(idsOf(await queue.deadLetters({ after: 49, limit: 1 })), [51]);
  await deadLetter(queue, [50]);
  assertEquals(idsOf(await queue.deadLetters()), ids);
  assertEquals(await queue.redrive(200), 1);
  await deadLetter(queue, [200]);
  assertEquals(idsOf(await queue.deadLetters()), ids);
  for (const id of ids.slice(0, 150)) await queue.purge(id);
  assertEquals(idsOf(await queue.deadLetters()), ids.slice(150));
  assertEquals((await queue.stats()).dead, 50);
  await assertRejects(() => queue.deadLetters({ limit: 0 }), RangeError);
  await assertRejects(() => queue.deadLetters({ after: -1 }), RangeError);
  await queue.close();
  await shop.close();
});

Deno.test("MiniQueue.peek() shows once what somebody has entered by hand twice, and nothing that is gone", async () => {
  const { queue, shop } = await attached();
  await queue.enqueueBatch(["a", "b", "c", "d", "e"].map((payload) => ({
    payload,
    ...(payload < "d" && { group: "g" }),
  })));
  const settle = (id: number, as: "acked" | "retried") => [
    { jobs: { at: 1, receive: [id] } },
    { jobs: { at: 1, settle: [{ id, receipt: 1, as }] } },
  ];
  // Not picked before, so that it stands in line twice, or still.
  await shop.applyBatch([...settle(4, "retried"), ...settle(5, "acked")]);
  assertEquals(idsOf(await queue.peek()), [1, 2, 3, 4]);
  // Behind the first of its group all the same.
  await shop.apply({ jobs: { at: 1, receive: [2] } });
  assertEquals(idsOf(await queue.peek()), [1, 3, 4]);
  await queue.close();
  await shop.close();
});

Deno.test("MiniQueue.peek() shows what is on its way to somebody, unless it was purged meanwhile", async () => {
  const holding = new HoldingFileSystem(new MemoryFileSystem());
  const { queue, shop } = await attached(emptyLedger, holding.fs);
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const purge = holding.hold("write");
  const purging = shop.apply({ jobs: { at: 1, purge: "all" } });
  await purge.reached;
  const receiving = queue.receive();
  while ((await queue.peek()).length < 2) await undefined;
  const delivery = holding.hold("write");
  purge.release();
  await purging;
  await delivery.reached;
  assertEquals(await queue.peek(), []);
  delivery.release();
  assertEquals(await receiving, undefined);
  await queue.close();
  await shop.close();
});
