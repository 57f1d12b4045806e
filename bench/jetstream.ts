/**
 * Measures a state in JetStream, on one server and on three, beside the least that
 * JetStream can do, a `publish` of each record, and beside a state in a directory,
 * all in the same run: `deno task bench:jetstream`, with `--quick` in a minute. The
 * servers sync always, and run on this machine.
 */
import { parseArgs } from "node:util";
import { join } from "@std/path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { jetStream } from "@mini/state/jetstream";
import { StateManager } from "@mini/state/state";
import { NatsCluster } from "../tests/support/nats_cluster.ts";
import { type NatsServer, natsServer } from "../tests/support/nats_server.ts";
import { failovers } from "./failovers.ts";
import { type Item, record, records } from "./record.ts";
import { machine, say } from "./report.ts";
import { type Cost, Meter } from "./task.ts";

const { values: { quick: isQuick } } = parseArgs({
  options: { quick: { type: "boolean", default: false } },
});
const ROUNDS = isQuick ? 1 : 5;
const SECONDS = isQuick ? 0.3 : 2;
const CALLERS = [1, 64, 1_024];
const RECORDS = isQuick ? 10_000 : 100_000;

const COMPONENTS = {
  initial: (): Record<string, unknown> => ({}),
  apply: (state: Record<string, unknown>, { key, value }: Item): void => {
    state[key] = value;
  },
};

/** Servers, a connection to them, and a directory. */
interface Place {
  readonly nc: NatsConnection;
  readonly replicas: 1 | 3;
  readonly dir: string;
}

/** Something that is written to, one record a call. */
interface Target {
  write(item: Item): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Opens a state of a name. */
type Open = (
  place: Place,
  name: string,
) => Promise<StateManager<Record<string, unknown>, Item>>;

const STATES: Readonly<Record<string, Open>> = {
  "in a directory": ({ dir }, name) =>
    StateManager.open(join(dir, name), COMPONENTS),
  "in JetStream": async ({ nc, replicas }, name) =>
    await StateManager.open({
      ...await jetStream<Record<string, unknown>>(nc, name, { replicas }),
      ...COMPONENTS,
    }),
};

const FLOOR = "js.publish";

async function opened(
  who: string,
  place: Place,
  name: string,
): Promise<Target> {
  if (who !== FLOOR) {
    const state = await STATES[who]!(place, name);
    return {
      write: (item) => state.apply(item),
      close: () => state.close(),
    };
  }
  const { nc, replicas } = place;
  const manager = await jetstreamManager(nc);
  const config = { name, subjects: [name], "num_replicas": replicas };
  await manager.streams.add({ ...config, discard: "new" });
  const js = jetstream(nc);
  return {
    write: (item) => js.publish(name, JSON.stringify(item)),
    close: () => manager.streams.delete(name),
  };
}

/** Writes by a number of callers, each one record after another. */
async function written(target: Target, callers: number): Promise<Cost> {
  const run = async (seconds: number): Promise<Cost> => {
    const meter = new Meter();
    let count = 0;
    await Promise.all(Array.from({ length: callers }, async () => {
      while (meter.ms < seconds * 1_000) await target.write(record(++count));
    }));
    return meter.cost(count);
  };
  await run(SECONDS / 4);
  return await run(SECONDS);
}

async function writing(place: Place): Promise<void> {
  const all = [FLOOR, ...Object.keys(STATES)];
  say("\n| callers | written | a second | to js.publish | µs of our CPU |");
  say("| --- | --- | --- | --- | --- |");
  for (const callers of CALLERS) {
    const costs = new Map<string, Cost[]>(all.map((who) => [who, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const who of all) {
        const name = `w${callers}-${round}-${all.indexOf(who)}`;
        const target = await opened(who, place, name);
        costs.get(who)!.push(await written(target, callers));
        await target.close();
      }
    }
    const rates = (who: string) => costs.get(who)!.map(({ rate }) => rate);
    for (const who of all) {
      const ratios = rates(who).map((rate, at) => rate / rates(FLOOR)[at]!);
      const cpu = median(costs.get(who)!.map(({ cpuUs }) => cpuUs));
      const rate = Math.round(median(rates(who))).toLocaleString("en");
      say(
        `| ${callers} | ${who} | ${rate} | ${median(ratios).toFixed(2)} | ${
          cpu.toFixed(0)
        } |`,
      );
    }
  }
}

/** Opens states that have records and no snapshot. */
async function opening(place: Place): Promise<void> {
  const costs = new Map<string, { ms: number; cpuMs: number }[]>();
  for (const [who, open] of Object.entries(STATES)) {
    const state = await open(place, "opened");
    for (let at = 0; at < RECORDS; at += 1_000) {
      await Promise.all(records(at, 1_000).map((item) => state.apply(item)));
    }
    await state.close();
    costs.set(who, []);
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [who, open] of Object.entries(STATES)) {
      const meter = new Meter();
      const state = await open(place, "opened");
      const { ms } = meter;
      costs.get(who)!.push({ ms, cpuMs: meter.cost(1).cpuUs / 1_000 });
      if (state.sequence !== RECORDS) throw new Error(`${state.sequence}`);
      await state.close();
    }
  }
  say(
    `\n| opening ${
      RECORDS.toLocaleString("en")
    } records | ms | ms of our CPU |`,
  );
  say("| --- | --- | --- |");
  for (const [who, found] of costs) {
    const ms = median(found.map(({ ms }) => ms)).toFixed(0);
    const cpuMs = median(found.map(({ cpuMs }) => cpuMs)).toFixed(0);
    say(`| ${who} | ${ms} | ${cpuMs} |`);
  }
}

async function measure(server: NatsServer, nodes: 1 | 3): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "mini-state-bench-" });
  try {
    await using cluster = await NatsCluster.start(server, { nodes });
    const place = { nc: await cluster.connect(), replicas: nodes, dir };
    say(`\n${nodes === 1 ? "one server" : "three servers"}`);
    await writing(place);
    await opening(place);
    if (nodes === 3) await failovers(cluster, ROUNDS);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The middle of some numbers. */
function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

const server = await natsServer();
if ("why" in server) say(`SKIPPED: ${server.why}`);
else {
  say(
    `${machine()}; nats-server ${server.version}, sync_interval: always; median of ${ROUNDS} rounds`,
  );
  for (const nodes of [1, 3] as const) await measure(server, nodes);
}
