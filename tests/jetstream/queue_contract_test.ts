// The rules of every queue, for JetStreamQueue; tests/queue/contract_test.ts has them for MiniQueue.
import { JetStreamQueue } from "@mini/state/jetstream";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { QUEUE_RULES } from "../support/queue_rules/rules.ts";

const server = await natsServerFor("the rules of a queue on JetStream");

if (server !== undefined) {
  Deno.test("JetStreamQueue as a Queue", async (t) => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    for (const [index, { name, check }] of QUEUE_RULES.entries()) {
      await t.step(name, async () => {
        await check((options) =>
          JetStreamQueue.open<string>(nc, `rule_${index}`, {
            ...options,
            replicas: 1,
          })
        );
      });
    }
  });
}
