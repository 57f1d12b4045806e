/**
 * OpenTelemetry spans and metrics of logs, states and queues. Imports nothing of
 * OpenTelemetry: a tracer and a meter are given.
 *
 * ```ts
 * import { METRICS, SEMANTIC_CONVENTIONS_VERSION, SPANS } from "@mini/state/otel";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(SPANS.commit.name, "commit {db.namespace}");
 * assertEquals(METRICS["mini_state.sync.duration"].unit, "s");
 * assertEquals(SEMANTIC_CONVENTIONS_VERSION, "1.45.0");
 * ```
 *
 * @module
 */

export { instrument, type InstrumentOptions } from "./instrument.ts";
export {
  type MetricInfo,
  type MetricName,
  METRICS,
  SEMANTIC_CONVENTIONS_VERSION,
  type SpanInfo,
  type SpanName,
  SPANS,
} from "./registry.ts";
export type {
  Attributes,
  AttributeValue,
  Context,
  Counter,
  Histogram,
  Link,
  Meter,
  MetricOptions,
  Span,
  SpanContext,
  SpanOptions,
  Tracer,
  TraceState,
} from "./types.ts";
