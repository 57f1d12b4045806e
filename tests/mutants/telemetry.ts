/** Mutants of what is told on channels, and counted. */
import type { Mutant } from "./mutant.ts";

const killedBy = {
  file: "tests/simulation/recount_test.ts",
  test:
    "what is told on channels is each thing that was done, once, and what metrics() has counted",
};

/** Makes one place of a file wrong. */
function wrong(
  name: string,
  file: string,
  old: string,
  replacement: string,
): Mutant {
  return { name, file, edits: [[old, replacement]], killedBy };
}

const meter = (name: string, old: string, replacement: string) =>
  wrong(name, "store/write/meter.ts", old, replacement);
const tracing = (name: string, old: string, replacement: string) =>
  wrong(name, "base/telemetry/tracing.ts", old, replacement);
const applier = (name: string, old: string, replacement: string) =>
  wrong(name, "state/applier.ts", old, replacement);
const deliveries = (name: string, old: string, replacement: string) =>
  wrong(name, "queue/delivery/deliveries.ts", old, replacement);
const queueMeter = (name: string, old: string, replacement: string) =>
  wrong(name, "queue/telemetry/meter.ts", old, replacement);

export const TELEMETRY_MUTANTS: readonly Mutant[] = [
  tracing(
    "end-of-operation-is-not-told",
    "    this.#channel.asyncEnd.publish(message);\n",
    "",
  ),
  tracing(
    "end-of-operation-is-told-twice",
    "    this.#channel.asyncEnd.publish(message);\n",
    "    for (const _ of [1, 2]) this.#channel.asyncEnd.publish(message);\n",
  ),
  tracing(
    "failure-is-told-as-success",
    "        this.fail(message, cause);\n",
    "        this.succeed(message);\n",
  ),
  tracing(
    "success-is-told-as-failure",
    "      this.succeed(message);\n      return result;\n",
    "      if (result === undefined) this.fail(message, result);\n      else this.succeed(message);\n      return result;\n",
  ),
  wrong(
    "append-that-is-refused-is-not-told",
    "store/write/writer.ts",
    "    return this.meter.append(units, (message) => {\n",
    "    if (this.failure !== undefined) throw this.failure;\n    return this.meter.append(units, (message) => {\n",
  ),
  meter(
    "append-of-a-state-is-told-again",
    "!APPEND.isObserved || units[0]?.message !== undefined",
    "!APPEND.isObserved",
  ),
  meter(
    "append-that-fails-is-told-as-success",
    "APPEND.fail(message, error)",
    "APPEND.succeed(message)",
  ),
  wrong(
    "change-that-fails-is-told-as-success",
    "state/entry.ts",
    "APPLY.fail(this.#message, error)",
    "APPLY.succeed(this.#message)",
  ),
  wrong(
    "opening-a-consumer-tells-a-compaction",
    "store/consume/live_log.ts",
    "await this.#writer.compacted();",
    "await this.#writer.compact(0).catch(() => {});",
  ),
  wrong(
    "torn-write-is-not-told",
    "store/open.ts",
    "if (tornBytes > 0)",
    "if (tornBytes > 1_000_000)",
  ),
  wrong(
    "poisoning-is-told-twice",
    "store/write/poison.ts",
    "    this.#onFailure(this.failure);\n",
    "    this.#onFailure(this.failure);\n    this.#onFailure(this.failure);\n",
  ),
  meter(
    "full-disk-is-not-told",
    'error.code === "NO_SPACE"\n      ? NO_SPACE',
    'error.code === "NO_SPACE"\n      ? undefined',
  ),
  meter(
    "commit-begins-one-too-early",
    "first: sequence + 1,",
    "first: sequence,",
  ),
  meter(
    "commit-names-one-append",
    "if (message) appends.push(message);",
    "if (message && appends.length === 0) appends.push(message);",
  ),
  meter(
    "commit-tells-of-no-fsync",
    "      durable,\n",
    "      durable: false,\n",
  ),
  meter(
    "append-is-told-another-number",
    "  message.seq = seq;\n",
    "  message.seq = seq + 1;\n",
  ),
  meter(
    "compaction-tells-one-file-more",
    "message.removed = removed.length;",
    "message.removed = removed.length + 1;",
  ),
  meter(
    "batches-count-as-records",
    "this.#records += records;",
    "this.#records += callers;",
  ),
  meter(
    "bytes-of-the-last-commit-only",
    "this.#bytes += bytes;",
    "this.#bytes = bytes;",
  ),
  meter(
    "callers-are-counted-as-records",
    "this.#callers.record(callers);",
    "this.#callers.record(records);",
  ),
  meter(
    "fsync-is-counted-where-there-is-none",
    "    if (isDurable) {\n      this.#syncMs",
    "    if (records > 0) {\n      this.#syncMs",
  ),
  wrong(
    "rotation-is-counted-before-it-succeeds",
    "store/write/rotation.ts",
    "      yield* wait(this.#meter.rotate(sequence, rotate));\n      this.#meter.rotations++;\n",
    "      this.#meter.rotations++;\n      yield* wait(this.#meter.rotate(sequence, rotate));\n",
  ),
  applier(
    "abort-is-not-told",
    "    ABORTED.tell(() =>",
    "    void (() =>",
  ),
  applier(
    "record-of-an-abort-counts-as-applied",
    'if (!("abort" in entry)) this.meter.records++;',
    "this.meter.records++;",
  ),
  applier("aborts-are-not-counted", "    this.meter.aborted++;\n", ""),
  applier(
    "mutations-are-told-as-one",
    '"applyBatch" in entry ? entry.applyBatch.length : 1',
    "1",
  ),
  wrong(
    "snapshot-is-counted-before-it-succeeds",
    "state/compaction/compaction.ts",
    "    const start = performance.now();\n    try {\n",
    "    const start = performance.now();\n    meter.snapshotMs.record(0);\n    try {\n",
  ),
  wrong(
    "snapshot-failures-are-not-counted",
    "state/compaction/compaction.ts",
    "    this.#applier.meter.snapshotFailures++;\n",
    "",
  ),
  wrong(
    "enqueue-is-told-another-id",
    "queue/telemetry/told.ts",
    "  message.id = id;\n",
    "  message.id = id + 1;\n",
  ),
  deliveries(
    "death-by-the-queue-is-not-told",
    "      for (const message of dead) this.#tellDead(message);\n",
    "",
  ),
  deliveries(
    "death-by-a-consumer-is-told-twice",
    'if (as === "dead") this.#tellDead({ id, attempts });',
    'if (as === "dead") [1, 2].forEach(() => this.#tellDead({ id, attempts }));',
  ),
  queueMeter(
    "acks-count-as-messages-that-arrive",
    "enqueued: arrived - redriven,",
    "enqueued: arrived + this.#acked,",
  ),
  queueMeter("retries-are-not-counted", "        this.#retried++;\n", ""),
  queueMeter("deliveries-are-not-counted", "        this.#delivered++;\n", ""),
  queueMeter(
    "cancelled-count-as-acknowledged",
    "        this.#cancelled++;\n",
    "",
  ),
  wrong(
    "handlers-are-not-measured",
    "queue/delivery/ledger_work.ts",
    "    this.#deliveries.meter.handlerMs.record(ms);\n",
    "    void ms;\n",
  ),
];
