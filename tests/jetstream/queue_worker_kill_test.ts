// Workers on a queue on JetStream that are killed.
import { assert, assertEquals } from "@std/assert";
import { JetStreamQueue } from "@mini/state/jetstream";
import { Random, randomSeed } from "@mini/state/testing";
import { runAndKill } from "../support/kill.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const server = await natsServerFor("workers on JetStream that are killed");
const MESSAGES = 40;

if (server !== undefined) {
  Deno.test("killed workers lose no message, get none again that they have acknowledged, and leave the poisonous one dead", async () => {
    const seed = Number(Deno.env.get("SEED") ?? randomSeed());
    say(`SEED=${seed}`);
    const random = new Random(seed);
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const name = "killed";
    await using queue = await JetStreamQueue.open<string>(nc, name, {
      replicas: 1,
      maxAttempts: 3,
      visibilityTimeoutMs: 400,
    });
    const payloads = Array.from({ length: MESSAGES }, (_, at) => `job ${at}`);
    payloads[random.below(MESSAGES)] = "poison";
    const all = await queue.enqueueBatch(
      payloads.map((payload) => ({ payload })),
    );
    const done = new Set<string>();
    const started = new Map<string, number>();
    const where = JSON.stringify({ servers: cluster.servers, name });
    for (let run = 0;; run++) {
      const { ready, inFlight } = await queue.stats();
      if (ready + inFlight === 0) break;
      assert(run < 100, "it does not end");
      const isKilled = run < size(2, 10);
      const lines = isKilled ? random.below(20) : Infinity;
      const told = await runAndKill("killed_nats_worker.ts", where, lines);
      for (const line of told) {
        const [what, id] = line.split(" ") as [string, string];
        if (what === "start") {
          assert(!done.has(id), `${id} was delivered after its ack`);
          started.set(id, (started.get(id) ?? 0) + 1);
        } else if (what === "done") done.add(id);
      }
    }
    const dead = await queue.deadLetters();
    const lost = all.filter(({ id }) =>
      !started.has(`${id}`) && !dead.some((letter) => letter.id === id)
    );
    assertEquals(lost, []);
    const poison = dead.find(({ payload }) => payload === "poison");
    assertEquals(poison?.attempts, 3);
    assertEquals(poison?.reason, "delivered 3 times");
  });
}
