// A state on a server alone: opening again, snapshots, compaction, what goes wrong.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { jetStream } from "@mini/state/jetstream";
import { type SnapCodec, StateManager } from "@mini/state/state";
import { ALONE, openSum, SUM, type Sum } from "../support/jetstream.ts";
import { errorOf } from "../support/journal.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";

const server = await natsServerFor("a state on JetStream");

if (server !== undefined) {
  Deno.test("StateManager on JetStream finds its state again, by its snapshots and the records after them", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    {
      await using sum = await openSum(nc, "shop");
      assertEquals([sum.recovery.outcome, sum.dir], ["created", undefined]);
      await Promise.all(Array.from({ length: 100 }, () => sum.apply(1)));
      await sum.createSnapshot();
      await sum.apply(5);
      await sum.apply(6);
      assertEquals(await sum.at(101), { total: 105, count: 101 });
      const { firstSequence } = await sum.compact();
      assert(firstSequence > 1, "some were removed");
      await sum.apply(7);
    }
    await using again = await openSum(nc, "shop");
    assertEquals(again.state, { total: 118, count: 103 });
    assertEquals(again.recovery.snapshotSequence, 102);
    assertEquals(again.recovery.replayed, 1);
    assertEquals(again.recovery.undecided, []);
    assertEquals(
      await errorOf(again.at(1)).then(({ code }) => code),
      "COMPACTED",
    );
  });

  Deno.test("StateManager on JetStream keeps large snapshots, in parts if the codec gives parts, and the newest two of them", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const codec: SnapCodec<string[]> = {
      encode: (state) => state.values(),
      decode: (json) => Array.fromAsync(json as AsyncIterable<string>),
    };
    const open = async () =>
      await StateManager.open({
        ...await jetStream<string[]>(nc, "large", { ...ALONE, codec }),
        codec,
        initial: (): string[] => [],
        apply: (state, piece: string) => [...state, piece],
      });
    const piece = "\u00e9x".repeat(100_000);
    {
      await using large = await open();
      for (let count = 0; count < 8; count++) {
        await large.apply(piece + count);
        if (count % 2 === 1) await large.createSnapshot();
      }
    }
    await using again = await open();
    assertEquals(again.state.length, 8);
    assertEquals(again.state[7], `${piece}7`);
    assertEquals(again.recovery.replayed, 0);
    const { snapshots, log } = await jetStream(nc, "large", {
      ...ALONE,
      whenHeld: "depose",
    });
    assertEquals((await snapshots.list()).map(({ seq }) => seq), [6, 8]);
    await log.close();
    const said = await cluster.nodes[0]!.ask("jsz?streams=true") as {
      account_details: {
        stream_detail: { name: string; state: { bytes: number } }[];
      }[];
    };
    const { bytes } = said.account_details[0]!.stream_detail
      .find(({ name }) => name === "MINI_large_SNAP")!.state;
    assert(bytes < 6_000_000, `${bytes} bytes for 14 pieces of 300,001`);
  });

  Deno.test("a state on JetStream passes over a snapshot of which a piece is missing", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    {
      await using sum = await openSum(nc, "shop");
      await sum.apply(1);
      await sum.createSnapshot();
      await sum.apply(2);
      await sum.createSnapshot();
    }
    const listed = await nc.request(
      "$JS.API.STREAM.INFO.MINI_shop_SNAP",
      JSON.stringify({ subjects_filter: "mini.shop.snap.part.>" }),
    );
    const { state } = listed.json<{ state: { subjects: object } }>();
    const newest = Object.keys(state.subjects).sort().at(-1)!;
    await nc.request(
      "$JS.API.STREAM.PURGE.MINI_shop_SNAP",
      JSON.stringify({ filter: newest }),
    );
    await using again = await openSum(nc, "shop");
    assertEquals(again.state, { total: 3, count: 2 });
    assertEquals(again.recovery.snapshotSequence, 1);
    assertEquals(again.recovery.rejected.length, 1);
  });

  Deno.test("a log on JetStream that ends before its snapshot is CORRUPT, unless the loss is accepted", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    {
      await using sum = await openSum(nc, "shop");
      for (const by of [1, 2, 3]) await sum.apply(by);
      await sum.createSnapshot();
    }
    // Somebody removes the stream of the log.
    await nc.request("$JS.API.STREAM.DELETE.MINI_shop");
    assertEquals((await errorOf(openSum(nc, "shop"))).code, "CORRUPT");
    {
      await using sum = await openSum(nc, "shop", {
        ...ALONE,
        acceptLoss: true,
      });
      assertEquals([sum.state.total, sum.sequence], [6, 3]);
      assertEquals(await sum.apply(4), 4);
    }
    await using again = await openSum(nc, "shop");
    assertEquals([again.state.total, again.sequence], [10, 4]);
  });

  Deno.test("a log on JetStream refuses what is too large, and what has no space, and continues", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const { log } = await jetStream(nc, "small", {
      ...ALONE,
      maxBytes: 10_000,
    });
    const tooLarge = log.append("x".repeat(1024 * 1024));
    assertEquals((await errorOf(tooLarge)).code, "TOO_LARGE");
    const full = await errorOf((async () => {
      for (;;) await log.append("x".repeat(1_000));
    })());
    assertEquals(full.code, "NO_SPACE");
    const { sequence } = log;
    await log.compact(sequence);
    assertEquals(await log.append("z".repeat(1_000)), sequence + 1);
    await log.close();
  });

  Deno.test("StateManager on JetStream holds with --allow-net alone", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const { runScript } = await import("../support/child.ts");
    const script = `
      import { connect } from "@nats-io/transport-node";
      import { jetStream } from "@mini/state/jetstream";
      import { StateManager } from "@mini/state/state";
      const nc = await connect({ servers: Deno.args });
      const sum = await StateManager.open({
        ...await jetStream<number>(nc, "shop", { replicas: 1 }),
        initial: () => 0,
        apply: (state, by: number) => state + by,
      });
      await sum.apply(2);
      await sum.createSnapshot();
      console.log(sum.state);
      await sum.close();
      await nc.close();
    `;
    const ran = await runScript(script, cluster.servers, [
      `--allow-net=${cluster.servers}`,
    ]);
    assertEquals(ran, { success: true, stdout: "2", stderr: "" });
  });

  Deno.test("StateManager.open() on JetStream refuses options that it would not use", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const parts = await jetStream<Sum>(nc, "shop", ALONE);
    await assertRejects(
      () => StateManager.open({ ...parts, ...SUM, maxSegmentBytes: 1 }),
      TypeError,
      "would not use maxSegmentBytes",
    );
  });
}
