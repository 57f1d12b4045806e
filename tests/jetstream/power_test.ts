// The power of servers is cut. Each has an ext4 of its own on a loop device, of which only what the device was given is left.
import { assert, assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { jetStream, type JetStreamOptions } from "@mini/state/jetstream";
import { StateManager } from "@mini/state/state";
import { Random, randomSeed } from "@mini/state/testing";
import { Callers, type NumberedState, written } from "../support/callers.ts";
import { runAndKill } from "../support/kill.ts";
import { NatsCluster, type NatsNode, soon } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { NUMBERED } from "../support/numbered.ts";
import { type Disk, Disks } from "../support/power_disk.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { run, skipped } from "../support/system.ts";

const WHAT = "power cuts of nats-server";
const server = await natsServerFor(WHAT);

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** Servers, the disk of each, and a state that they keep. */
interface Powered {
  readonly cluster: NatsCluster;
  readonly disks: ReadonlyMap<NatsNode, Disk>;
  readonly state: NumberedState;
}

/** The cuts of power, by name. All servers are well before and after. */
const CUTS: Record<
  string,
  (powered: Powered, random: Random) => Promise<void>
> = {
  async "one server"({ cluster, disks }, random) {
    await cut(disks, cluster.nodes[random.below(3)]!);
  },
  async "all servers at once"({ cluster, disks }) {
    await cut(disks, ...cluster.nodes);
  },
  // The two that are left have a majority only if both keep what they have acknowledged.
  async "one server while another is away, and the third is away afterwards"(
    { cluster, disks, state },
    random,
  ) {
    const first = random.below(3);
    const [away, cutOff, third] = [0, 1, 2]
      .map((more) => cluster.nodes[(first + more) % 3]);
    await away!.kill();
    await written(state, 2_000);
    await Promise.all([cut(disks, cutOff!), third!.kill()]);
    await away!.start();
    await written(state);
    await third!.start();
  },
};

/** Kills servers, cuts their power, and starts them with what that has left. */
async function cut(
  disks: Powered["disks"],
  ...nodes: readonly NatsNode[]
): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill()));
  await Promise.all(nodes.map((node) => disks.get(node)!.cut()));
  for (const node of nodes) node.spawn();
}

/** Starts servers on disks of their own, and a state. */
async function withPower(
  { nodes, syncInterval }: { nodes: 1 | 3; syncInterval: string },
  use: (powered: Powered, open: () => Promise<NumberedState>) => Promise<void>,
): Promise<void> {
  await using disks = await Disks.open() as Disks;
  const made: Disk[] = [];
  for (let n = 1; n <= nodes; n++) made.push(await disks.make(`n${n}`));
  await using cluster = await NatsCluster.start(server!, {
    sites: made.map(({ path: storeDir }) => ({
      storeDir,
      enter: disks.namespace.enter,
    })),
    syncInterval,
  });
  const nc = await cluster.connect();
  // A cut of all is longer than it would be with cores for each.
  const options: JetStreamOptions<number[]> = {
    replicas: nodes,
    leaseMs: 120_000,
    doubtMs: 60_000,
    requestTimeoutMs: 1_000,
    // A lease that could not be given back, while a leader is elected, lasts long.
    whenHeld: "depose",
  };
  const open = async () =>
    await StateManager.open({
      ...await jetStream<number[]>(nc, "power", options),
      ...NUMBERED,
    });
  const state = await open();
  const ofNodes = new Map(cluster.nodes.map((node, at) => [node, made[at]!]));
  await use({ cluster, disks: ofNodes, state }, open);
}

if (server !== undefined) {
  const probe = await Disks.open();
  if (typeof probe === "string") skipped(WHAT, probe);
  else {
    await probe[Symbol.asyncDispose]();
    Deno.test("power cuts of servers that always sync lose nothing that was acknowledged, and double nothing", async () => {
      const random = new Random(seed);
      await withPower({ nodes: 3, syncInterval: "always" }, async (
        powered,
        open,
      ) => {
        const { cluster, state } = powered;
        const callers = new Callers();
        const working = callers.work(state);
        await written(state, size(1_000, 10_000));
        const names = Object.keys(CUTS);
        const chosen = size(names.slice(0, 2), Array(6).fill(names).flat());
        for (const name of chosen) {
          const before = callers.count;
          await CUTS[name]!(powered, random);
          await cluster.ready();
          await written(state);
          assertEquals(state.failure, undefined);
          say(`${name}: ${callers.count - before} acknowledged meanwhile`);
        }
        callers.stop();
        assertEquals(await working, []);
        await state.close();
        await using again = await open();
        const { lost, invented } = callers.compare(again.state);
        assertEquals({ lost, invented }, { lost: 0, invented: 0 });
        say(`seed ${seed}: ${callers.count} acknowledged, 0 lost, 0 doubled`);
      });
    });

    Deno.test("a power cut of servers that sync every two minutes loses what was acknowledged, so that these tests can see it", async () => {
      const nodes = size(1, 3);
      await withPower({ nodes, syncInterval: "2m" }, async (powered, open) => {
        const { cluster, disks, state } = powered;
        const callers = new Callers();
        const working = callers.work(state);
        await written(state, 1_000);
        callers.stop();
        assertEquals(await working, []);
        await state.close();
        await cut(disks, ...cluster.nodes);
        await cluster.ready();
        await using again = await open();
        const { lost } = callers.compare(again.state);
        assert(lost > 0, `${callers.count} were acknowledged, none is lost`);
        say(`2m, ${nodes}: ${callers.count} acknowledged, ${lost} lost`);
      });
    });

    Deno.test("disks whose power can be cut are gone with the process that has made them, even if it is killed", async () => {
      const [line] = await runAndKill("power_holder.ts", "", 1);
      const [path, device] = line!.split(" ");
      assert(device!.startsWith("/dev/loop"), line);
      await soon("the loop device is free", async () => {
        const { stdout } = await run("losetup", "--output", "NAME,BACK-FILE");
        return !stdout.includes(path!);
      });
      await Deno.remove(dirname(path!), { recursive: true });
    });
  }
}
