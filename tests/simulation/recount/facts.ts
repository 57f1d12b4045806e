import type { MiniQueue, QueueMetrics } from "@mini/state/queue";
import type { StateManager } from "@mini/state/state";
import type { StoreMetrics } from "@mini/state/store";
import type { StateFacts } from "./state_count.ts";

/** The open parts of a process, as they describe themselves. */
export interface Facts {
  readonly log?: { readonly path: string; readonly metrics: StoreMetrics };
  readonly state?: StateFacts & { readonly path: string };
  readonly queue?: {
    readonly path: string;
    readonly name?: string;
    /** Left out where it cannot be read any more. */
    readonly metrics: QueueMetrics | undefined;
  };
}

/** The numbers of a queue, unless it is closed, or has no state any more. */
export function numbersOf(
  queue: Pick<MiniQueue<string>, "metrics">,
): Promise<QueueMetrics | undefined> {
  return queue.metrics().catch(() => undefined);
}

/** A state in a directory, and the queue in it. */
export async function factsOfState<S, M>(
  manager: StateManager<S, M>,
  queue: Pick<MiniQueue<string>, "metrics">,
  name: string,
): Promise<Facts> {
  const { sequence, failure, recovery: { replayed } } = manager;
  const metrics = manager.metrics();
  return {
    state: { path: manager.dir!, metrics, sequence, failure, replayed },
    queue: {
      path: manager.journalPath!,
      name,
      metrics: await numbersOf(queue),
    },
  };
}
