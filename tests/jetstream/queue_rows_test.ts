// What JetStreamQueue makes of the servers' own work queue, row by row; the rules of every queue are in queue_contract_test.ts.
import { assertEquals, assertRejects } from "@std/assert";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { MiniError, type Schema } from "@mini/state/queue";
import {
  JetStreamQueue,
  type JetStreamQueueOptions,
} from "@mini/state/jetstream";
import { losing, once } from "../support/lossy_nats.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";

const server = await natsServerFor("a queue on JetStream");

/** Opens a queue of the test, again and again the same. */
type Open = (
  options?: JetStreamQueueOptions<unknown>,
  nc?: NatsConnection,
) => Promise<JetStreamQueue<unknown>>;

/** The parts of a test. */
interface Parts {
  readonly name: string;
  readonly nc: NatsConnection;
  readonly open: Open;
}

const SOON = { waitMs: 10_000 };
const isTo = (part: string) => ({ subject }: { subject: string }) =>
  subject.includes(part);

async function rejectsWith(
  code: string,
  task: () => Promise<unknown>,
): Promise<void> {
  const error = await assertRejects(task, MiniError);
  assertEquals(error.code, code);
}

const ROWS: Readonly<Record<string, (parts: Parts) => Promise<void>>> = {
  async "a message whose answer was lost is stored once, with a key or without"(
    { nc, open },
  ) {
    const lossy = losing(nc, once(isTo(".jobs")));
    await using one = await open({}, lossy);
    const plain = await one.enqueue("a");
    assertEquals(plain, { id: 1, deduplicated: false });
    await using two = await open({}, losing(nc, once(isTo(".jobs"))));
    const keyed = await two.enqueue("b", { dedupeKey: "k" });
    assertEquals(keyed, { id: 2, deduplicated: false });
    await using three = await open({}, losing(nc, once(isTo(".jobs"))));
    const again = await three.enqueue("c", { dedupeKey: "k" });
    assertEquals(again, { id: 2, deduplicated: true });
    assertEquals((await one.stats()).ready, 2);
  },

  async "a message that was lost sight of and consumed meanwhile is not enqueued again"(
    { nc, open },
  ) {
    await using other = await open();
    const lossy = losing(nc, once(isTo(".jobs")));
    let isGone = false;
    const slow = losing(lossy, () => false);
    await using one = await open(
      {},
      new Proxy(slow, {
        get(target, name) {
          const value = Reflect.get(target, name);
          if (name !== "request") return value;
          return async (...args: Parameters<NatsConnection["request"]>) => {
            try {
              return await target.request(...args);
            } catch (error) {
              if (!isGone) await (await other.receive(SOON))?.ack();
              isGone = true;
              throw error;
            }
          };
        },
      }),
    );
    const again = await one.enqueue("a", { dedupeKey: "k" });
    // Nobody knows any more whose it was; the key was there.
    assertEquals(again, { id: 1, deduplicated: true });
    assertEquals(isGone, true);
    assertEquals((await one.stats()).ready, 0);
  },

  async "a batch is stored whole or not at all, and once where its answer was lost"(
    { nc, open },
  ) {
    await using queue = await open();
    await queue.enqueue("taken", { dedupeKey: "k" });
    const batch = [
      { payload: "a" },
      { payload: "b", dedupeKey: "k" },
      { payload: "c" },
    ];
    await rejectsWith("CONFLICT", () => queue.enqueueBatch(batch));
    await rejectsWith("CONFLICT", () => queue.enqueueBatch([batch[1]!]));
    assertEquals((await queue.stats()).ready, 1);
    const all = Array.from({ length: 1_000 }, (_, payload) => ({ payload }));
    const ids = await queue.enqueueBatch(all);
    assertEquals([ids[0]?.id, ids[999]?.id], [2, 1_001]);

    let sent = 0;
    const isLast = once((request) => isTo(".jobs")(request) && ++sent === 2);
    await using lossy = await open({}, losing(nc, isLast));
    const stored = await lossy.enqueueBatch([
      { payload: "d" },
      { payload: "e", dedupeKey: "e" },
      { payload: "f" },
    ]);
    assertEquals(stored.map(({ id }) => id), [1_002, 1_003, 1_004]);
    assertEquals((await queue.stats()).ready, 1_004);
    sent = 0;
    const isCommit = once((request) => isTo(".jobs")(request) && ++sent === 2);
    await using doubting = await open({}, losing(nc, isCommit));
    await rejectsWith("CONFLICT", () =>
      doubting.enqueueBatch([
        { payload: "g" },
        { payload: "h", dedupeKey: "k" },
      ]));
    assertEquals((await queue.stats()).ready, 1_004);
  },

  async "what others publish is received if it is JSON that the schema takes, and is dead otherwise"(
    { name, nc, open },
  ) {
    const schema: Schema<unknown> = {
      "~standard": {
        validate: (value) =>
          value === "bad" ? { issues: [{ message: "bad" }] } : { value },
      },
    };
    const js = jetstream(nc);
    await using queue = await open({ schema });
    for (const body of ['{"a":1}', "no JSON", '"bad"', "2"]) {
      await js.publish(`mini.${name}.jobs`, body);
    }
    const messages = await queue.receiveBatch(10, SOON);
    assertEquals(messages.map(({ payload }) => payload), [{ a: 1 }, 2]);
    const dead = await queue.deadLetters();
    assertEquals(dead.map(({ payload }) => payload), ["no JSON", "bad"]);
    assertEquals(dead.map(({ attempts }) => attempts), [1, 1]);
    assertEquals(dead[1]?.reason.includes("the schema rejects it"), true);
  },

  async "two handles, as on two machines, share the messages"({ nc, open }) {
    await using one = await open();
    await using two = await open({}, nc);
    const all = Array.from({ length: 40 }, (_, at) => ({ payload: at }));
    await one.enqueueBatch(all);
    const seen: unknown[] = [];
    await Promise.all([one, two].map((queue) =>
      queue.work(({ payload }) => {
        seen.push(payload);
      }, { until: "empty", concurrency: 4 })
    ));
    assertEquals(seen.toSorted((a, b) => Number(a) - Number(b)), [
      ...all.keys(),
    ]);
  },

  async "an acknowledgement whose answer was lost is told again"(
    { nc, open },
  ) {
    const lossy = losing(nc, once(({ body }) => body === "+ACK"));
    await using queue = await open({}, lossy);
    await queue.enqueue("a");
    const message = await queue.receive(SOON);
    await message!.ack();
    assertEquals((await queue.stats()).inFlight, 0);
  },

  async "a message whose consumer cannot acknowledge its dead letter dies once"(
    { nc, open },
  ) {
    const mute = losing(nc, ({ body }) => body === "+ACK");
    // The servers must not get it either.
    const deaf = new Proxy(mute, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name !== "request") return value;
        return (...args: Parameters<NatsConnection["request"]>) =>
          args[1] === "+ACK"
            ? Promise.reject(
              Object.assign(new Error("no"), { name: "TimeoutError" }),
            )
            : target.request(...args);
      },
    });
    const options = { visibilityTimeoutMs: 400 };
    await using queue = await open(options, deaf);
    await queue.enqueue("a");
    const message = await queue.receive(SOON);
    await rejectsWith("UNAVAILABLE", () => message!.deadLetter("first"));
    await using other = await open(options);
    await (await other.receive(SOON))!.deadLetter("second");
    const dead = await other.deadLetters();
    assertEquals(dead.map(({ reason }) => reason), ["first"]);
    const { ready, inFlight } = await other.stats();
    assertEquals([ready, inFlight], [0, 0]);
  },

  async "a dead letter takes any text for a reason"({ open }) {
    await using queue = await open({ maxAttempts: 1 });
    // The second is cut within a character.
    for (const text of ["half \ud800", "x".repeat(999) + "\u{1f600}"]) {
      await queue.enqueue(text);
      await queue.work(({ payload }) => {
        throw new Error(`${payload}`);
      }, { until: "empty" });
    }
    const [half, cut] = await queue.deadLetters();
    assertEquals(half!.error?.message, "half \ud800");
    assertEquals([half, cut].map((dead) => dead?.attempts), [1, 1]);
  },

  async "a dead letter whose removal failed is redriven once"(
    { nc, open },
  ) {
    await using queue = await open();
    await queue.enqueue("a", { headers: { a: "b" } });
    await (await queue.receive(SOON))!.deadLetter("no");
    const lossy = new Proxy(nc, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name !== "request") {
          return typeof value === "function" ? value.bind(target) : value;
        }
        return (...args: Parameters<NatsConnection["request"]>) =>
          isTo("STREAM.PURGE")({ subject: args[0] })
            ? Promise.reject(
              Object.assign(new Error("no"), { name: "TimeoutError" }),
            )
            : target.request(...args);
      },
    });
    await using failing = await open({ doubtMs: 300 }, lossy);
    await rejectsWith("UNAVAILABLE", () => failing.redrive("all"));
    assertEquals((await queue.stats()).dead, 1);
    assertEquals(await queue.redrive("all"), 1);
    const { ready, dead } = await queue.stats();
    assertEquals([ready, dead], [1, 0]);
    const [again] = await queue.peek();
    assertEquals([again?.payload, again?.headers], ["a", { a: "b" }]);
  },

  async "the timeout and the window are the queue's, until somebody gives others"(
    { name, nc, open },
  ) {
    await using first = await open({
      visibilityTimeoutMs: 1_234,
      dedupeWindowMs: 5_678,
    });
    const settings = async () => {
      const manager = await jetstream(nc).jetstreamManager();
      const { config } = await manager.consumers.info(
        `MINI_${name}_JOBS`,
        "workers",
      );
      const { config: { duplicate_window: window } } = await manager.streams
        .info(`MINI_${name}_JOBS`);
      return [config.ack_wait! / 1e6, window / 1e6];
    };
    assertEquals(await settings(), [1_234, 5_678]);
    await first.pause();
    await using second = await open({ visibilityTimeoutMs: 2_345 });
    assertEquals(await settings(), [2_345, 5_678]);
    await using third = await open({ dedupeWindowMs: 6_789 });
    assertEquals(await settings(), [2_345, 6_789]);
    // A change leaves the pause alone.
    assertEquals((await third.stats()).paused, true);
    assertEquals((await second.stats()).paused, true);
  },

  async "a pause stops consumers elsewhere, and its end wakes them"(
    { open },
  ) {
    await using one = await open();
    await using two = await open();
    await one.pause();
    await one.enqueue("a");
    assertEquals(await two.receive({ waitMs: 100 }), undefined);
    const waiting = two.receive(SOON);
    await one.resume();
    assertEquals((await waiting)?.payload, "a");
  },

  async "what was given back is in flight until it comes again, and is not shown"(
    { open },
  ) {
    await using queue = await open();
    await queue.enqueue("a");
    await (await queue.receive(SOON))!.nack({ delayMs: 60_000 });
    const { ready, inFlight, delayed } = await queue.stats();
    assertEquals([ready, inFlight, delayed], [0, 1, 0]);
    assertEquals(await queue.peek(), []);
  },

  async "a delivery ends with its handle, and is not settled afterwards"(
    { open },
  ) {
    const queue = await open();
    await queue.enqueue("a");
    const message = await queue.receive(SOON);
    await queue.close();
    await queue.close();
    assertEquals(message!.isCurrent, false);
    await rejectsWith("RECEIPT_EXPIRED", () => message!.ack());
  },
};

if (server !== undefined) {
  Deno.test("JetStreamQueue", async (t) => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    for (const [index, [row, check]] of Object.entries(ROWS).entries()) {
      const name = `row_${index}`;
      const open: Open = (options = {}, other = nc) =>
        JetStreamQueue.open(other, name, { replicas: 1, ...options });
      await t.step(row, () => check({ name, nc, open }));
    }
  });
}
