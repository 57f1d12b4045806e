// A queue whose ledger is in a log on JetStream.
import { assertEquals } from "@std/assert";
import { jetStream } from "@mini/state/jetstream";
import { type Ledger, MiniQueue } from "@mini/state/queue";
import { ALONE } from "../support/jetstream.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";

const server = await natsServerFor("a MiniQueue on JetStream");

if (server !== undefined) {
  Deno.test("MiniQueue on JetStream keeps its messages, their order and their keys when another owner opens it", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const open = async () =>
      await MiniQueue.open<string>({
        ...await jetStream<Ledger<string>>(nc, "mails", ALONE),
        maxAttempts: 2,
      });
    {
      await using queue = await open();
      await queue.enqueue("a", { group: "g", dedupeKey: "k" });
      await queue.enqueue("b", { group: "g" });
      await queue.enqueue("first", { priority: 1 });
      await (await queue.receive())!.ack();
      await queue.compact();
    }
    await using queue = await open();
    assertEquals(
      (await queue.enqueue("a", { dedupeKey: "k" })).deduplicated,
      true,
    );
    const got: string[] = [];
    await queue.work(({ payload }) => void got.push(payload), {
      concurrency: 4,
      until: "empty",
    });
    assertEquals(got, ["a", "b"]);
  });
}
