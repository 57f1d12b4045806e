/**
 * Measures a state in JetStream, on one server and on three, beside the least that
 * JetStream can do, a `publish` of each record, and beside a state in a directory,
 * all in the same run: `deno task bench:jetstream`, in about seven minutes, with
 * `--quick` in one. The servers sync always, and run on this machine.
 *
 * `--write` puts the results into `bench/results.json`, and the tables made from
 * them into docs/CLUSTER.md.
 */
import { parseArgs } from "node:util";
import { join } from "@std/path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { jetStream } from "@mini/state/jetstream";
import { StateManager } from "@mini/state/state";
import { NatsCluster } from "../tests/support/nats_cluster.ts";
import { type NatsServer, natsServer } from "../tests/support/nats_server.ts";
import type {
  ClusterResults,
  Failover,
  Nodes,
  Opened,
  Written,
} from "./results.ts";
import { writeDocuments } from "./documents.ts";
import { failovers } from "./failovers.ts";
import { fillAsOne } from "./one_caller.ts";
import { type Item, record, records } from "./record.ts";
import { machine, say } from "./report.ts";
import { type Cost, Meter } from "./task.ts";

const { values: { quick: isQuick, write: writes } } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const ROUNDS = isQuick ? 1 : 7;
const SECONDS = isQuick ? 0.3 : 1.2;
/** Each takes up to ten seconds, and moves little. */
const FAILOVER_ROUNDS = isQuick ? 1 : 3;
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
  readonly replicas: Nodes;
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

const DIRECTORY = "a state in a directory";
const JETSTREAM = "a state in JetStream";

const STATES: Readonly<Record<string, Open>> = {
  [DIRECTORY]: ({ dir }, name) =>
    StateManager.open(join(dir, name), COMPONENTS),
  [JETSTREAM]: async ({ nc, replicas }, name) =>
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

async function writing(place: Place): Promise<Written[]> {
  const all = [FLOOR, ...Object.keys(STATES)];
  const found: Written[] = [];
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
      const it: Written = {
        nodes: place.replicas,
        callers,
        who,
        rate: median(rates(who)),
        ratio: median(ratios),
        cpuUs: median(costs.get(who)!.map(({ cpuUs }) => cpuUs)),
      };
      found.push(it);
      const { rate, ratio, cpuUs } = it;
      say(
        `  ${callers} callers, ${who}: ${rate.toFixed(0)} a second, ${
          ratio.toFixed(2)
        } of ${FLOOR}, ${cpuUs.toFixed(0)} µs of our CPU time`,
      );
    }
  }
  return found;
}

/** Opens states that have records and no snapshot. */
async function opening(place: Place): Promise<Opened[]> {
  const { nc, replicas } = place;
  const names = new Map<string, [name: string, open: Open]>();
  for (const [who, open] of Object.entries(STATES)) {
    const state = await open(place, "opened");
    for (let at = 0; at < RECORDS; at += 1_000) {
      await Promise.all(records(at, 1_000).map((item) => state.apply(item)));
    }
    await state.close();
    names.set(`${who}, written by 1,000 callers`, ["opened", open]);
  }
  // One server syncs each of these messages, which takes minutes.
  if (replicas === 3) {
    await fillAsOne(nc, "one", RECORDS, { replicas });
    names.set(`${JETSTREAM}, written by one`, ["one", STATES[JETSTREAM]!]);
  }
  const costs = new Map<string, { ms: number; cpuMs: number }[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [who, [name, open]] of names) {
      const meter = new Meter();
      const state = await open(place, name);
      const cost = { ms: meter.ms, cpuMs: meter.cost(1).cpuUs / 1_000 };
      costs.set(who, [...costs.get(who) ?? [], cost]);
      if (state.sequence !== RECORDS) throw new Error(`${state.sequence}`);
      await state.close();
    }
  }
  return [...costs].map(([who, found]) => {
    const ms = median(found.map(({ ms }) => ms));
    const cpuMs = median(found.map(({ cpuMs }) => cpuMs));
    say(
      `  opening ${RECORDS} records, ${who}: ${ms.toFixed(0)} ms, ${
        cpuMs.toFixed(0)
      } ms of our CPU time`,
    );
    return { nodes: replicas, who, records: RECORDS, ms, cpuMs };
  });
}

/** Measures on a number of servers. */
async function measure(
  server: NatsServer,
  nodes: Nodes,
): Promise<Pick<ClusterResults, "written" | "opened" | "failovers">> {
  const dir = await Deno.makeTempDir({ prefix: "mini-state-bench-" });
  try {
    await using cluster = await NatsCluster.start(server, { nodes });
    const place = { nc: await cluster.connect(), replicas: nodes, dir };
    say(`\n${nodes === 1 ? "one server" : "three servers"}`);
    const written = await writing(place);
    const opened = await opening(place);
    const lost: Failover[] = nodes === 3
      ? await failovers(cluster, FAILOVER_ROUNDS)
      : [];
    return { written, opened, failovers: lost };
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
  const [one, three] = [await measure(server, 1), await measure(server, 3)];
  const results: ClusterResults = {
    machine: machine(),
    server: server.version,
    rounds: ROUNDS,
    written: [...one.written, ...three.written],
    opened: [...one.opened, ...three.opened],
    failovers: three.failovers,
  };
  if (writes) await writeDocuments({ jetstream: results });
}
