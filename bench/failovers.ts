/** How long a state in JetStream acknowledges nothing when a process or a server is gone. */
import { jetStreamReader } from "@mini/state/jetstream";
import { StateView } from "@mini/state/state";
import { openSum, SUM, type Sum } from "../tests/support/jetstream.ts";
import type { NatsCluster } from "../tests/support/nats_cluster.ts";
import { denoArgs } from "../tests/support/system.ts";
import type { Failover } from "./results.ts";
import { say } from "./report.ts";

/** The lease of the owner that is killed, as `tests/support/jetstream_owner.ts` has it. */
const LEASE_MS = 1_000;

/** Waits until the next write is acknowledged after something happens; in milliseconds. */
type Measure = (cluster: NatsCluster, name: string) => Promise<number>;

const LEASE = `with a lease of ${LEASE_MS / 1_000} s`;

const MEASURES: Readonly<Record<string, Measure>> = {
  "the owner closes, and another opens": closeOwner,
  [`the owner is killed, ${LEASE}, and a view is promoted`]: (cluster, name) =>
    loseOwner(cluster, name, "SIGKILL"),
  [`the owner hangs, ${LEASE}, and a view is promoted`]: (cluster, name) =>
    loseOwner(cluster, name, "SIGSTOP"),
  "the server that leads the stream is killed": (cluster, name) =>
    loseServer(cluster, name, { isLeader: true, hangs: false }),
  "the server that leads the stream hangs": (cluster, name) =>
    loseServer(cluster, name, { isLeader: true, hangs: true }),
  "another server is killed": (cluster, name) =>
    loseServer(cluster, name, { isLeader: false, hangs: false }),
};

/** Measures each of them. */
export async function failovers(
  cluster: NatsCluster,
  rounds: number,
): Promise<Failover[]> {
  const all: Failover[] = [];
  for (const [index, [what, measure]] of Object.entries(MEASURES).entries()) {
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const ms = await measure(cluster, `f${index}-${round}`);
      seconds.push(Math.round(ms) / 1_000);
      await cluster.ready();
    }
    seconds.sort((a, b) => a - b);
    say(`  ${what}: ${seconds.join(", ")} s`);
    all.push({ what, seconds });
  }
  return all;
}

async function closeOwner(cluster: NatsCluster, name: string): Promise<number> {
  const [nc, other] = [await cluster.connect(), await cluster.connect()];
  const owner = await openSum(nc, name, {});
  await owner.apply(1);
  const start = performance.now();
  await owner.close();
  const next = await openSum(other, name, {});
  await next.apply(1);
  const ms = performance.now() - start;
  await next.close();
  await Promise.all([nc.close(), other.close()]);
  return ms;
}

async function loseOwner(
  cluster: NatsCluster,
  name: string,
  signal: Deno.Signal,
): Promise<number> {
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
  owner.kill(signal);
  const promoted = await view.promote({ waitMs: 60_000 });
  await promoted.apply(1);
  const ms = performance.now() - start;
  if (signal !== "SIGKILL") owner.kill("SIGKILL");
  await told.cancel();
  await owner.status;
  await promoted.close();
  await nc.close();
  return ms;
}

async function loseServer(
  cluster: NatsCluster,
  name: string,
  { isLeader, hangs }: { isLeader: boolean; hangs: boolean },
): Promise<number> {
  const nc = await cluster.connect();
  const state = await openSum(nc, name, {});
  await state.apply(1);
  const leader = await cluster.leaderOf(`MINI_${name}`);
  const address = nc.getServer();
  const node = isLeader
    ? leader
    : cluster.nodes.find((each) =>
      each !== leader && each.address !== address
    )!;
  const start = performance.now();
  if (hangs) node.stop();
  else await node.kill();
  await state.apply(1);
  const ms = performance.now() - start;
  if (hangs) node.cont();
  else await node.start();
  await state.close();
  await nc.close();
  return ms;
}
