import { guard } from "./attempt.ts";
import type { MemoryFileSystem } from "@mini/state/testing";
import { filesOf, type FuzzRequest, type Input } from "./input.ts";
import { mending, recovery, states } from "./logs.ts";
import { ledgers, routes } from "./queues.ts";

export type TargetName =
  | "recovery"
  | "mending"
  | "states"
  | "ledgers"
  | "routes";

/** The parts that are fuzzed, each with a folder of its own. */
const TARGETS: Record<
  TargetName,
  (fs: MemoryFileSystem, request: FuzzRequest) => Promise<void>
> = {
  recovery,
  mending,
  states,
  ledgers,
  routes,
};

export const TARGET_NAMES = Object.keys(TARGETS) as readonly TargetName[];

const NO_REQUEST = { method: "GET", path: "", headers: {} };

/** Far longer than any input takes: one that takes that long never ends. */
const HANG_MS = 30_000;

/** Gives an input to a part, and throws if that does anything but answer or refuse. */
export async function judge(name: TargetName, input: Input): Promise<void> {
  const fs = filesOf(input);
  const assertGuarded = guard(fs);
  const hang = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => hang.reject(new Error("it hangs")),
    HANG_MS,
  );
  try {
    const task = TARGETS[name](fs, input.request ?? NO_REQUEST);
    await Promise.race([task, hang.promise]);
  } finally {
    clearTimeout(timer);
  }
  assertGuarded();
}
