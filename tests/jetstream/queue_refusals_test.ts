// What a queue on JetStream refuses: calls, servers, streams.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { MiniError } from "@mini/state/queue";
import { JetStreamQueue } from "@mini/state/jetstream";
import { changed } from "../support/lossy_nats.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";

const server = await natsServerFor("what a queue on JetStream refuses");

async function rejectsWith(
  code: string,
  task: () => Promise<unknown>,
): Promise<string> {
  const error = await assertRejects(task, MiniError);
  assertEquals(error.code, code, error.message);
  return error.message;
}

const ONE = { replicas: 1 } as const;

/** Settings of the stream of the messages that lose some, or are another thing. */
const FLAWS: readonly Partial<StreamConfig>[] = [
  { retention: "limits" },
  { retention: "interest" },
  { storage: "memory" },
  { max_age: 1e12 },
  { max_msgs: 1_000 },
  { max_bytes: 1_000_000 },
  { max_msgs_per_subject: 1 },
  { no_ack: true },
  { description: "somebody's jobs" },
  { description: "mini queue 2" },
  { description: "mini 1 0123abcd" },
  { allow_atomic: false },
  { subjects: ["elsewhere.jobs"] },
];

/** Settings of the stream of the dead letters, likewise. */
const DEAD_FLAWS: readonly Partial<StreamConfig>[] = [
  { retention: "workqueue" },
  { max_age: 1e12 },
  { description: "mini queue 1" },
];

if (server !== undefined) {
  Deno.test("JetStreamQueue refuses what the servers cannot do, before it does anything", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    await using queue = await JetStreamQueue.open<string>(nc, "calls", ONE);
    await queue.enqueue("a");
    const batch = Array.from({ length: 1_001 }, () => ({ payload: "b" }));
    const calls: Record<string, () => Promise<unknown>> = {
      "a MiniQueue": () => queue.enqueue("b", { group: "g" }),
      "one queue for each": () => queue.enqueue("b", { priority: 1 }),
      "at most 1000": () => queue.enqueueBatch(batch),
      "extend()": () => queue.receive({ visibilityTimeoutMs: 1 }),
    };
    for (const [way, call] of Object.entries(calls)) {
      const message = await rejectsWith("UNSUPPORTED", call);
      assert(message.includes(way), message);
    }
    const wrong = [{ payload: "b" }, { payload: "b", group: "g" }];
    await rejectsWith("UNSUPPORTED", () => queue.enqueueBatch(wrong));
    assertEquals((await queue.stats()).ready, 1);
    const message = (await queue.receive())!;
    await rejectsWith(
      "UNSUPPORTED",
      () => message.nack({ countAttempt: false }),
    );
    assertEquals(message.isCurrent, true);

    const large = "x".repeat(nc.info!.max_payload);
    await rejectsWith("TOO_LARGE", () => queue.enqueue(large));
    await assertRejects(
      () => queue.enqueue("b", { delayMs: 1e300 }),
      RangeError,
    );
    await assertRejects(
      () => queue.enqueue("b", { at: new Date(8.64e15) }),
      RangeError,
    );
    await rejectsWith(
      "UNSERIALIZABLE",
      () => queue.enqueue("b", { headers: { a: "\ud800" } }),
    );
    const { ready, delayed } = await queue.stats();
    assertEquals([ready, delayed], [0, 0]);
  });

  Deno.test("JetStreamQueue with maxBytes is NO_SPACE beyond it, continues afterwards, and has no delays", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const options = { ...ONE, maxBytes: 4_096 };
    await using queue = await JetStreamQueue.open<string>(nc, "full", options);
    const payload = "x".repeat(1_000);
    let stored = 0;
    const fill = async () => {
      for (;; stored++) await queue.enqueue(payload);
    };
    await rejectsWith("NO_SPACE", fill);
    assert(stored > 1);
    assertEquals((await queue.stats()).ready, stored);
    await (await queue.receive())!.ack();
    await queue.enqueue("a");
    await rejectsWith("UNSUPPORTED", () => queue.enqueue("b", { delayMs: 1 }));
    await rejectsWith(
      "UNSUPPORTED_FORMAT",
      () => JetStreamQueue.open(nc, "full", { ...options, maxBytes: 5_000 }),
    );
  });

  Deno.test("JetStreamQueue leaves a dead letter dead that cannot be stored again", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    await using queue = await JetStreamQueue.open<string>(nc, "jobs", ONE);
    await queue.enqueue("a");
    await (await queue.receive({ waitMs: 10_000 }))!.deadLetter("no");
    const unable = changed(nc, {
      request: (subject, ...rest) =>
        subject === "mini.jobs.jobs"
          ? Promise.reject(new Error("refused"))
          : nc.request(subject, ...rest),
    });
    await using other = await JetStreamQueue.open<string>(unable, "jobs", ONE);
    await rejectsWith("UNAVAILABLE", () => other.redrive("all"));
    const dead = await queue.deadLetters();
    assertEquals(dead.map(({ payload }) => payload), ["a"]);
  });

  Deno.test("JetStreamQueue opens no stream that would lose messages, or belongs to something else", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const manager = await jetstreamManager(nc);
    for (const [index, flaw] of [...FLAWS, ...DEAD_FLAWS].entries()) {
      const name = `flaw_${index}`;
      const isDead = index >= FLAWS.length;
      {
        await using _made = await JetStreamQueue.open(nc, name, ONE);
      }
      const stream = `MINI_${name}_${isDead ? "DEAD" : "JOBS"}`;
      const { config } = await manager.streams.info(stream);
      await manager.streams.delete(stream);
      const { metadata: _, ...rest } = config;
      // Some of them exclude what the servers need for delays.
      const schedules = { "allow_msg_schedules": false };
      await manager.streams.add({ ...rest, ...schedules, ...flaw });
      const said = await rejectsWith(
        "UNSUPPORTED_FORMAT",
        () => JetStreamQueue.open(nc, name, ONE),
      );
      assert(said.includes(stream), said);
    }
    for (
      const flaw of [{ max_deliver: 3 }, { filter_subject: "mini.c.later.*" }]
    ) {
      {
        await using _made = await JetStreamQueue.open(nc, "c", ONE);
      }
      const { config } = await manager.consumers.info("MINI_c_JOBS", "workers");
      await manager.consumers.delete("MINI_c_JOBS", "workers");
      await manager.consumers.add("MINI_c_JOBS", { ...config, ...flaw });
      await rejectsWith(
        "UNSUPPORTED_FORMAT",
        () => JetStreamQueue.open(nc, "c", ONE),
      );
      await manager.consumers.delete("MINI_c_JOBS", "workers");
    }
  });

  Deno.test("JetStreamQueue leaves to an operator what is an operator's", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const theirs = { create: false } as const;
    await rejectsWith(
      "NOT_FOUND",
      () => JetStreamQueue.open(nc, "jobs", theirs),
    );
    {
      await using _made = await JetStreamQueue.open(nc, "jobs", ONE);
    }
    {
      await using queue = await JetStreamQueue.open(nc, "jobs", theirs);
      await queue.enqueue("a");
    }
    for (
      const other of [
        { visibilityTimeoutMs: 1_000 },
        { dedupeWindowMs: 1_000 },
        { replicas: 3 } as const,
      ]
    ) {
      await rejectsWith(
        "UNSUPPORTED_FORMAT",
        () => JetStreamQueue.open(nc, "jobs", { ...theirs, ...other }),
      );
    }
    await rejectsWith("UNSUPPORTED", () => JetStreamQueue.open(nc, "three"));
    await assertRejects(() => JetStreamQueue.open(nc, "a.b"), TypeError);
    await assertRejects(
      () => JetStreamQueue.open(nc, "a", { prefix: "*" }),
      TypeError,
    );
    await assertRejects(
      () => JetStreamQueue.open(nc, "a", { replicas: 2 as 1 }),
      RangeError,
    );
    await assertRejects(
      () => JetStreamQueue.open(nc, "a", { group: "g" } as object),
      TypeError,
    );
  });

  Deno.test("JetStreamQueue needs a server of version 2.12", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    for (const version of ["2.9.10", "2.11.9", "1.99.0"]) {
      const old = changed(nc, { info: { ...nc.info!, version } });
      const said = await rejectsWith(
        "UNSUPPORTED",
        () => JetStreamQueue.open(old, "old", ONE),
      );
      assert(said.includes(version), said);
    }
    const manager = await jetstreamManager(nc);
    assertEquals(await manager.streams.names().next(), []);
    for (const version of ["2.12.0", "3.0.0-beta.1"]) {
      const young = changed(nc, { info: { ...nc.info!, version } });
      await using _opened = await JetStreamQueue.open(young, "young", ONE);
    }
  });

  Deno.test("JetStreamQueue tells what its user may not do", async () => {
    const conf = `authorization { users: [
      { user: owner, password: a },
      { user: worker, password: b, permissions: { publish: ["$JS.API.>", "$JS.ACK.>", "_INBOX.>"], subscribe: "_INBOX.>" } },
    ] }
no_auth_user: owner`;
    await using cluster = await NatsCluster.start(server, { nodes: 1, conf });
    const nc = await cluster.connect();
    await using queue = await JetStreamQueue.open<string>(nc, "jobs", ONE);
    await queue.enqueue("a");
    const worker = await connect({
      servers: cluster.servers,
      user: "worker",
      pass: "b",
    });
    try {
      await using same = await JetStreamQueue.open<string>(worker, "jobs");
      await rejectsWith("PERMISSION", () => same.enqueue("b"));
      const message = await same.receive();
      assertEquals(message?.payload, "a");
      await message!.ack();
    } finally {
      await worker.close();
    }
  });

  Deno.test("JetStreamQueue is CLOSED once its connection is", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    await using queue = await JetStreamQueue.open<string>(nc, "jobs", ONE);
    const waiting = queue.receive({ waitMs: Infinity });
    const working = queue.work(() => {});
    await nc.close();
    const calls: readonly (() => Promise<unknown>)[] = [
      () => waiting,
      () => working,
      () => queue.enqueue("a"),
      () => queue.receive(),
      () => queue.stats(),
    ];
    for (const call of calls) await rejectsWith("CLOSED", call);
  });
}
