// Views of a state on JetStream: they follow, and take over.
import { assertEquals } from "@std/assert";
import { jetStream, jetStreamReader } from "@mini/state/jetstream";
import { StateManager, StateView } from "@mini/state/state";
import { ALONE, openSum, SUM, type Sum } from "../support/jetstream.ts";
import { errorOf } from "../support/journal.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";

const server = await natsServerFor("views of a state on JetStream");

/** A sum that refuses what is negative. */
const CAREFUL = {
  ...SUM,
  apply(state: Sum, by: number): Sum {
    if (by < 0) throw new RangeError("negative");
    return SUM.apply(state, by);
  },
};

if (server !== undefined) {
  Deno.test("StateView on JetStream follows the owner, through aborts, compaction and new owners", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const open = async (
      options: Parameters<typeof jetStream<Sum>>[2] = ALONE,
    ) =>
      await StateManager.open({
        ...await jetStream<Sum>(nc, "shop", options),
        ...CAREFUL,
      });
    const first = await open();
    for (let by = 1; by <= 10; by++) await first.apply(by);
    await using view = await StateView.open(
      await jetStreamReader<Sum>(await cluster.connect(), "shop", ALONE),
      CAREFUL,
    );
    assertEquals([view.state.total, view.sequence], [55, 10]);
    const watched: number[] = [];
    const watching = (async () => {
      for await (const { mutation } of view.watch()) watched.push(mutation);
    })();
    await view.until(await first.apply(11), { timeoutMs: 30_000 });
    assertEquals(view.state.total, 66);

    assertEquals((await errorOf(first.apply(-1))).code, "ABORTED_MUTATION");
    await view.until(await first.apply(12), { timeoutMs: 30_000 });
    assertEquals(view.state, { total: 78, count: 12 });

    await first.createSnapshot();
    await first.createSnapshot();
    const { firstSequence } = await first.compact();
    assertEquals(firstSequence > 10, true);
    await view.until(await first.apply(13), { timeoutMs: 30_000 });
    await first.close();
    const second = await open();
    await view.until(await second.apply(14), { timeoutMs: 30_000 });
    assertEquals([view.state.total, view.resets], [105, 0]);
    await second.close();
    await view.close();
    await watching;
    assertEquals(watched, [11, 12, 13, 14]);
  });

  Deno.test("StateView.promote() on JetStream is LOCKED beside the owner, then takes over without replaying", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const owner = await openSum(nc, "shop");
    for (let by = 1; by <= 10; by++) await owner.apply(by);
    let applied = 0;
    const view = await StateView.open(
      await jetStreamReader<Sum>(await cluster.connect(), "shop", ALONE),
      {
        ...SUM,
        apply: (state, by: number) => {
          applied++;
          return SUM.apply(state, by);
        },
      },
    );
    assertEquals((await errorOf(view.promote())).code, "LOCKED");
    await view.until(await owner.apply(11), { timeoutMs: 30_000 });
    const promoted = view.promote({ waitMs: 60_000 });
    await owner.apply(12);
    await owner.close();
    await using manager = await promoted;
    assertEquals(manager.state, { total: 78, count: 12 });
    assertEquals([applied, view.isClosed], [12, true]);
    await manager.apply(13);
    const { state } = manager;
    await manager.close();
    await using replayed = await openSum(nc, "shop");
    assertEquals(replayed.state, state);
  });

  Deno.test("StateView.promote() on JetStream takes over from an owner that is not heard of any more", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const gone = await cluster.connect();
    const owner = await openSum(gone, "shop");
    await owner.apply(1);
    const view = await StateView.open(
      await jetStreamReader<Sum>(await cluster.connect(), "shop", ALONE),
      SUM,
    );
    // It can give nothing back.
    await gone.close();
    await using manager = await view.promote({ waitMs: 60_000 });
    assertEquals(manager.state.total, 1);
    while (owner.failure === undefined) await owner.changed;
    await owner.close();
  });

  Deno.test("StateView on JetStream starts over where the log was replaced by another", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    {
      await using owner = await openSum(nc, "shop");
      for (const by of [1, 2, 3]) await owner.apply(by);
    }
    await using view = await StateView.open(
      await jetStreamReader<Sum>(nc, "shop", ALONE),
      SUM,
    );
    assertEquals(view.state.total, 6);
    await nc.request("$JS.API.STREAM.DELETE.MINI_shop");
    await using owner = await openSum(nc, "shop");
    await owner.apply(10);
    while (view.resets === 0 || view.sequence < 1) await view.changed;
    assertEquals(view.state, { total: 10, count: 1 });
  });

  Deno.test("StateView on JetStream starts over where compaction has removed what it has not read yet", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    await using owner = await openSum(nc, "shop");
    await owner.apply(1);
    const away = await cluster.connect();
    const source = await jetStreamReader<Sum>(away, "shop", ALONE);
    const records = source.log.follow({ from: 1 })[Symbol.asyncIterator]();
    assertEquals((await records.next()).value?.seq, 1);
    for (const by of [2, 3, 4]) await owner.apply(by);
    for (let count = 0; count < 2; count++) {
      await owner.apply(5);
      await owner.createSnapshot();
    }
    await owner.compact();
    const error = await errorOf(records.next() as Promise<never>);
    assertEquals([error.code, error.seq], ["COMPACTED", 2]);
    await using view = await StateView.open(source, SUM);
    assertEquals(view.state, owner.state);
  });

  Deno.test("jetStreamReader() is NOT_FOUND where there is no log", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const opened = jetStreamReader<Sum>(nc, "nothing", ALONE);
    assertEquals((await errorOf(opened as Promise<never>)).code, "NOT_FOUND");
  });
}
