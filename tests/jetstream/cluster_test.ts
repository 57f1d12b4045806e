// The servers that the tests of this folder use.
import { assert, assertEquals } from "@std/assert";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { NatsCluster, soon } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { say } from "../support/report.ts";

const server = await natsServerFor("clusters of nats-server");

if (server !== undefined) {
  Deno.test("a cluster of three keeps what it has acknowledged while any one of it is killed or hangs", async () => {
    say(`nats-server ${server.version}`);
    await using cluster = await NatsCluster.start(server);
    const nc = await cluster.connect();
    const manager = await jetstreamManager(nc, { timeout: 1_000 });
    await manager.streams.add({ name: "A", subjects: ["a"], num_replicas: 3 });
    const js = jetstream(nc);
    assertEquals((await js.publish("a", "1")).seq, 1);

    const leader = await cluster.leaderOf("A");
    await leader.kill();
    await answerOf(() => js.publish("a", "2"));
    await leader.start();
    await cluster.ready();
    const follower = cluster.nodes.find((node) => node !== leader)!;
    follower.stop();
    assertEquals((await answerOf(() => js.publish("a", "3"))).seq >= 3, true);
    follower.cont();
  });

  Deno.test("a server alone syncs what it acknowledges, and its files are gone with it", async () => {
    let dir: string;
    {
      await using cluster = await NatsCluster.start(server, { nodes: 1 });
      const [node] = cluster.nodes;
      dir = node!.storeDir;
      const said = await node!.ask("jsz?config=true");
      const { sync_always } = said!.config as { sync_always?: boolean };
      assertEquals(sync_always, true);
      const manager = await jetstreamManager(await cluster.connect(), {
        timeout: 1_000,
      });
      await manager.streams.add({ name: "A", subjects: ["a"] });
      assert((await Deno.stat(dir)).isDirectory);
      await node!.restart();
      await answerOf(() => manager.streams.info("A"));
    }
    const left = await Deno.stat(dir).then(() => true, () => false);
    assertEquals(left, false);
  });
}

/** Asks again, since the leader may be gone, until there is an answer. */
async function answerOf<T>(ask: () => Promise<T>): Promise<T> {
  let answer: T;
  await soon("there is an answer", async () => {
    try {
      answer = await ask();
      return true;
    } catch {
      return false;
    }
  });
  return answer!;
}
