// Streams that would lose records, and what others do to streams.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  connectionOptions,
  jetStream,
  JetStreamQueue,
  type MiniError,
} from "@mini/state/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { ALONE, openSum, SUM } from "../support/jetstream.ts";
import { errorOf } from "../support/journal.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { FakeNats } from "../support/fake_nats.ts";

const server = await natsServerFor("the settings of streams");

/** The settings of a log that loses nothing. */
const LOG = {
  name: "MINI_shop",
  description: "mini 1 0123456789abcdef0123456789abcdef",
  subjects: ["mini.shop.log"],
  retention: "limits",
  storage: "file",
  discard: "new",
  "num_replicas": 1,
  "deny_delete": true,
  "max_age": 0,
};

/** Each makes a log lose something, or belongs to something else. */
const LOSSY: Record<string, Record<string, unknown>> = {
  discard: { discard: "old" },
  "max_age": { "max_age": 3_600_000_000_000 },
  "max_msgs": { "max_msgs": 1_000 },
  "max_msgs_per_subject": { "max_msgs_per_subject": 1_000 },
  "max_msg_size": { "max_msg_size": 1_000 },
  storage: { storage: "memory" },
  retention: { retention: "interest" },
  "deny_delete": { "deny_delete": false },
  "deny_purge": { "deny_purge": true },
  "allow_rollup_hdrs": { "allow_rollup_hdrs": true },
  "allow_msg_ttl": { "allow_msg_ttl": true },
  "persist_mode": { "persist_mode": "async" },
  "no_ack": { "no_ack": true },
  republish: { republish: { src: "mini.shop.log", dest: "copy" } },
  subjects: { subjects: ["mini.shop.log", "other"] },
  description: { description: "made by hand" },
  newer: { description: "mini 2 0123456789abcdef0123456789abcdef" },
};

if (server !== undefined) {
  Deno.test("jetStream() refuses a stream whose settings would lose records, and names the setting", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    for (const [setting, wrong] of Object.entries(LOSSY)) {
      await create(nc, { ...LOG, ...wrong });
      const error = await errorOf(
        jetStream(nc, "shop", ALONE) as Promise<never>,
      );
      assertEquals(error.code, "UNSUPPORTED_FORMAT", setting);
      assert(error.message.includes(setting), `${setting}: ${error.message}`);
      await nc.request("$JS.API.STREAM.DELETE.MINI_shop");
    }
    await create(nc, LOG);
    const more = await errorOf(
      jetStream(nc, "shop", { ...ALONE, replicas: 3 }) as Promise<never>,
    );
    assert(more.message.includes("num_replicas"), more.message);
    await using sum = await openSum(nc, "shop");
    assertEquals(await sum.apply(1), 1);
  });

  Deno.test("jetStream() makes no stream if it may not", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const opened = jetStream(nc, "shop", { ...ALONE, create: false });
    assertEquals((await errorOf(opened as Promise<never>)).code, "NOT_FOUND");
  });

  Deno.test("a log on JetStream passes over a message of somebody else, and cannot have one deleted", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    {
      await using sum = await openSum(nc, "shop");
      await sum.apply(1);
      for (let count = 0; count < 3; count++) {
        await nc.request("mini.shop.log", "a stray");
        assertEquals(await sum.apply(1), count + 2);
      }
      const deleted = await nc.request(
        "$JS.API.STREAM.MSG.DELETE.MINI_shop",
        JSON.stringify({ seq: 2 }),
      );
      assertEquals(
        deleted.json<{ error: { "err_code": number } }>().error.err_code,
        10057,
      );
    }
    await using again = await openSum(nc, "shop");
    assertEquals(again.state, { total: 4, count: 4 });
  });

  Deno.test("a log on JetStream that somebody has purged is CORRUPT where no snapshot stands for what is gone", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    {
      await using sum = await openSum(nc, "shop");
      for (const by of [1, 2, 3, 4, 5]) await sum.apply(by);
    }
    await nc.request(
      "$JS.API.STREAM.PURGE.MINI_shop",
      JSON.stringify({ seq: 4 }),
    );
    const opened = openSum(nc, "shop") as Promise<unknown>;
    assertEquals((await errorOf(opened as Promise<never>)).code, "CORRUPT");
  });

  Deno.test("a log on JetStream that the servers cannot keep is refused at once, and an append beyond the limits of the account is NO_SPACE", async () => {
    const conf = `accounts {
      small { users: [{ user: small, password: x }], jetstream { max_file: 2MB } }
      none { users: [{ user: none, password: x }] }
    }`;
    await using cluster = await NatsCluster.start(server, { nodes: 1, conf });
    const small = await cluster.connect({ user: "small", pass: "x" });
    const none = await cluster.connect({ user: "none", pass: "x" });
    const codeOf = async (opened: Promise<unknown>) =>
      (await errorOf(opened as Promise<never>)).code;
    const ofThree = jetStream(small, "shop", { ...ALONE, replicas: 3 });
    assertEquals(await codeOf(ofThree), "UNSUPPORTED");
    assertEquals(await codeOf(jetStream(none, "shop", ALONE)), "UNSUPPORTED");
    const queue = JetStreamQueue.open(none, "shop", { replicas: 1 });
    assertEquals(await codeOf(queue), "UNSUPPORTED");
    const { log } = await jetStream(small, "shop", ALONE);
    const half = "x".repeat(500_000);
    let error: MiniError | undefined;
    while (error === undefined) {
      await log.append(half).catch((failure) => error = failure);
    }
    assertEquals(error.code, "NO_SPACE");
    const { sequence } = log;
    await log.compact(sequence);
    assertEquals(await log.append("small"), sequence + 1);
    await log.close();
  });

  Deno.test("a NATS user who may not write to the log is told so: PERMISSION", async () => {
    const conf = `authorization { users: [
      { user: all, password: x }
      { user: few, password: x, permissions: { publish: { deny: ["mini.shop.log"] } } }
    ] }`;
    await using cluster = await NatsCluster.start(server, { nodes: 1, conf });
    const few = await cluster.connect({ user: "few", pass: "x" });
    const opened = jetStream(few, "shop", ALONE);
    assertEquals((await errorOf(opened as Promise<never>)).code, "PERMISSION");
  });
}

Deno.test("jetStream() refuses names and options that cannot be, and servers that are too old", async () => {
  const nc = new FakeNats().connect();
  const wrong: [string, Record<string, unknown>][] = [
    ["", {}],
    ["a.b", {}],
    ["a b", {}],
    ["LEASES", {}],
    ["a_SNAP", {}],
    ["a_JOBS", {}],
    ["a", { prefix: "x.y" }],
    ["a", { whenHeld: "never" }],
    ["a", { leaseSeconds: 1 }],
    ["a", { holder: "\ud800" }],
  ];
  for (const [name, options] of wrong) {
    await assertRejects(() => jetStream(nc, name, options), TypeError);
  }
  await assertRejects(
    () => jetStream(nc, "a", { replicas: 2 } as never),
    RangeError,
  );
  for (const version of ["2.9.10", "2.11.4", "1.4.0"]) {
    Object.assign(nc.info!, { version });
    const opened = jetStream(nc, "a");
    assertEquals((await errorOf(opened as Promise<never>)).code, "UNSUPPORTED");
  }
});

Deno.test("jetStream() takes a lease that a stranger has written over", async () => {
  const nc = new FakeNats().connect();
  await (await jetStream(nc, "shop", ALONE)).log.close();
  for (const [ms, holder] of [["soon", "me"], ["-1", "%"]] as const) {
    const all = headers();
    all.set("Mini-Lease", ms);
    all.set("Mini-Holder", holder);
    await nc.request("mini.shop.lease", "", { headers: all, timeout: 1_000 });
    await (await jetStream(nc, "shop", ALONE)).log.close();
  }
});

Deno.test("jetStream() refuses a stream that discards its oldest records when it is full", async () => {
  const nats = new FakeNats();
  const nc = nats.connect();
  await (await jetStream(nc, "shop", ALONE)).log.close();
  nats.streams.get("MINI_shop")!.config["discard"] = "old";
  const opened = jetStream(nc, "shop", ALONE);
  assertEquals(
    (await errorOf(opened as Promise<never>)).code,
    "UNSUPPORTED_FORMAT",
  );
});

Deno.test("connectionOptions lets a client find out that its server hangs", () => {
  const { pingInterval, maxPingOut, maxReconnectAttempts } = connectionOptions;
  assert(pingInterval * maxPingOut <= 5_000);
  assertEquals([maxReconnectAttempts, SUM.initial().count], [-1, 0]);
});

async function create(
  nc: NatsConnection,
  config: { name: string; [setting: string]: unknown },
): Promise<void> {
  const answer = await nc.request(
    `$JS.API.STREAM.CREATE.${config.name}`,
    JSON.stringify(config),
  );
  const { error } = answer.json<{ error?: { description: string } }>();
  if (error) throw new Error(`${JSON.stringify(config)}: ${error.description}`);
}
