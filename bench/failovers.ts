/** How long a state in JetStream acknowledges nothing when a process or a server is killed. */
import { jetStream, jetStreamReader } from "@mini/state/jetstream";
import { StateManager, StateView } from "@mini/state/state";
import { SUM, type Sum } from "../tests/support/jetstream.ts";
import type { NatsCluster } from "../tests/support/nats_cluster.ts";
import { denoArgs } from "../tests/support/system.ts";
import { say } from "./report.ts";

/** The lease of the owner that is killed, as `tests/support/jetstream_owner.ts` has it. */
const LEASE_MS = 1_000;

/** Waits until the next write is acknowledged after something was killed; in milliseconds. */
type Failover = (cluster: NatsCluster, name: string) => Promise<number>;

const FAILOVERS: Readonly<Record<string, Failover>> = {
  [`the owner, with a lease of ${LEASE_MS} ms; a view is promoted`]: killOwner,
  "the server that leads the stream": (cluster, name) =>
    killServer(cluster, name, true),
  "another server": (cluster, name) => killServer(cluster, name, false),
};

/** Measures each of them, and prints a table. */
export async function failovers(
  cluster: NatsCluster,
  rounds: number,
): Promise<void> {
  say("\n| killed | a write is acknowledged after, in s |");
  say("| --- | --- |");
  for (const [index, [what, measure]] of Object.entries(FAILOVERS).entries()) {
    const found: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const ms = await measure(cluster, `f${index}-${round}`);
      found.push(Math.round(ms / 10) / 100);
      await cluster.ready();
    }
    found.sort((a, b) => a - b);
    say(`| ${what} | ${found.join(", ")} |`);
  }
}

async function killOwner(cluster: NatsCluster, name: string): Promise<number> {
  const owner = new Deno.Command(Deno.execPath(), {
    args: denoArgs("jetstream_owner.ts", name, ...cluster.servers),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const told = owner.stdout.getReader();
  await told.read();
  const nc = await cluster.connect();
  const options = { leaseMs: LEASE_MS, requestTimeoutMs: 1_000 };
  const source = await jetStreamReader<Sum>(nc, name, options);
  const view = await StateView.open(source, SUM);
  await view.until(10);
  const start = performance.now();
  owner.kill("SIGKILL");
  const promoted = await view.promote({ waitMs: 60_000 });
  await promoted.apply(1);
  const ms = performance.now() - start;
  await told.cancel();
  await owner.status;
  await promoted.close();
  await nc.close();
  return ms;
}

async function killServer(
  cluster: NatsCluster,
  name: string,
  isLeader: boolean,
): Promise<number> {
  const nc = await cluster.connect();
  const state = await StateManager.open({
    ...await jetStream<Sum>(nc, name),
    ...SUM,
  });
  await state.apply(1);
  const leader = await cluster.leaderOf(`MINI_${name}`);
  const address = nc.getServer();
  const node = isLeader
    ? leader
    : cluster.nodes.find((each) =>
      each !== leader && each.address !== address
    )!;
  const start = performance.now();
  await node.kill();
  await state.apply(1);
  const ms = performance.now() - start;
  await node.start();
  await state.close();
  await nc.close();
  return ms;
}
