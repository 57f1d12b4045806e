import { StateManager } from "@mini/state/state";
import { type Item, record, records } from "./record.ts";
import { Meter, type Result, type Task } from "./task.ts";
import { Stalls } from "./work.ts";

/** Makes a snapshot of a large state while four callers keep writing. */
export async function snapshot({ dir, count }: Task): Promise<Result> {
  await using manager = await StateManager.open(dir, {
    initial: () => ({} as Record<string, unknown>),
    apply: (state, { key, value }: Item) => {
      state[key] = value;
    },
  });
  const items = records(0, count);
  await Promise.all(items.map((item) => manager.apply(item)));
  let isDone = false;
  let written = 0;
  const writers = Array.from({ length: 4 }, async () => {
    while (!isDone) await manager.apply(record(written++));
  });
  const stalls = new Stalls();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const meter = new Meter();
  await manager.createSnapshot();
  const { ms } = meter;
  const cost = meter.cost(1);
  isDone = true;
  const stallMs = stalls.end();
  await Promise.all(writers);
  return { ...cost, ms, stallMs, writtenMeanwhile: written };
}
