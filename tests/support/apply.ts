import type { StateManager } from "@mini/state/state";
import type { MiniError } from "@mini/state/store";
import type { WorkloadLog } from "@mini/state/testing";

/** Applies items as one record of a workload, which a full disk may refuse. */
export async function apply(
  manager: StateManager<string[], string>,
  log: WorkloadLog<string>,
  ...items: string[]
): Promise<void> {
  const unit = log.issue(...items);
  try {
    await (items.length === 1
      ? manager.apply(items[0]!)
      : manager.applyBatch(items));
    log.ack(unit);
  } catch (error) {
    if ((error as MiniError).code !== "NO_SPACE") throw error;
    log.refuse(unit);
  }
}
