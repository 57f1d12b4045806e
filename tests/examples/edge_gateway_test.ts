import { assertEquals } from "@std/assert";
import { jetstreamManager } from "@nats-io/jetstream";
import { TestDirectory } from "../support/dir.ts";
import { NatsCluster, soon } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { Example } from "../support/program.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const server = await natsServerFor("examples/edge_gateway.ts");

const readings = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `door ${from + at}\n`).join(
    "",
  );

if (server !== undefined) {
  Deno.test("examples/edge_gateway.ts loses nothing and sends nothing twice, killed, and with its network cut for a while", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const [node] = cluster.nodes;
    const network = { isThere: false };
    await using proxy = new TcpProxy(node!.port, {
      bytes: () => network.isThere ? 100_000 : 1,
      refusals: () => network.isThere ? 0 : 3,
    });
    await using directory = new TestDirectory();
    const example = new Example("edge_gateway.ts", directory.path);
    const args = ["./readings", proxy.address, "1"];
    {
      await using gateway = example.start(args);
      assertEquals(await gateway.line(), "0 readings (created)");
      await gateway.write(readings(1, 200));
      await gateway.lineWith("kept reading 200");
      await gateway.kill();
    }
    network.isThere = true;
    const manager = await jetstreamManager(await cluster.connect());
    const arrived = async () => {
      const info = await manager.streams.info("READINGS").catch(() => {});
      return info?.state.messages ?? 0;
    };
    {
      await using gateway = example.start(args);
      assertEquals(await gateway.line(), "200 readings (unclean)");
      await gateway.lineWith("the centre is there");
      await soon("some have arrived", async () => await arrived() > 0);
      await gateway.write(readings(201, 400));
      await gateway.lineWith("kept reading 300");
      await node!.kill();
      await gateway.lineWith("kept reading 400");
      await node!.start();
      await gateway.kill();
    }
    await using gateway = example.start(args);
    await gateway.write(readings(401, 450));
    await soon("all have arrived", async () => await arrived() >= 450);
    const { code, stderr } = await gateway.end();
    assertEquals([code, stderr], [0, ""]);
    for (let seq = 1; seq <= 450; seq++) {
      const message = await manager.streams.getMessage("READINGS", { seq });
      assertEquals(message!.header.get("Mini-Seq"), `${seq}`);
      assertEquals(message!.json(), { sensor: "door", value: seq });
    }
    assertEquals(await arrived(), 450);
  });
}

Deno.test("examples/edge_gateway.ts says how it is used", async () => {
  await using directory = new TestDirectory();
  const example = new Example("edge_gateway.ts", directory.path);
  for (const args of [[], ["./readings"], ["./readings", "a:1", "2"]]) {
    const { code, stdout } = await example.run(args);
    assertEquals(code, 2);
    assertEquals(stdout, "usage: edge_gateway.ts DIR HOST:PORT [REPLICAS]");
  }
  assertEquals(directory.names(), []);
});
