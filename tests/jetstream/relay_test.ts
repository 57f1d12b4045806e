// Messages of a ledger that are moved to a queue on JetStream.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { JetStreamQueue, relay } from "@mini/state/jetstream";
import {
  applyToLedger,
  emptyLedger,
  type LedgerEntry,
  MiniError,
  MiniQueue,
  type Queue,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem, Random, randomSeed } from "@mini/state/testing";
import { runAndKill } from "../support/kill.ts";
import { changed, losing, once } from "../support/lossy_nats.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { say } from "../support/report.ts";
import { TestDirectory } from "../support/dir.ts";
import { size } from "../support/size.ts";

const server = await natsServerFor("messages of a ledger that are moved");
const ONE = { replicas: 1 } as const;

/** Relays until the ledger is empty. */
async function relayAll<T>(
  from: MiniQueue<T>,
  to: JetStreamQueue<T>,
  concurrency?: number,
): Promise<void> {
  const stop = new AbortController();
  const done = relay(from, to, {
    signal: stop.signal,
    ...(concurrency !== undefined && { concurrency }),
  });
  for await (const { type } of from.events({ from: 1 })) {
    if (type !== "done" && type !== "dead") continue;
    const { ready, blocked, delayed, inFlight } = await from.stats();
    if (ready + blocked + delayed + inFlight === 0) break;
  }
  stop.abort();
  await done;
}

async function shown<T>(queue: Queue<T>): Promise<T[]> {
  return (await queue.peek(100)).map(({ payload }) => payload);
}

if (server !== undefined) {
  Deno.test("relay moves messages with their headers, in the order of the ledger, and once where an answer was lost", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const lossy = losing(nc, once(({ subject }) => subject.endsWith(".jobs")));
    await using to = await JetStreamQueue.open<string>(lossy, "jobs", ONE);
    const fs = new MemoryFileSystem();
    await using from = await MiniQueue.open<string>("/queue", { fs });
    await from.enqueue("a", { headers: { traceparent: "00-1" } });
    await from.enqueue("b", { group: "g" });
    await from.enqueue("c", { group: "g" });
    await from.enqueue("d", { delayMs: 50 });
    await from.enqueue("first", { priority: 1 });
    await relayAll(from, to, 1);
    assertEquals(await shown(to), ["first", "a", "b", "c", "d"]);
    const moved = await to.peek(2);
    assertEquals(moved[1]?.headers, { traceparent: "00-1" });
  });

  Deno.test("relay moves a message once of which it could not learn that it is there", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    let failures = 0;
    const failing = changed(nc, {
      async request(subject, ...rest) {
        const answer = await nc.request(subject, ...rest);
        // No failure that passes, so that only the ledger tries again.
        if (subject !== "mini.jobs.jobs" || failures++ > 0) return answer;
        throw new Error("the answer cannot be read");
      },
    });
    await using to = await JetStreamQueue.open<string>(failing, "jobs", ONE);
    const fs = new MemoryFileSystem();
    await using from = await MiniQueue.open<string>("/queue", { fs });
    await from.enqueue("a");
    await relayAll(from, to);
    assertEquals(failures, 2);
    assertEquals(await shown(to), ["a"]);
  });

  Deno.test("relay leaves in the ledger what cannot be moved now, and makes a dead letter of what never can", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const options = { ...ONE, maxBytes: 20_000 };
    await using to = await JetStreamQueue.open<string>(nc, "jobs", options);
    const fs = new MemoryFileSystem();
    await using from = await MiniQueue.open<string>("/queue", { fs });
    await from.enqueue("x".repeat(nc.info!.max_payload));
    for (const _ of "123") await from.enqueue("y".repeat(8_000));
    const stop = new AbortController();
    const done = relay(from, to, { signal: stop.signal });
    for await (const { type } of from.events({ from: 1 })) {
      if (type !== "retried") continue;
      const [waiting] = await from.peek();
      assertEquals(waiting?.attempts, 0);
      assert(
        waiting?.lastFailure?.includes("maximum bytes exceeded"),
        waiting?.lastFailure,
      );
      break;
    }
    const [dead] = await from.deadLetters();
    assert(dead?.reason.includes("bytes with its headers"), dead?.reason);
    assertEquals(await to.purge("all"), 2);
    for await (const _ of from.events()) {
      const { ready, delayed, inFlight } = await from.stats();
      if (ready + delayed + inFlight === 0) break;
    }
    stop.abort();
    await done;
    assertEquals((await to.stats()).ready, 1);
  });

  Deno.test("relay ends with the queue that is closed, and refuses a ledger that it would not know again", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const to = await JetStreamQueue.open<string>(nc, "jobs", ONE);
    const fs = new MemoryFileSystem();
    await using from = await MiniQueue.open<string>("/queue", { fs });
    const { signal } = new AbortController();
    const done = relay(from, to, { signal });
    await to.close();
    await from.enqueue("a");
    const error = await assertRejects(() => done, MiniError);
    assertEquals([error.code, (await from.stats()).dead], ["CLOSED", 0]);
    await assertRejects(
      () => relay(from, to, {} as { signal: AbortSignal }),
      TypeError,
    );
  });

  Deno.test("relay moves what two ledgers of one state send", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    await using to = await JetStreamQueue.open<string>(nc, "jobs", ONE);
    type Mutation = { one: LedgerEntry<string> } | { two: LedgerEntry<string> };
    await using state = await StateManager.open("/state", {
      fs: new MemoryFileSystem(),
      initial: () => ({
        one: emptyLedger<string>(),
        two: emptyLedger<string>(),
      }),
      apply: (state, mutation: Mutation) => {
        if ("one" in mutation) applyToLedger(state.one, mutation.one);
        else applyToLedger(state.two, mutation.two);
      },
    });
    const one = await MiniQueue.attach(state, "one");
    const two = await MiniQueue.attach(state, "two");
    await state.applyBatch([
      one.enqueueMutation("from one"),
      two.enqueueMutation("from two"),
    ]);
    const stop = new AbortController();
    const { signal } = stop;
    const done = [relay(one, to, { signal }), relay(two, to, { signal })];
    const messages = [
      await to.receive({ waitMs: 10_000 }),
      await to.receive({ waitMs: 10_000 }),
    ];
    assertEquals(messages.map((message) => message?.payload).toSorted(), [
      "from one",
      "from two",
    ]);
    stop.abort();
    await Promise.all(done);
  });

  Deno.test("a relay that is killed has moved each message once", async () => {
    const seed = Number(Deno.env.get("SEED") ?? randomSeed());
    say(`SEED=${seed}`);
    const random = new Random(seed);
    await using directory = new TestDirectory();
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    await using to = await JetStreamQueue.open<number>(nc, "jobs", ONE);
    const dir = directory.at("queue");
    const payloads = Array.from({ length: 200 }, (_, at) => at);
    {
      await using from = await MiniQueue.open<number>(dir);
      await from.enqueueBatch(payloads.map((payload) => ({ payload })));
    }
    const where = JSON.stringify({
      servers: cluster.servers,
      name: "jobs",
      dir,
    });
    for (let run = 0; run < size(2, 10); run++) {
      await runAndKill("killed_relay.ts", where, random.below(60));
    }
    const told = await runAndKill("killed_relay.ts", where, Infinity);
    assertEquals(told.at(-1), "empty");
    const moved = (await to.peek(1_000)).map(({ payload }) => payload);
    assertEquals(moved.toSorted((a, b) => a - b), payloads);
  });
}
