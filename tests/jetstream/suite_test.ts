// The rules that every log keeps, on a server alone.
import { jetStream } from "@mini/state/jetstream";
import { logSuite } from "@mini/state/testing";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";

const server = await natsServerFor("the rules of a log on JetStream");

if (server !== undefined) {
  Deno.test("a log on JetStream keeps the rules of a log", async (t) => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    let count = 0;
    const suite = logSuite(() => {
      const name = `log${++count}`;
      const options = {
        replicas: 1,
        leaseMs: 2_000,
        requestTimeoutMs: 500,
      } as const;
      return {
        open: async () => (await jetStream(nc, name, options)).log,
        depose: async () => {
          const { log } = await jetStream(nc, name, {
            ...options,
            whenHeld: "depose",
          });
          await log.close();
        },
      };
    });
    for (const { name, run } of suite) {
      await t.step(name, async () => void await run());
    }
  });
}
