import { join } from "@std/path";
import { load } from "./contender.ts";
import type { Curve } from "./growth.ts";
import type { Findings } from "./results.ts";

/** Draws what was found into SVG files. */
export async function writeCharts(
  dir: string,
  findings: readonly Findings[],
  growth: readonly Curve[],
): Promise<void> {
  const of = (...starts: string[]) =>
    findings.filter(({ id }) => starts.some((start) => id.startsWith(start)));
  const charts: [string, object][] = [
    ["log.svg", bars(of("append", "batch"), "durable records a second")],
    ["opening.svg", bars(of("read", "open"), "records a second")],
    ["queue.svg", bars(of("enqueue", "drain"), "durable messages a second")],
  ];
  if (growth.length > 0) charts.push(["growth.svg", curves(growth)]);
  for (const [name, spec] of charts) {
    await Deno.writeTextFile(join(dir, name), `${await svgOf(spec)}\n`);
  }
}

async function svgOf(spec: object): Promise<string> {
  const vega = await load("npm:vega@6.2.0");
  const lite = await load("npm:vega-lite@6.4.1");
  const runtime = vega.parse(lite.compile(spec).spec);
  return await new vega.View(runtime, { renderer: "none" }).toSVG();
}

const OURS = "#0b6e4f";
const PEER = "#b8bfc6";
const UNSYNCED = "#e6d8a8";
const FLOOR = "#6b7680";
const CONFIG = {
  background: "#ffffff",
  font: "sans-serif",
  axis: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: "normal" },
  header: { labelFontSize: 12, labelFontWeight: "bold" },
  view: { stroke: "transparent" },
};

/** A group of bars for each measure, on a scale of powers of ten. */
function bars(findings: readonly Findings[], title: string): object {
  const values = findings.flatMap(({ what, floor, found }) => [
    { what, name: "floor", kind: "floor", rate: floor.rate },
    ...found.map(({ name, isDurable, median }) => ({
      what,
      name,
      kind: name.startsWith("ours")
        ? "ours"
        : isDurable
        ? "durable peer"
        : "peer that never syncs",
      rate: median.rate,
    })),
  ]);
  const x = {
    field: "rate",
    type: "quantitative",
    scale: { type: "log", domainMin: 100 },
    axis: { title, format: "~s", values: [1e3, 1e4, 1e5, 1e6] },
  };
  const y = {
    field: "name",
    type: "nominal",
    sort: { field: "rate", order: "descending" },
    title: null,
  };
  const kinds = ["ours", "durable peer", "peer that never syncs", "floor"];
  const color = {
    field: "kind",
    scale: { domain: kinds, range: [OURS, PEER, UNSYNCED, FLOOR] },
    legend: { title: null, orient: "top", labelLimit: 200 },
  };
  return {
    data: { values },
    facet: {
      field: "what",
      type: "nominal",
      title: null,
      sort: findings.map(({ what }) => what),
    },
    columns: 2,
    resolve: { scale: { y: "independent" } },
    spec: {
      width: 300,
      height: { step: 16 },
      layer: [
        { mark: "bar", encoding: { x, y, color, x2: { datum: 100 } } },
        {
          mark: { type: "text", align: "left", dx: 4, fontSize: 10 },
          encoding: { x, y, text: { field: "rate", format: ".3~s" } },
        },
      ],
    },
    config: CONFIG,
  };
}

/** A small chart for each curve, both axes in powers of ten. */
function curves(growth: readonly Curve[]): object {
  const values = growth.flatMap(({ what, unit, of, points }) =>
    points.map((point) => ({ ...point, what: [what, `${unit} by ${of}`] }))
  );
  const scale = { type: "log" };
  return {
    data: { values },
    facet: { field: "what", type: "nominal", title: null, sort: null },
    columns: 3,
    resolve: { scale: { x: "independent", y: "independent" } },
    spec: {
      width: 220,
      height: 120,
      mark: { type: "line", point: { filled: true, size: 40 }, color: OURS },
      encoding: {
        x: {
          field: "size",
          type: "quantitative",
          scale,
          axis: { title: null, format: "~s", tickCount: 5 },
        },
        y: {
          field: "cost",
          type: "quantitative",
          scale: { ...scale, nice: true },
          axis: { title: null, format: "~g", tickCount: 4 },
        },
      },
    },
    config: CONFIG,
  };
}
