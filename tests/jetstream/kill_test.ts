// Servers that are killed and stopped while 64 callers write.
import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { jetStream } from "@mini/state/jetstream";
import { StateManager } from "@mini/state/state";
import { Random, randomSeed } from "@mini/state/testing";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { CALLERS, NUMBERED, sumOf } from "../support/numbered.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const server = await natsServerFor(
  "a state on JetStream whose servers are killed",
);

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** The things that happen to servers. */
const TROUBLES: Record<
  string,
  (cluster: NatsCluster, random: Random) => Promise<void>
> = {
  async "a server is killed"(cluster, random) {
    const node = random.oneIn(2)
      ? await cluster.leaderOf("MINI_kill")
      : cluster.nodes[random.below(3)]!;
    await node.kill();
    await delay(500 + random.below(1_000));
    await node.start();
    await cluster.ready();
  },
  async "a server is stopped for a while"(cluster, random) {
    const node = cluster.nodes[random.below(3)]!;
    node.stop();
    await delay(1_000 + random.below(2_000));
    node.cont();
    await cluster.ready();
  },
  async "all servers are killed"(cluster) {
    await cluster.killAll();
    for (const node of cluster.nodes) node.spawn();
    await cluster.ready();
  },
};

if (server !== undefined) {
  Deno.test("a state on JetStream loses nothing and doubles nothing while its servers are killed and stopped", async () => {
    const random = new Random(seed);
    await using cluster = await NatsCluster.start(server);
    const nc = await cluster.connect();
    const open = async () =>
      await StateManager.open({
        ...await jetStream<number[]>(nc, "kill", { requestTimeoutMs: 1_000 }),
        ...NUMBERED,
      });
    const state = await open();
    const acknowledged: number[] = Array(CALLERS).fill(0);
    let isOver = false;
    const callers = acknowledged.map(async (_, caller) => {
      while (!isOver) {
        const number = acknowledged[caller]! + 1;
        await state.apply([caller, number]);
        acknowledged[caller] = number;
      }
    });
    const failed = Promise.all(callers);
    for (let round = 0; round < size(1, 8); round++) {
      for (const [name, happen] of Object.entries(TROUBLES)) {
        const before = sumOf(acknowledged);
        await Promise.race([happen(cluster, random), failed]);
        // It is over when writes are acknowledged again.
        const { sequence } = state;
        while (state.sequence < sequence + CALLERS && !state.failure) {
          await state.changed;
        }
        say(`${name}: ${sumOf(acknowledged) - before} acknowledged meanwhile`);
      }
    }
    isOver = true;
    await failed;
    assertEquals(state.failure, undefined);
    await state.close();
    await using again = await open();
    assertEquals(again.state, acknowledged, `seed ${seed}`);
    say(`seed ${seed}: ${sumOf(acknowledged)} acknowledged, 0 lost, 0 doubled`);
  });
}
