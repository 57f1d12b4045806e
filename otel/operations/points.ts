import type { ToldQueue } from "../../queue/mod.ts";
import type { MetricName } from "../registry.ts";
import type { PointOperation } from "../operation.ts";
import { ofLog } from "./database.ts";
import { ofQueue } from "./messaging.ts";

/** A channel about a log or a state. */
function onLog(
  name: string,
  metric: MetricName,
  isOfCurrent = true,
): PointOperation<{ readonly path?: string }> {
  const attributes = ({ path }: { path?: string }) => ofLog(path);
  return { channel: `mini-state:${name}`, metric, attributes, isOfCurrent };
}

/** A channel about a queue. */
function onQueue(name: string, metric: MetricName): PointOperation<ToldQueue> {
  return {
    channel: `mini-state:${name}`,
    metric,
    attributes: ofQueue,
    isOfCurrent: true,
  };
}

/** Every channel on which something is told that happens at once. */
export const POINTS: readonly PointOperation<never>[] = [
  onLog("poisoned", "mini_state.poisoned"),
  onLog("no-space", "mini_state.no_space"),
  onLog("torn", "mini_state.torn"),
  onLog("slow", "mini_state.slow"),
  // Told where several records are applied: the span of the right one has the error.
  onLog("aborted", "mini_state.aborted", false),
  onLog("deposed", "mini_state.deposed"),
  onQueue("dead-letter", "mini_state.dead_letters"),
  onQueue("lease-expired", "mini_state.expired_leases"),
];
