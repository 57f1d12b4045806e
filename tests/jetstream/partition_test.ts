// The leader of a state's stream is cut off: from the other servers, from the clients, from everybody.
import { assertEquals, assertThrows } from "@std/assert";
import {
  jetStream,
  type JetStreamOptions,
  jetStreamReader,
} from "@mini/state/jetstream";
import { MiniError, StateManager, StateView } from "@mini/state/state";
import type { NatsConnection } from "@nats-io/nats-core";
import { Random, randomSeed } from "@mini/state/testing";
import { Callers, type NumberedState, written } from "../support/callers.ts";
import { errorOf } from "../support/journal.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { Network, type Wire } from "../support/network.ts";
import { NUMBERED, type Numbered } from "../support/numbered.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { skipped } from "../support/system.ts";

const WHAT = "partitions of nats-server";
const server = await natsServerFor(WHAT);

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** The wires that are cut, by what that does. */
const PARTITIONS: Record<string, readonly Wire[]> = {
  "from the other servers": ["servers"],
  "from everybody": ["servers", "clients"],
  "from the clients": ["clients"],
};

/** Longer than an election. */
const PATIENT = { leaseMs: 60_000, doubtMs: 60_000, requestTimeoutMs: 1_000 };
/** Soon over for an owner that is not heard of. */
const QUICK = { leaseMs: 4_000, requestTimeoutMs: 1_000 };

/** A lease that could not be given back, while a leader is elected, lasts long. */
const LAST = { ...QUICK, whenHeld: "depose" } as const;

const NOTHING = { lost: 0, invented: 0 };

/** The servers, and which of them is cut off from what. */
interface Place {
  readonly cluster: NatsCluster;
  readonly network: Network;
  readonly at: number;
  readonly wires: readonly Wire[];
}

/** States whose streams the server leads that is cut off. */
interface Opened {
  /** One whose owner can have another server. */
  readonly mobile: NumberedState;
  /** One whose owner has only the server that is cut off. */
  readonly cutOff: NumberedState;
  /** Opens the latter once more, by that server. */
  readonly late: () => Promise<unknown>;
  /** A view on the latter, on the other side. */
  readonly view: StateView<number[], Numbered>;
  /** Opens both again, on the other side. */
  readonly again: () => Promise<[mobile: NumberedState, cutOff: NumberedState]>;
}

async function open(
  nc: NatsConnection,
  name: string,
  options: JetStreamOptions<number[]>,
): Promise<NumberedState> {
  return await StateManager.open({
    ...await jetStream<number[]>(nc, name, options),
    ...NUMBERED,
  });
}

async function opened(
  { cluster, at, wires }: Place,
  name: string,
): Promise<Opened> {
  const { address } = cluster.nodes[at]!;
  const others = cluster.servers.filter((each) => each !== address);
  const alone = await cluster.connect({
    servers: address,
    ignoreClusterUpdates: true,
  });
  const there = await cluster.connect({ servers: others });
  // A connection stays with a server that answers it, though that is cut off itself.
  const moving = wires.includes("clients")
    ? await cluster.connect({
      servers: [address, ...others],
      noRandomize: true,
    })
    : there;
  const [moves, stays] = [`${name}-moves`, `${name}-stays`];
  const mobile = await open(moving, moves, PATIENT);
  const cutOff = await open(alone, stays, QUICK);
  const source = await jetStreamReader<number[]>(there, stays, QUICK);
  const view = await StateView.open(source, NUMBERED);
  for (const each of [moves, stays]) await cluster.lead(`MINI_${each}`, at);
  return {
    mobile,
    cutOff,
    late: () => jetStream(alone, stays, { ...QUICK, doubtMs: 500 }),
    view,
    again: () =>
      Promise.all([open(there, moves, LAST), open(there, stays, LAST)]),
  };
}

/** Cuts a server off while callers work on both states, until they work again; and mends that. */
async function partition(place: Place, name: string): Promise<string> {
  const { cluster, network, at, wires } = place;
  const { mobile, cutOff, late, view, again } = await opened(place, name);
  const [ofMobile, ofCutOff] = [new Callers(), new Callers()];
  const working = ofMobile.work(mobile);
  const refused = ofCutOff.work(cutOff);
  await Promise.all([written(mobile, 500), written(cutOff, 500)]);

  await network.cut(at, wires);
  const continues = written(mobile, 500);
  while (cutOff.failure === undefined) await cutOff.changed;
  assertEquals(cutOff.failure.code, "DEPOSED");
  assertThrows(() => cutOff.state, MiniError);
  assertEquals((await errorOf(late())).code, "UNAVAILABLE");
  const promoted = await view.promote({ waitMs: 60_000 });
  assertEquals(ofCutOff.compare(promoted.state), NOTHING);
  const ofPromoted = new Callers();
  const workingToo = ofPromoted.work(promoted);
  await Promise.all([continues, written(promoted, 500)]);

  await network.mend(at);
  await cluster.ready();
  assertEquals(await refused, ["DEPOSED"]);
  await Promise.all([written(mobile, 500), written(promoted, 500)]);
  for (const each of [ofMobile, ofPromoted]) each.stop();
  assertEquals([await working, await workingToo], [[], []]);
  for (const each of [mobile, cutOff, promoted]) await each.close();
  const [first, second] = await again();
  assertEquals(ofMobile.compare(first.state), NOTHING);
  assertEquals(ofPromoted.compare(second.state), NOTHING);
  assertEquals(ofCutOff.compare(second.state).lost, 0);
  for (const each of [first, second]) await each.close();
  return `${ofMobile.count} acknowledged by an owner that has another server, ` +
    `${ofCutOff.count} by one that has none, ${ofPromoted.count} by its successor`;
}

if (server !== undefined) {
  const probe = await Network.open(1);
  if (typeof probe === "string") skipped(WHAT, probe);
  else {
    await probe[Symbol.asyncDispose]();
    Deno.test("while the leader is cut off nothing that was acknowledged is lost or doubled: an owner that has another server continues, and one that has none is DEPOSED", async () => {
      const random = new Random(seed);
      await using network = await Network.open(3) as Network;
      await using cluster = await NatsCluster.start(server, {
        sites: network.sites,
      });
      const all = Object.keys(PARTITIONS);
      const chosen = size([all[random.below(3)]!], [...all, ...all, ...all]);
      for (const [index, partitioned] of chosen.entries()) {
        const wires = PARTITIONS[partitioned]!;
        const at = random.below(3);
        const name = `p${index}`;
        const place = { cluster, network, at, wires };
        const counts = await partition(place, name);
        say(`seed ${seed}: cut off ${partitioned}: ${counts}`);
      }
    });
  }
}
