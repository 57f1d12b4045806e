// Who owns a log, on a cluster of three: two at the same time, one that was stopped, one after another.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { jetStream } from "@mini/state/jetstream";
import { MiniError, StateManager } from "@mini/state/state";
import type { NatsConnection } from "@nats-io/nats-core";
import { denoArgs } from "../support/system.ts";
import { openSum, SUM, type Sum } from "../support/jetstream.ts";
import { errorOf } from "../support/journal.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { say } from "../support/report.ts";

const server = await natsServerFor("the owners of a log on JetStream");

const OF_THREE = { leaseMs: 1_000, requestTimeoutMs: 1_000 } as const;

const STEPS: Record<string, (nc: NatsConnection) => Promise<void>> = {
  async "LOCKED names the owner while that is heard of"(nc) {
    const first = await openSum(nc, "a", { ...OF_THREE, holder: "n\u00e9o" });
    const error = await errorOf(openSum(nc, "a", OF_THREE));
    assertEquals(error.code, "LOCKED");
    assert(error.message.includes("n\u00e9o"), error.message);
    await first.apply(1);
    await first.close();
    await using second = await openSum(nc, "a", OF_THREE);
    assertEquals(second.state.total, 1);
  },

  async "who waits gets it when the owner closes it"(nc) {
    const first = await openSum(nc, "b", { ...OF_THREE, leaseMs: 60_000 });
    await first.apply(1);
    const waiting = openSum(nc, "b", { ...OF_THREE, whenHeld: "wait" });
    await first.close();
    await using second = await waiting;
    assertEquals(second.state.total, 1);
  },

  async "waiting ends with its signal"(nc) {
    await using _first = await openSum(nc, "c", OF_THREE);
    const stop = new AbortController();
    const { signal } = stop;
    const waiting = openSum(nc, "c", {
      ...OF_THREE,
      whenHeld: "wait",
      signal,
    });
    stop.abort(new MiniError("CLOSED", "enough"));
    assertEquals((await errorOf(waiting)).message, "enough");
  },

  async "a busy owner that is deposed has lost nothing that was acknowledged"(
    nc,
  ) {
    for (let round = 0; round < 3; round++) {
      const name = `d${round}`;
      const old = await openSum(nc, name, OF_THREE);
      let acknowledged = 0;
      const codes = new Set<string>();
      const writers = Array.from({ length: 16 }, async () => {
        try {
          for (;;) {
            await old.apply(1);
            acknowledged++;
          }
        } catch (error) {
          codes.add((error as MiniError).code);
        }
      });
      while (acknowledged < 50) await old.changed;
      const taken = await jetStream<Sum>(nc, name, {
        ...OF_THREE,
        whenHeld: "depose",
      });
      const next = await StateManager.open({ ...taken, ...SUM });
      await Promise.all(writers);
      assertEquals([...codes], ["DEPOSED"]);
      assertEquals(old.failure?.code, "DEPOSED");
      assertThrows(() => old.state, MiniError);
      assertEquals(next.state.count, acknowledged);
      assertEquals(await next.apply(1), acknowledged + 1);
      await old.close();
      await next.close();
    }
  },

  async "two that depose each other again and again lose nothing"(nc) {
    let acknowledged = 0;
    let epoch = 0;
    for (let turn = 0; turn < 8; turn++) {
      const taken = await jetStream<Sum>(nc, "e", {
        ...OF_THREE,
        whenHeld: "depose",
      });
      assert(taken.epoch > epoch, "the epoch grows");
      epoch = taken.epoch;
      const owner = await StateManager.open({ ...taken, ...SUM });
      assertEquals(owner.state.count, acknowledged);
      for (let count = 0; count < 5; count++, acknowledged++) {
        await owner.apply(1);
      }
      // It is not closed before it is deposed.
      if (turn % 2 === 0) await owner.close();
      else taken.lost.then(() => owner.close());
    }
    await using last = await openSum(nc, "e", {
      ...OF_THREE,
      whenHeld: "depose",
    });
    assertEquals(last.state.count, acknowledged);
  },
};

if (server !== undefined) {
  Deno.test("a log on JetStream has one owner: another is LOCKED, waits, or deposes it, and nothing acknowledged is lost", async (t) => {
    await using cluster = await NatsCluster.start(server);
    const nc = await cluster.connect();
    for (const [name, run] of Object.entries(STEPS)) {
      await t.step(name, () => run(nc));
    }
  });

  Deno.test("a process that was stopped beyond its lease, and wakes up after another wrote, acknowledges nothing and shows nothing", async () => {
    await using cluster = await NatsCluster.start(server);
    const nc = await cluster.connect();
    const child = new Deno.Command(Deno.execPath(), {
      args: denoArgs("jetstream_owner.ts", "zombie", ...cluster.servers),
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TransformStream<string, string>(byLine()))
      [Symbol.asyncIterator]();
    let acknowledged = 0;
    while (acknowledged < 20) acknowledged = Number((await lines.next()).value);
    child.kill("SIGSTOP");
    const next = await openSum(nc, "zombie", { ...OF_THREE, whenHeld: "wait" });
    const { count } = next.state;
    for (let by = 0; by < 3; by++) await next.apply(1);
    child.kill("SIGCONT");
    let last = "";
    for await (const line of { [Symbol.asyncIterator]: () => lines }) {
      if (/^\d+$/.test(line)) acknowledged = Number(line);
      last = line;
    }
    await child.status;
    assertEquals(last, "DEPOSED hidden");
    // One that was on its way may not have been acknowledged.
    assert(count >= acknowledged && count <= acknowledged + 1);
    assertEquals(next.state.count, count + 3);
    await next.close();
    say(
      `${acknowledged} acknowledged before it was stopped, and all are there`,
    );
  });

  Deno.test("an owner that cannot renew its lease fails, and stops showing its state", async () => {
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const nc = await cluster.connect();
    const sum = await openSum(nc, "cut", { ...OF_THREE, replicas: 1 });
    await sum.apply(1);
    const [node] = cluster.nodes;
    node!.stop();
    while (sum.failure === undefined) await sum.changed;
    node!.cont();
    assertEquals(sum.failure.code, "DEPOSED");
    assertThrows(() => sum.state, MiniError);
    assertEquals((await errorOf(sum.apply(1))).code, "DEPOSED");
    await sum.close();
    const open = () => openSum(nc, "cut", { ...OF_THREE, replicas: 1 });
    // The server may take a renewal that was under way for a sign of life.
    await using again = await open().catch((error) => {
      assertEquals(error.code, "LOCKED");
      return open();
    });
    assertEquals(again.state.total, 1);
  });
}

/** Splits text into its lines. */
function byLine(): Transformer<string, string> {
  let rest = "";
  return {
    transform(text, controller) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) controller.enqueue(line);
    },
  };
}
