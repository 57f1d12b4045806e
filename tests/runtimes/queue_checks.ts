import process from "node:process";
import type { EventOptions, QueueEvent } from "@mini/state/queue";
import type { Library } from "./library.ts";
import { equal, ok, refused, type Suite } from "./suite.ts";

/** A queue keeps what it was given until it is done. */
export async function checkQueue(
  suite: Suite,
  library: Library,
): Promise<void> {
  await checkDelivery(suite, library);
  await checkConsumers(suite, library);
  await checkRetries(suite, library);
  await checkReopening(suite, library);
  await checkClock(suite, library);
  await checkSchedules(suite, library);
  await checkOthers(suite, library);
}

/** Messages by the clock, while somebody receives. */
async function checkSchedules(
  suite: Suite,
  { queue: { MiniQueue } }: Library,
): Promise<void> {
  await suite.check("queue: a schedule fires, and is known", async (dir) => {
    const schedules = { poll: { everyMs: 20, payload: "poll" } };
    const queue = await MiniQueue.open<string>(dir, { schedules });
    const message = await queue.receive({ waitMs: 60_000 });
    equal(message?.payload, "poll");
    const [status] = await queue.schedules();
    equal(status?.last, message?.scheduledFor);
    await message!.ack();
    await queue.close();
  });
}

/** The work of other processes; here they are this one. */
async function checkOthers(
  suite: Suite,
  { queue: { MiniQueue, QueueView } }: Library,
): Promise<void> {
  await suite.check("queue: what is posted is taken in once", async (dir) => {
    const queue = await MiniQueue.open<string>(dir, { inbox: true });
    const waiting = queue.receive({ waitMs: 60_000 });
    await MiniQueue.post(dir, "a");
    const first = await waiting;
    equal(first?.payload, "a");
    await first!.ack();
    await MiniQueue.postBatch(dir, [{ payload: "b" }, { payload: "c" }]);
    await queue.close();
    const again = await MiniQueue.open<string>(dir, { inbox: true });
    const all = await again.receiveBatch(3);
    equal(all.map(({ payload }) => payload), ["b", "c"]);
    await again.close();
  });
  await suite.check(
    "queue: without an inbox nothing is posted",
    async (dir) => {
      const queue = await MiniQueue.open<string>(dir);
      await refused("NOT_FOUND", () => MiniQueue.post(dir, "a"));
      await queue.close();
    },
  );
  await suite.check("queue: a view follows", async (dir) => {
    const queue = await MiniQueue.open<string>(dir);
    const view = await QueueView.open<string>(dir);
    await queue.enqueue("a");
    await view.until(queue.sequence);
    equal((await view.stats()).ready, 1);
    equal((await view.peek())[0]?.payload, "a");
    await view.close();
    await queue.close();
  });
  await suite.check("queue: what becomes of a message is told", async (dir) => {
    const queue = await MiniQueue.open<string>(dir);
    const view = await QueueView.open<string>(dir);
    const told = [queue, view].map((reader) => typesUpTo("done", reader));
    const { id } = await queue.enqueue("a");
    const outcome = queue.outcome(id);
    await (await queue.receive())!.ack(1);
    equal(await outcome, { state: "done", result: 1 });
    equal(await queue.outcome(id), undefined);
    told.push(typesUpTo("done", queue, 1));
    for (const types of told) {
      equal(await types, ["enqueued", "delivered", "done"]);
    }
    await view.close();
    await queue.close();
  });
}

/** The types of the events of a queue or a view, up to the first of a type. */
async function typesUpTo(
  last: string,
  reader: { events(options: EventOptions): AsyncIterable<QueueEvent> },
  from?: number,
): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of reader.events({ ...(from && { from }) })) {
    types.push(type);
    if (type === last) break;
  }
  return types;
}

async function checkDelivery(
  suite: Suite,
  { queue: { MiniQueue } }: Library,
): Promise<void> {
  await suite.check("queue: enqueue, receive, ack", async (dir) => {
    const queue = await MiniQueue.open<string>(dir);
    await queue.enqueue("a");
    await queue.enqueueBatch([{ payload: "b" }, { payload: "c", priority: 1 }]);
    const order: string[] = [];
    for (let n = 0; n < 3; n++) {
      const message = await queue.receive();
      order.push(message!.payload);
      await message!.ack();
    }
    equal(order, ["c", "a", "b"]);
    equal(await queue.receive(), undefined);
    await queue.close();
    await refused("CLOSED", () => queue.enqueue("late"));
  });
  await suite.check("queue: a consumer that waits is woken", async (dir) => {
    const queue = await MiniQueue.open<string>(dir);
    const waiting = queue.receive({ waitMs: 60_000 });
    await queue.enqueue("at last");
    equal((await waiting)?.payload, "at last");
    await queue.close();
  });
  await suite.check("queue: a key keeps duplicates out", async (dir) => {
    const queue = await MiniQueue.open<string>(dir);
    const first = await queue.enqueue("a", { dedupeKey: "key" });
    const second = await queue.enqueue("b", { dedupeKey: "key" });
    equal([second.id, second.deduplicated], [first.id, true]);
    equal((await queue.stats()).ready, 1);
    await queue.close();
  });
}

/** Deno alone may not know, and asks nobody. */
async function checkClock(
  suite: Suite,
  { queue: { systemClock } }: Library,
): Promise<void> {
  await suite.check("queue: a suspend can be told from a jump", () => {
    const uptime = systemClock.uptime?.();
    const isKnown = uptime === undefined
      ? "deno" in process.versions
      : uptime > 0;
    ok(isKnown, `the uptime is ${uptime}`);
  });
}

async function checkConsumers(
  suite: Suite,
  { queue: { MiniQueue } }: Library,
): Promise<void> {
  await suite.check(
    "queue: a late consumer's receipt has expired",
    async (dir) => {
      const queue = await MiniQueue.open<string>(dir, {
        visibilityTimeoutMs: 1,
      });
      await queue.enqueue("job");
      const late = await queue.receive();
      const again = await queue.receive({
        waitMs: 60_000,
        visibilityTimeoutMs: Infinity,
      });
      equal(again?.id, late?.id);
      await refused("RECEIPT_EXPIRED", () => late!.ack());
      await again!.ack();
      await queue.close();
    },
  );
  await suite.check(
    "queue: workers work until they are told to stop",
    async (dir) => {
      const queue = await MiniQueue.open<number>(dir);
      await queue.enqueueBatch(
        Array.from({ length: 20 }, (_, n) => ({ payload: n })),
      );
      const done: number[] = [];
      const stop = new AbortController();
      await queue.work((message) => {
        done.push(message.payload);
        if (done.length === 20) stop.abort();
      }, { concurrency: 4, signal: stop.signal });
      equal(
        done.sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, n) => n),
      );
      await queue.close();
    },
  );
  await suite.check(
    "queue: eleven who wait at a time make no runtime warn of a leak",
    async (dir) => {
      const warnings: string[] = [];
      const warn = (warning: Error) => warnings.push(warning.name);
      process.on("warning", warn);
      const queue = await MiniQueue.open<number>(dir);
      const { signal } = new AbortController();
      const waiting = Array.from(
        { length: 11 },
        () => queue.receive({ waitMs: 60_000, signal }),
      );
      const working = queue.work(() => {}, { concurrency: 11 });
      await queue.enqueue(1);
      await queue.close();
      await Promise.all([...waiting, working]);
      process.off("warning", warn);
      equal(warnings, []);
    },
  );
}

async function checkRetries(
  suite: Suite,
  { queue: { MiniQueue } }: Library,
): Promise<void> {
  await suite.check(
    "queue: a group goes in order, and retries keep their place",
    async (dir) => {
      const queue = await MiniQueue.open<string>(dir, { backoff: () => 0 });
      for (const payload of ["a", "b", "c"]) {
        await queue.enqueue(payload, { group: "g" });
      }
      const first = await queue.receive();
      equal([first?.payload, await queue.receive()], ["a", undefined]);
      await first!.nack();
      const order: string[] = [];
      for (let n = 0; n < 3; n++) {
        const message = await queue.receive({ waitMs: 60_000 });
        order.push(`${message!.payload}${message!.attempts}`);
        await message!.ack();
      }
      equal(order, ["a2", "b1", "c1"]);
      await queue.close();
    },
  );
  await suite.check(
    "queue: after maxAttempts deliveries a message is dead, and can be redriven",
    async (dir) => {
      const queue = await MiniQueue.open<string>(dir, {
        maxAttempts: 2,
        backoff: () => 0,
      });
      const { id } = await queue.enqueue("bad");
      for (let n = 0; n < 2; n++) {
        const message = await queue.receive({ waitMs: 60_000 });
        await message!.nack({ reason: `try ${n + 1}` });
      }
      const [dead] = await queue.deadLetters();
      equal(dead?.id, id);
      ok(dead?.reason?.startsWith("try 2"), "it is known why");
      equal((await queue.stats()).dead, 1);
      equal(await queue.redrive("all"), 1);
      equal((await queue.receive())?.payload, "bad");
      await queue.close();
    },
  );
}

async function checkReopening(
  suite: Suite,
  { queue: { MiniQueue } }: Library,
): Promise<void> {
  await suite.check(
    "queue: everything is there after it was opened again",
    async (dir) => {
      const first = await MiniQueue.open<string>(dir, { maxAttempts: 1 });
      const dead = await first.enqueue("dead");
      await (await first.receive())!.nack({ reason: "no" });
      await first.enqueue("later", { delayMs: 3_600_000 });
      await first.enqueue("ready", { dedupeKey: "once" });
      await first.enqueue("done");
      const [ready, done] = await first.receiveBatch(2);
      await ready!.nack({ countAttempt: false });
      await done!.ack();
      await first.pause();
      await first.close();
      const second = await MiniQueue.open<string>(dir, { maxAttempts: 1 });
      const { delayed, dead: buried, paused } = await second.stats();
      equal([delayed, buried, paused], [1, 1, true]);
      equal((await second.deadLetters())[0]?.id, dead.id);
      await second.resume();
      ok(
        (await second.enqueue("ready", { dedupeKey: "once" })).deduplicated,
        "the key still keeps duplicates out",
      );
      await second.compact();
      await second.close();
      const third = await MiniQueue.open<string>(dir);
      equal((await third.stats()).delayed, 1);
      await third.close();
    },
  );
}
