// Devices, connections and servers that are killed while a log is forwarded.
import { assert, assertEquals } from "@std/assert";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { forward } from "@mini/state/jetstream";
import { type LogRecord, MiniStore } from "@mini/state/store";
import { Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { runAndKill } from "../support/kill.ts";
import { NatsCluster, soon } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const server = await natsServerFor("forward() to nats-server");

/** Set SEED to make the same choices again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** The records that a stream holds, by a plain client. */
async function recordsIn(
  nc: NatsConnection,
  count: number,
): Promise<LogRecord<unknown>[]> {
  const consumer = await jetstream(nc).consumers.get("S");
  const records: LogRecord<unknown>[] = [];
  while (records.length < count) {
    const messages = await consumer.fetch({ max_messages: 500 });
    for await (const message of messages) {
      records.push({
        seq: Number(message.headers!.get("Mini-Seq")),
        data: message.json(),
      });
      if (message.info.pending === 0) break;
    }
  }
  return records;
}

async function countIn(nc: NatsConnection): Promise<number> {
  const manager = await jetstreamManager(nc);
  const info = await manager.streams.info("S").catch(() => undefined);
  return info?.state.messages ?? 0;
}

/** Forwards until the stream holds as many messages as the log has records, and compares them. */
async function assertArrives(
  log: MiniStore<unknown>,
  nc: NatsConnection,
  acknowledged: readonly LogRecord<unknown>[],
): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const forwarding = forward(log, nc, {
    consumer: "uplink",
    stream: "S",
    signal,
  });
  await soon("the stream has what the log has", async () => {
    return await countIn(nc) >= log.sequence;
  });
  stop.abort();
  await forwarding;
  const records = await recordsIn(nc, log.sequence);
  assertEquals(
    records.map(({ seq }) => seq),
    Array.from({ length: log.sequence }, (_, at) => at + 1),
    "each is there once, in order",
  );
  for (const { seq, data } of acknowledged) {
    assertEquals(records[seq - 1]!.data, data, `record ${seq}`);
  }
}

if (server !== undefined) {
  Deno.test("forward() loses nothing and doubles nothing while the device and the server are killed and the connection is cut", async () => {
    const random = new Random(seed);
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const [node] = cluster.nodes;
    await using proxy = new TcpProxy(node!.port, {
      bytes: () => 1 + random.below(300_000),
      refusals: () => random.below(4),
    });
    await using directory = new TestDirectory();
    await Deno.writeTextFile(directory.at("server"), proxy.address);
    const acknowledged: LogRecord<unknown>[] = [];
    let restarts = 0;
    const rounds = size(6, 40);
    for (let round = 0; round < rounds; round++) {
      const running = runAndKill(
        "killed_forwarder.ts",
        directory.at(),
        random.below(1_000),
      );
      if (random.oneIn(2)) {
        restarts++;
        await node!.restart();
      }
      for (const line of await running) {
        const [seq = "", ...data] = line.split(" ");
        acknowledged.push({ seq: Number(seq), data: data.join(" ") });
      }
    }
    await using log = await MiniStore.open<unknown>(directory.at());
    assert(acknowledged.every(({ seq }) => seq <= log.sequence));
    const nc = await cluster.connect();
    const before = await countIn(nc);
    await assertArrives(log, nc, acknowledged);
    say(
      `seed ${seed}: ${rounds} kills, ${proxy.cuts} cuts, ${restarts} restarts, ${log.sequence} records, ${before} sent by then`,
    );
  });

  Deno.test("forward() sends again what was purged, also while the server knows the ids", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    await using directory = new TestDirectory();
    await using log = await MiniStore.open<unknown>(directory.at());
    const acknowledged: LogRecord<unknown>[] = [];
    for (const data of ["a", "b", "c"]) {
      acknowledged.push({ seq: await log.append(data), data });
    }
    const nc = await cluster.connect();
    const manager = await jetstreamManager(nc);
    await manager.streams.add({
      name: "S",
      subjects: ["S.*"],
      discard: "new",
      "allow_atomic": true,
    });
    await assertArrives(log, nc, acknowledged);
    await manager.streams.purge("S");
    await assertArrives(log, nc, acknowledged);
  });

  Deno.test("forward() by two at once to three servers, any of which is killed or hangs, doubles nothing", async () => {
    const random = new Random(seed);
    await using cluster = await NatsCluster.start(server);
    await using directory = new TestDirectory();
    await using log = await MiniStore.open<unknown>(directory.at());
    const acknowledged: LogRecord<unknown>[] = [];
    const stop = new AbortController();
    const told: Record<string, number> = {};
    const forwards = ["uplink", "second"].map(async (consumer) =>
      await forward(log, await cluster.connect(), {
        consumer,
        stream: "S",
        signal: stop.signal,
        requestTimeoutMs: 1_000,
        backoff: (failures) => Math.min(50 * failures, 500),
        onError: ({ code }) => told[code] = (told[code] ?? 0) + 1,
      })
    );
    let isOver = false;
    const appending = (async () => {
      while (!isOver) {
        const data = random.below(1e9);
        acknowledged.push({ seq: await log.append(data), data });
      }
    })();
    const rounds = size(3, 20);
    for (let round = 0; round < rounds; round++) {
      const before = log.sequence;
      await soon(
        "more is appended",
        () => Promise.resolve(log.sequence > before + 200),
      );
      const node = cluster.nodes[random.below(3)]!;
      if (random.oneIn(2)) {
        await node.kill();
        await node.start();
      } else {
        node.stop();
        const at = log.sequence;
        await soon(
          "more is appended",
          () => Promise.resolve(log.sequence > at + 500),
        );
        node.cont();
      }
      await cluster.ready();
    }
    isOver = true;
    await appending;
    stop.abort();
    await Promise.all(forwards);
    await assertArrives(log, await cluster.connect(), acknowledged);
    say(
      `seed ${seed}: ${rounds} faults, ${log.sequence} records, told ${
        JSON.stringify(told)
      }`,
    );
  });
}
