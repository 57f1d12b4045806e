import { setImmediate } from "node:timers";
import { Random } from "@mini/state/testing";

/** The pause after which one looks who follows. */
const LOOK_MS = 500;

/**
 * Runs a task with nothing left to chance or to time: what the library asks of
 * the machine beside its file system and its clock follows from the seed.
 * Nothing in memory waits for the event loop, so that the order of all that
 * happens follows from it as well.
 */
export async function steadily<T>(
  seed: number,
  task: () => Promise<T>,
): Promise<T> {
  const random = new Random(seed);
  const replaced = [
    replace(crypto, "getRandomValues", (bytes: Uint8Array) => {
      for (const index of bytes.keys()) bytes[index] = random.below(256);
      return bytes;
    }),
    replace(performance, "now", () => 0),
    replace(Math, "random", () => random.below(2 ** 30) / 2 ** 30),
    // Those who follow are told of each change, and need no look of their own.
    replace(globalThis, "setTimeout", (call: () => void, ms: number) => {
      if (ms < LOOK_MS) setImmediate(call);
    }),
  ];
  try {
    return await task();
  } finally {
    for (const restore of replaced) restore();
  }
}

function replace(owner: object, name: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true });
  return () => {
    Reflect.deleteProperty(owner, name);
    if (own !== undefined) Object.defineProperty(owner, name, own);
  };
}

/** Resolves when everything that can continue has done so. */
export async function quiet(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
