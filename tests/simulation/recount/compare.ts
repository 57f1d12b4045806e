import type { Histogram } from "@mini/state/store";

/** Says which numbers are not the same. */
export function sameNumbers<T extends object>(
  what: string,
  found: T,
  wanted: T,
  wrong: (what: string) => void,
): void {
  for (const name of Object.keys(wanted) as (keyof T)[]) {
    same(`${what}, ${String(name)}`, found[name], wanted[name], wrong);
  }
}

/** Says what is not the same; both are plain JSON. */
export function same(
  what: string,
  found: unknown,
  wanted: unknown,
  wrong: (what: string) => void,
): void {
  const [is, must] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (is !== must) wrong(`${what}: ${is}, not ${must}`);
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** Values counted in the ranges of a histogram. */
export function histogramOf(
  values: readonly number[],
  { buckets }: Histogram,
): Histogram {
  const below = (bound: number) =>
    values.filter((value) => value <= bound).length;
  return {
    count: values.length,
    sum: sum(values),
    max: Math.max(0, ...values),
    buckets: buckets.map(({ upTo }, at) => ({
      upTo,
      count: below(upTo) - (at === 0 ? 0 : below(buckets[at - 1]!.upTo)),
    })),
  };
}
