/**
 * The numbers of logs, states and queues, as Prometheus reads them.
 *
 * ```ts
 * import { StateManager } from "@mini/state/state";
 * import { toPrometheus } from "@mini/state/prometheus";
 * import { assertEquals } from "@std/assert";
 *
 * await using sum = await StateManager.open(await Deno.makeTempDir(), {
 *   initial: () => 0,
 *   apply: (state, by: number) => state + by,
 * });
 * await sum.apply(2);
 * const text = toPrometheus({ sum: sum.metrics() });
 * assertEquals(text.includes('mini_state_state_records_total{name="sum"} 1'), true);
 * ```
 *
 * @module
 */

export { type AnyMetrics, PROMETHEUS_TYPE, toPrometheus } from "./text.ts";
