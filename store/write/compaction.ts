import { runLater } from "../../fs/steps/steps.ts";
import type { ConsumerInfo } from "../consume/info.ts";
import type { FileCompactionReport } from "../log.ts";
import type { SegmentSet } from "./segment_set.ts";

/** Removes the sealed segments that hold no record above `upTo`, nor one that the slowest consumer still needs, oldest first. */
export async function compactUpTo(
  segments: SegmentSet,
  upTo: number,
  hold?: () => Promise<ConsumerInfo | undefined>,
): Promise<FileCompactionReport> {
  const slowest = segments.canCompact(upTo) ? await hold?.() : undefined;
  const report = await runLater(
    segments.compact(
      segments.calls,
      Math.min(upTo, slowest?.position ?? upTo),
    ),
  );
  return slowest !== undefined && segments.canCompact(upTo)
    ? { ...report, heldBy: slowest }
    : report;
}
