/** The tables of docs/PERFORMANCE.md, made from a file of results. */
import type { Goal } from "./goals.ts";
import type { Curve } from "./growth.ts";
import {
  type ClusterResults,
  type Comparison,
  count,
  digits,
  type Findings,
  type Found,
  SHARES,
  type Size,
  timesAt,
} from "./results.ts";
import type { Result } from "./task.ts";

/** The content of `bench/results.json`, which `deno task bench` writes. */
export interface Results {
  readonly machine: string;
  readonly findings: readonly Findings[];
  readonly goals: readonly Goal[];
  /** Only after a run with `--growth`. */
  readonly growth?: readonly Curve[];
  /** The sizes that `deno task sizes` has measured. */
  readonly sizes?: readonly Size[];
  /** The results of `deno task bench:against`, and those with `--observed`. */
  readonly against?: Compared;
  readonly observed?: Compared;
  readonly jetstream?: ClusterResults;
}

/** Another commit, compared with today's source. */
export interface Compared {
  readonly machine: string;
  readonly commit: string;
  readonly comparisons: readonly Comparison[];
}

/** Each table by the name of its place in the page; `undefined` if it was not measured. */
export type Tables = Readonly<Record<string, string | undefined>>;

/** The tables that the results have. */
export function tables(results: Results): Tables {
  const { findings, goals, growth, sizes } = results;
  return {
    machine: results.machine,
    appends: ratios(findings, APPENDS),
    opening: ratios(findings, OPENING),
    queue: ratios(findings, QUEUE),
    appendsCost: costs(findings, APPENDS),
    queueCost: costs(findings, QUEUE_COST),
    appendsLoad: loadTable(findings, "load-append"),
    queueLoad: loadTable(findings, "load-queue"),
    growth: growth && growthTable(growth),
    channels: channelsTable(results),
    sizes: sizes && sizesTable(sizes),
    missed: goalsTable(goals.filter(({ isMet }) => !isMet)),
    met: goalsTable(goals.filter(({ isMet }) => isMet)),
  };
}

function goalsTable(goals: readonly Goal[]): string {
  const rows = goals.map(({ what, aim, reached }) => [what, aim, reached]);
  return table(["", "aim", "reached"], rows);
}

const PLACE = /(<!-- bench (\w+) -->\n)[\s\S]*?(<!-- \/bench -->)/g;

/** Puts the tables into a page, each between `<!-- bench NAME -->` and `<!-- /bench -->`. */
export function fill(page: string, made: Tables): string {
  return page.replace(PLACE, (old, start, name, end) => {
    if (!(name in made)) throw new Error(`no table ${name}`);
    return made[name] === undefined ? old : `${start}\n${made[name]}\n\n${end}`;
  });
}

type Columns = Readonly<Record<string, string>>;

const APPENDS: Columns = {
  "append-1": "1 caller",
  "append-8": "8 callers",
  "append-64": "64 callers",
  "append-1024": "1,024 callers",
  "batch": "batches of 100",
};
const OPENING: Columns = {
  "read": "records of 100,000 keys",
  "open": "100,000 keys",
};
const QUEUE: Columns = {
  "enqueue-1": "enqueue, 1 caller",
  "enqueue-64": "64 callers",
  "drain-1": "receive and acknowledge, 1",
  "drain-64": "64",
  "latency": "ms from enqueue to consumer, p50 and p99",
};

const { latency: _, ...QUEUE_COST } = QUEUE;

/** A row for each who was measured: ratio to the floor, and how many a second. */
function ratios(findings: readonly Findings[], columns: Columns): string {
  return rows(findings, columns, ({ ratio, median }, id) => {
    const { p50, p99, rate } = median;
    if (id === "latency") return `${digits(p50!)}, ${digits(p99!)}`;
    return `${ratio.toFixed(2)} (${count(rate!)})`;
  }, ({ rate }, id) => id === "latency" ? "" : count(rate!));
}

/** A row for each who was measured: the CPU time and the fsyncs of each operation. */
function costs(findings: readonly Findings[], columns: Columns): string {
  const cell = ({ cpuUs, syncs }: Result) =>
    [
      ...cpuUs === undefined ? [] : [`${digits(cpuUs)} µs`],
      ...syncs === undefined ? [] : [digits(syncs)],
    ].join(", ");
  return rows(findings, columns, ({ median }) => cell(median), cell);
}

/** A row for each who was measured: how long something takes when load comes at a rate. */
function loadTable(
  findings: readonly Findings[],
  id: string,
): string | undefined {
  const found = findings.find((each) => each.id === id)?.found;
  return found && table(
    ["", "capacity a second", ...SHARES.map((share) => `at ${share} % of it`)],
    found.map(({ name, isDurable, median }) => [
      label(name, !isDurable),
      count(median.rate!),
      ...SHARES.map((share) => timesAt(share, median)!),
    ]),
  );
}

/** A row for the floor and for each who was measured, a column for each measure. */
function rows(
  findings: readonly Findings[],
  columns: Columns,
  cell: (found: Found, id: string) => string,
  ofFloor: (floor: Result, id: string) => string,
): string {
  const measured = Object.keys(columns).flatMap((id) =>
    findings.filter((found) => found.id === id)
  );
  const names = new Set(
    measured.flatMap(({ found }) => found.map(({ name }) => name)),
  );
  const rows = [...names].map((name) => {
    const all = measured.map(({ id, found }) => {
      const it = found.find((each) => each.name === name);
      return { id, it };
    });
    const isUnsynced = all.some(({ it }) => it?.isDurable === false);
    return [
      label(name, isUnsynced),
      ...all.map(({ id, it }) => it === undefined ? "" : cell(it, id)),
    ];
  });
  const floors = measured.map(({ id, floor }) => ofFloor(floor, id));
  const head = ["", ...measured.map(({ id }) => columns[id]!)];
  return table(head, [["floor", ...floors], ...rows]);
}

function label(name: string, isUnsynced: boolean): string {
  const label = isUnsynced ? `${name} (never synced)` : name;
  return name.startsWith("ours") ? `**${label}**` : label;
}

function growthTable(curves: readonly Curve[]): string {
  const sizes = [
    ...new Set(
      curves.flatMap(({ points }) => points.map(({ size }) => size)),
    ),
  ].sort((a, b) => a - b);
  const rows = curves.map(({ what, unit, of, points }) => [
    `${what}, by ${of}`,
    ...sizes.map((size) => {
      const point = points.find((each) => each.size === size);
      return point === undefined ? "" : `${digits(point.cost)} ${unit}`;
    }),
  ]);
  return table(["", ...sizes.map(count)], rows);
}

/** A row for each work that was compared, with and without a subscriber. */
function channelsTable({ against, observed }: Results): string | undefined {
  if (against === undefined || observed === undefined) return undefined;
  const cell = ({ median, quartiles: [first, last] }: Comparison) =>
    `${median.toFixed(2)} (${first.toFixed(2)} to ${last.toFixed(2)})`;
  const { comparisons } = against;
  const rows = comparisons.map((each) => {
    const { what, who } = each;
    const isSame = (one: Comparison) => one.what === what && one.who === who;
    const other = observed.comparisons.find(isSame);
    const isAlone = comparisons.every((one) =>
      one === each || one.what !== what
    );
    const name = isAlone ? what : `${what}: ${who}`;
    return [name, cell(each), other === undefined ? "" : cell(other)];
  });
  return table(["", "nobody subscribed", "a subscriber to everything"], rows);
}

function sizesTable(sizes: readonly Size[]): string {
  const kB = (bytes: number) => `${digits(bytes / 1000)} kB`;
  const rows = sizes.map(({ entry, imported, minified, gzipped, aim }) => [
    `\`${imported}\` of \`/${entry}\``,
    kB(minified),
    kB(gzipped),
    `≤ ${kB(aim)}`,
  ]);
  return table(["", "minified", "gzipped too", "aim"], rows);
}

/** A table as `deno fmt` would write it. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]!.length))
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
