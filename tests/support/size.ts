import { randomSeed } from "@mini/state/testing";

/** How much a test does, or how thoroughly: little on every change, much in the nightly run. */
export function size<T>(perChange: T, nightly: T): T {
  return Deno.env.get("NIGHTLY") === undefined ? perChange : nightly;
}

/** Which states of which failing calls a sweep looks at: a few of them, others each time, or all. */
export function sampledCalls(
  callOneIn: number,
  oneIn: number,
): { callOneIn: number; stateOneIn: number; seed: number } {
  return { callOneIn: size(callOneIn, 1), ...sampled(oneIn) };
}

/** Which states an exploration looks at: a few of them, others each time, or all. */
export function sampled(oneIn: number): { stateOneIn: number; seed: number } {
  const seed = Number(Deno.env.get("SEED") ?? randomSeed());
  return { stateOneIn: size(oneIn, 1), seed };
}
