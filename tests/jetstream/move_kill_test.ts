// Logs that are copied to servers, one of which is killed meanwhile.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { copyToDirectory, copyToStream } from "@mini/state/jetstream";
import { StateManager } from "@mini/state/state";
import { MiniError } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const server = await natsServerFor("copies of logs to nats-server");

const definition = {
  initial: () => [] as string[],
  apply: (state: string[], text: string) => [...state.slice(-100), text],
  immutable: true,
};

if (server !== undefined) {
  Deno.test("copyToStream() and copyToDirectory() copy everything while a server is killed", async () => {
    await using cluster = await NatsCluster.start(server);
    await using directory = new TestDirectory();
    const [dir, back] = [directory.at("state"), directory.at("back")];
    const many = size(5_000, 50_000);
    {
      await using state = await StateManager.open(dir, definition);
      const texts = Array.from({ length: many }, (_, at) => `text ${at}`);
      await Promise.all(texts.map((text) => state.apply(text)));
      await state.createSnapshot();
      await state.apply("x".repeat(500_000));
    }
    const nc = await cluster.connect();
    const copying = copyToStream(dir, nc, "texts");
    const killed = (async () => {
      const node = await cluster.leaderOf("MINI_texts");
      await node.kill();
      await node.start();
    })();
    const [copied] = await Promise.all([copying, killed]);
    await cluster.ready();
    assertEquals([copied.firstSequence, copied.sequence], [1, many + 1]);
    assertEquals(copied.snapshots, [many]);
    assertEquals(await copyToDirectory(nc, "texts", back), copied);
    await using state = await StateManager.open(dir, definition);
    await using again = await StateManager.open(back, definition);
    assertEquals(again.state, state.state);
    say(`${many + 1} records there and back`);
  });

  Deno.test("copyToStream() is TOO_LARGE for a record that the server does not take", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    await using directory = new TestDirectory();
    const dir = directory.at("state");
    {
      await using state = await StateManager.open(dir, definition);
      await state.apply("x".repeat(2_000_000));
    }
    const nc = await cluster.connect();
    const error = await assertRejects(
      () => copyToStream(dir, nc, "texts", { replicas: 1 }),
      MiniError,
    );
    assertEquals(error.code, "TOO_LARGE");
    await using state = await StateManager.open(dir, definition);
    assert(state.state[0]!.length === 2_000_000);
  });
}
