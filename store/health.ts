import { assertOptions } from "../base/checks.ts";
import {
  closedHealth,
  consumerReasons,
  degraded,
  diskReasons,
  failedReasons,
  type Health,
  HEALTH_CHECKS,
  HEALTH_DEFAULTS,
  healthFor,
  type HealthOptions,
  type HealthReason,
} from "../base/telemetry/health.ts";
import { messageOf } from "../base/reason.ts";
import { grouped } from "../base/text.ts";
import { freeOn } from "../fs/directory.ts";
import { listConsumers } from "./consume/hold.ts";
import type { JournalContext } from "./journal.ts";
import type { Writer } from "./write/writer.ts";

/** Judges a log by what its writer knows, by its disk, and by the files of its consumers. Rejects for wrong options alone. */
export async function logHealth(
  context: JournalContext,
  writer: Writer,
  options: HealthOptions,
): Promise<Health> {
  assertOptions("health()", options, HEALTH_CHECKS);
  const { paths: { active: path, directory }, fs } = context;
  if (writer.isClosed) return closedHealth(`"${path}"`);
  const {
    minFreeBytes = HEALTH_DEFAULTS.minFreeBytes,
    maxLag = HEALTH_DEFAULTS.maxLag,
  } = options;
  const free = minFreeBytes === 0 ? undefined : await freeOn(fs, directory);
  const { failure } = writer;
  return healthFor([
    ...failure ? failedReasons(failure) : writerReasons(path, writer),
    ...diskReasons(path, free, minFreeBytes),
    ...await consumersIn(context, writer, maxLag),
  ]);
}

/** The reasons that a log has which accepts records. */
function writerReasons(path: string, writer: Writer): HealthReason[] {
  const { rotation, meter: { noSpace, slow } } = writer;
  const errors = [
    ["NO_SPACE", "The last append failed, and the next may succeed", noSpace],
    [
      "ROTATION_FAILING",
      "The segment grows beyond its limit",
      rotation.failure,
    ],
    ["KEEP_FAILING", "The log grows beyond keep", rotation.keepFailure],
  ] as const;
  const reasons = errors.flatMap(([code, what, error]) =>
    error === undefined
      ? []
      : [degraded(code, `${what}: ${messageOf(error)}`, error)]
  );
  if (slow === undefined) return reasons;
  const message = `The disk of "${path}" is slow: ${
    slow.isOver ? "the last fsync took" : "a commit has been under way for"
  } ${grouped(Math.round(slow.ms))} ms, and slowMs is ${
    grouped(slow.slowMs)
  }; appends wait as long`;
  return [...reasons, degraded("SLOW_DISK", message)];
}

async function consumersIn(
  context: JournalContext,
  writer: Writer,
  maxLag: number,
): Promise<HealthReason[]> {
  const { active: path } = context.paths;
  try {
    const consumers = await listConsumers(context, writer);
    return consumerReasons(path, consumers, maxLag);
  } catch (error) {
    return [degraded("CONSUMER_UNREADABLE", messageOf(error), error)];
  }
}
