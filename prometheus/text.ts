import type { QueueMetrics } from "../queue/mod.ts";
import type { StateMetrics } from "../state/mod.ts";
import type { Histogram, StoreMetrics } from "../store/mod.ts";
import { FAMILIES, type Family } from "./families.ts";

/** The `content-type` of the text. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The numbers that `metrics()` of something gives. */
export type AnyMetrics = StoreMetrics | StateMetrics | QueueMetrics;

/** Values by the names of what has them. */
type Values = readonly (readonly [name: string, value: unknown])[];

/**
 * Writes metrics for Prometheus, in the text format 0.0.4.
 *
 * Each sample has a label `name` that says whose it is. Durations are in seconds,
 * and counters begin with 0 when something is opened, which Prometheus takes for
 * a restart. docs/OPERATIONS.md lists the names.
 *
 * @param metrics What `metrics()` of each log, state and queue gives, by a name of
 * your choice.
 * @returns The text; empty without metrics.
 * @throws {TypeError} For what are no metrics.
 *
 * @example A route for Prometheus
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { PROMETHEUS_TYPE, toPrometheus } from "@mini/state/prometheus";
 * import { assertEquals } from "@std/assert";
 *
 * await using log = await MiniStore.open<string>(`${await Deno.makeTempDir()}/journal.jsonl`);
 * await log.append("hello");
 * const response = new Response(toPrometheus({ shop: log.metrics() }), {
 *   headers: { "content-type": PROMETHEUS_TYPE },
 * });
 * const lines = (await response.text()).split("\n");
 * assertEquals(lines.includes('mini_state_store_records_total{name="shop"} 1'), true);
 * ```
 */
export function toPrometheus(
  metrics: Readonly<Record<string, AnyMetrics>>,
): string {
  const named = Object.entries(metrics);
  for (const [name, each] of named) {
    const { kind } = Object(each);
    if (Object.hasOwn(FAMILIES, kind)) continue;
    throw new TypeError(
      `toPrometheus() takes what metrics() gives, once it is there; "${name}" has the kind ${
        String(kind)
      }`,
    );
  }
  return Object.entries(FAMILIES).flatMap(([kind, families]) => {
    const ofKind = named.filter(([, metrics]) => metrics.kind === kind);
    return Object.entries(families).flatMap(([key, family]) => {
      const values = ofKind.flatMap(([name, metrics]) => {
        const value: unknown = Reflect.get(metrics, key);
        return value === undefined ? [] : [[name, value] as const];
      });
      return familyLines(`mini_state_${kind}_${family.name}`, family, values);
    });
  }).map((line) => `${line}\n`).join("");
}

/** The lines of a family; none without values. */
function familyLines(
  name: string,
  { help, type, per }: Family,
  values: Values,
): string[] {
  if (values.length === 0) return [];
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...values.flatMap(([whose, value]) => {
      const label = `name="${escaped(whose)}"`;
      return type === "histogram"
        ? histogramLines(name, label, value as Histogram, per)
        : [`${name}{${label}} ${Number(value) / per}`];
    }),
  ];
}

function histogramLines(
  name: string,
  label: string,
  { count, sum, buckets }: Histogram,
  per: number,
): string[] {
  let below = 0;
  const lines = buckets.map(({ upTo, count }) => {
    below += count;
    return `${name}_bucket{${label},le="${upTo / per}"} ${below}`;
  });
  return [
    ...lines,
    `${name}_bucket{${label},le="+Inf"} ${count}`,
    `${name}_sum{${label}} ${sum / per}`,
    `${name}_count{${label}} ${count}`,
  ];
}

/** A label value between quotes. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')
    .replaceAll("\n", "\\n");
}
