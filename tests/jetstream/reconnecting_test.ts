// What begins while the connection has no server, and looks for one.
import { assertEquals } from "@std/assert";
import {
  forward,
  jetStream,
  JetStreamQueue,
  jetStreamReader,
} from "@mini/state/jetstream";
import { MiniStore } from "@mini/state/store";
import { ALONE, openSum, type Sum } from "../support/jetstream.ts";
import { errorOf } from "../support/journal.ts";
import { NatsCluster, soon } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { TestDirectory } from "../support/dir.ts";

const server = await natsServerFor("openings while there is no connection");

if (server !== undefined) {
  Deno.test("states, readers, queues and forwarding that are opened while the connection looks for a server wait for it", async () => {
    await using cluster = await NatsCluster.start(server, {
      nodes: 1,
      conf: "max_payload: 4MB",
    });
    const nc = await cluster.connect();
    const [node] = cluster.nodes;
    const owner = await jetStream<Sum>(nc, "a", {
      ...ALONE,
      leaseMs: 60_000,
    });
    await owner.log.append(1);
    await using directory = new TestDirectory();
    await using log = await MiniStore.open<number>(directory.at());
    await log.append(1);
    await node!.kill();
    await soon("the connection has no server", () => Promise.resolve(!nc.info));

    const refused = [
      jetStream<Sum>(nc, "b", { ...ALONE, doubtMs: 1 }),
      jetStreamReader<Sum>(nc, "a", { doubtMs: 1 }),
      JetStreamQueue.open(nc, "c", { replicas: 1, doubtMs: 1 }),
    ];
    for (const opening of refused) {
      assertEquals((await errorOf(opening)).code, "UNAVAILABLE");
    }
    const stop = new AbortController();
    const forwarding = forward(log, nc, {
      consumer: "uplink",
      stream: "S",
      replicas: 1,
      signal: stop.signal,
    });
    const waiting = [
      openSum(nc, "b").then((state) => state.close()),
      jetStreamReader<Sum>(nc, "a"),
      JetStreamQueue.open(nc, "c", { replicas: 1 })
        .then((queue) => queue.close()),
      // The server takes it; the connection cannot ask now.
      owner.log.append("x".repeat(2_000_000)),
    ];
    await node!.start();
    await Promise.all(waiting);
    await owner.log.close();
    await soon("the record is forwarded", async () => {
      return (await log.consumers()).some(({ position }) => position === 1);
    });
    stop.abort();
    await forwarding;
  });
}
