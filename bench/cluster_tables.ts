/** The tables of docs/CLUSTER.md, made from what `deno task bench:jetstream` has measured. */
import {
  type ClusterResults,
  count,
  digits,
  type Nodes,
  type Written,
} from "./results.ts";
import { table, type Tables } from "./tables.ts";

/** The tables that the results have. */
export function clusterTables(results: ClusterResults): Tables {
  const { machine, server, rounds, written, opened, failovers } = results;
  return {
    servers: table(
      ["nats-server", "sync_interval", "for servers and clients", "rounds"],
      [[server, "always", machine, count(rounds)]],
    ),
    clusterAppends: appends(written),
    clusterOpening: table(
      ["", "records", "ms", "ms of CPU time of the client"],
      opened.map(({ nodes, who, records, ms, cpuMs }) => [
        `${who}, ${servers(nodes)}`,
        count(records),
        count(ms),
        count(cpuMs),
      ]),
    ),
    failovers: table(
      ["what happens", "writes are acknowledged again after, in s"],
      failovers.map(({ what, seconds }) => [what, spread(seconds)]),
    ),
  };
}

function appends(written: readonly Written[]): string {
  const callers = [...new Set(written.map(({ callers }) => callers))];
  const keys = [
    ...new Set(written.map(({ nodes, who }) => `${who}, ${servers(nodes)}`)),
  ];
  const rows = keys.map((key) => [
    key,
    ...callers.map((number) => {
      const { rate, ratio, cpuUs } = written.find((each) =>
        each.callers === number && `${each.who}, ${servers(each.nodes)}` === key
      )!;
      return `${ratio.toFixed(2)} (${count(rate)}, ${digits(cpuUs)} µs)`;
    }),
  ]);
  const head = callers.map((number) =>
    number === 1 ? "1 caller" : `${count(number)} callers`
  );
  return table(["", ...head], rows);
}

function servers(nodes: Nodes): string {
  return nodes === 1 ? "one server" : "three servers";
}

/** The middle of some numbers in order, and how far they reach. */
function spread(seconds: readonly number[]): string {
  const [first, middle, last] = [0, seconds.length >> 1, seconds.length - 1]
    .map((at) => digits(seconds[at]!));
  return first === last ? first! : `${middle} (${first} to ${last})`;
}
