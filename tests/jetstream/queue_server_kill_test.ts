// Servers of a cluster that are killed while a queue on it is used.
import { assertEquals, assertRejects } from "@std/assert";
import {
  JetStreamQueue,
  type JetStreamQueueOptions,
} from "@mini/state/jetstream";
import { MiniError } from "@mini/state/queue";
import { Random, randomSeed } from "@mini/state/testing";
import { type Answered, losing } from "../support/lossy_nats.ts";
import { NatsCluster, soon } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const server = await natsServerFor("a queue whose servers are killed");

/** The fates of messages, by their payloads. */
class Fates {
  readonly enqueued = new Set<string>();
  /** The ids under which a payload was delivered. */
  readonly #ids = new Map<string, Set<number>>();
  readonly #acknowledged = new Set<string>();
  readonly flaws: string[] = [];

  delivered(payload: string, id: number): void {
    const ids = this.#ids.get(payload) ?? new Set();
    this.#ids.set(payload, ids.add(id));
    if (ids.size > 1) this.flaws.push(`${payload} is stored twice`);
    if (!this.#acknowledged.has(payload)) return;
    this.flaws.push(`${payload} was delivered after its ack`);
  }

  acknowledged(payload: string): void {
    this.#acknowledged.add(payload);
  }

  get count(): number {
    return this.#acknowledged.size;
  }

  get lost(): string[] {
    return [...this.enqueued].filter((payload) => !this.#ids.has(payload));
  }
}

/** Enqueues until it is stopped, alone and in batches. Notes what was acknowledged. */
async function produce(
  queue: JetStreamQueue<string>,
  who: string,
  fates: Fates,
  stop: AbortSignal,
): Promise<void> {
  for (let at = 0; !stop.aborted; at += 4) {
    const [one, ...batch] = [0, 1, 2, 3].map((n) => `${who}.${at + n}`);
    await queue.enqueue(one!, { dedupeKey: one! });
    fates.enqueued.add(one!);
    await queue.enqueueBatch(batch.map((payload) => ({ payload })));
    for (const payload of batch) fates.enqueued.add(payload);
  }
}

/** Receives and acknowledges until it is stopped and nothing comes. */
async function consume(
  queue: JetStreamQueue<string>,
  fates: Fates,
  stop: AbortSignal,
): Promise<void> {
  for (;;) {
    const messages = await queue.receiveBatch(8, { waitMs: 500 })
      .catch(passing);
    for (const message of messages ?? []) {
      fates.delivered(message.payload, message.id);
      await message.ack().then(
        () => fates.acknowledged(message.payload),
        passing,
      );
    }
    if (messages?.length === 0 && stop.aborted) return;
  }
}

/** Passes over what a consumer has to live with while there is no quorum. */
function passing(error: unknown): undefined {
  const isOne = error instanceof MiniError &&
    ["UNAVAILABLE", "RECEIPT_EXPIRED"].includes(error.code);
  if (!isOne) throw error;
}

const OPTIONS: JetStreamQueueOptions<string> = {
  doubtMs: 60_000,
  requestTimeoutMs: 1_000,
  visibilityTimeoutMs: 4_000,
  maxAttempts: 1_000,
};

async function rejectsWith(
  code: string,
  task: () => Promise<unknown>,
): Promise<void> {
  const error = await assertRejects(task, MiniError);
  assertEquals(error.code, code, error.message);
}

async function keepABatchOnce(cluster: NatsCluster): Promise<void> {
  let sent = 0;
  const isSecond = ({ subject }: Answered) =>
    subject.endsWith(".jobs") && ++sent === 2;
  const nc = losing(await cluster.connect(), isSecond);
  await using queue = await JetStreamQueue.open<string>(nc, "batch", OPTIONS);
  const stored = await queue.enqueueBatch([
    { payload: "a" },
    { payload: "b" },
    { payload: "c", dedupeKey: "c" },
  ]);
  assertEquals(stored.map(({ id }) => id), [1, 2, 3]);
  let ready: number;
  // The server that counts may hear of the messages later than the one that stores them.
  do ({ ready } = await queue.stats()); while (ready < 3);
  assertEquals(ready, 3);
}

async function killServers(cluster: NatsCluster): Promise<void> {
  const seed = Number(Deno.env.get("SEED") ?? randomSeed());
  say(`SEED=${seed}, nats-server ${server!.version}`);
  const random = new Random(seed);
  const open = async () => {
    const nc = await cluster.connect();
    return await JetStreamQueue.open<string>(nc, "killed", OPTIONS);
  };
  const handles = [await open(), await open()];
  const fates = new Fates();
  const [producing, consuming] = [new AbortController(), new AbortController()];
  const producers = handles.flatMap((queue, handle) =>
    ["a", "b", "c", "d"].map((who) =>
      produce(queue, `${handle}${who}`, fates, producing.signal)
    )
  );
  const consumers = handles.flatMap((queue) =>
    ["a", "b", "c", "d"].map(() => consume(queue, fates, consuming.signal))
  );
  await using _stopped = {
    // Also where this fails: nobody uses a cluster that is gone.
    async [Symbol.asyncDispose]() {
      producing.abort();
      consuming.abort();
      await Promise.allSettled([...producers, ...consumers]);
      for (const queue of handles) await queue.close();
    },
  };
  for (let round = 0; round < size(1, 10); round++) {
    const before = fates.count;
    const leader = await cluster.leaderOf("MINI_killed_JOBS");
    const others = cluster.nodes.filter((node) => node !== leader);
    // Every other time the leader.
    const victim = round % 2 === 0 ? leader : others[random.below(2)]!;
    await soon(
      "some are acknowledged",
      () => Promise.resolve(fates.count >= before + 40),
    );
    await victim.kill();
    await victim.start();
    await cluster.ready();
  }
  producing.abort();
  await Promise.all(producers);
  // What a server had sent when it died comes again after the timeout.
  await soon("all messages are acknowledged", async () => {
    const { ready, inFlight } = await handles[0]!.stats();
    return ready + inFlight === 0;
  });
  consuming.abort();
  await Promise.all(consumers);
  say(`${fates.enqueued.size} messages, ${fates.count} confirmed`);
  assertEquals([fates.lost, fates.flaws], [[], []]);
}

async function loseTheQuorum(cluster: NatsCluster): Promise<void> {
  const nc = await cluster.connect();
  const errors: unknown[] = [];
  const hasty = { ...OPTIONS, doubtMs: 300, requestTimeoutMs: 300 };
  await using queue = await JetStreamQueue.open<string>(nc, "jobs", {
    ...hasty,
    onError: (error) => errors.push(error),
  });
  const stop = new AbortController();
  const seen: string[] = [];
  const [, ...others] = cluster.nodes;
  for (const node of others) await node.kill();
  await rejectsWith("UNAVAILABLE", () => queue.enqueue("in doubt"));
  const batch = [{ payload: "in doubt" }, { payload: "in doubt" }];
  await rejectsWith("UNAVAILABLE", () => queue.enqueueBatch(batch));
  await rejectsWith(
    "UNAVAILABLE",
    () => JetStreamQueue.open(nc, "others", hasty),
  );
  await rejectsWith("UNAVAILABLE", async () => {
    // The old leader answers for a while.
    for (;;) await queue.receive({ waitMs: 1_000 });
  });
  const done = queue.work(({ payload }) => {
    seen.push(payload);
    if (payload === "sure") stop.abort();
  }, { signal: stop.signal });
  await soon("it is told", () => Promise.resolve(errors.length > 0));
  assertEquals((errors[0] as MiniError).code, "UNAVAILABLE");
  for (const node of others) await node.start();
  await cluster.ready();
  const patient = await JetStreamQueue.open<string>(nc, "jobs", OPTIONS);
  await patient.enqueue("sure");
  await done;
  assertEquals(seen.at(-1), "sure");
  await patient.close();
}

if (server !== undefined) {
  Deno.test("a queue on a cluster of three", async (t) => {
    await using cluster = await NatsCluster.start(server);
    await t.step(
      "keeps a batch whose answer was lost once",
      () => keepABatchOnce(cluster),
    );
    await t.step(
      "loses no message while servers are killed, stores none twice, and delivers none after its ack",
      () => killServers(cluster),
    );
    await t.step(
      "is UNAVAILABLE without a quorum, and its work continues when there is one again",
      () => loseTheQuorum(cluster),
    );
  });
}
