import { type MetricInfo, type MetricName, METRICS } from "./registry.ts";
import type { Attributes, Meter } from "./types.ts";

/** Takes in a value of a metric. */
export type Measure = (
  metric: MetricName,
  value: number,
  attributes: Attributes,
) => void;

/** Makes the instruments of every metric. Without a meter, nothing is measured. */
export function instrumentsOf(meter: Meter | undefined): Measure {
  if (meter === undefined) return () => {};
  const takers = new Map(
    Object.entries(METRICS).map((
      [name, info],
    ) => [name, taker(meter, name, info)]),
  );
  return (metric, value, attributes) => takers.get(metric)!(value, attributes);
}

function taker(
  meter: Meter,
  name: string,
  { instrument, unit, description, boundaries }: MetricInfo,
): (value: number, attributes: Attributes) => void {
  if (instrument === "counter") {
    const counter = meter.createCounter(name, { unit, description });
    return (value, attributes) => counter.add(value, attributes);
  }
  const advice = { explicitBucketBoundaries: [...boundaries] };
  const histogram = meter.createHistogram(name, { unit, description, advice });
  return (value, attributes) => histogram.record(value, attributes);
}
