/** Mutants of what keeps older code from undoing what newer code has written. */
import type { Mutant } from "./mutant.ts";

const powerCut = (workload: string) => ({
  file: "tests/crash/state_test.ts",
  test:
    `StateManager survives a power cut after every call, in every way: ${workload}`,
});
const rollBack = (test: string) => ({
  file: "tests/state/roll_back_test.ts",
  test: `StateManager${test}`,
});

export const ROLL_BACK_MUTANTS: readonly Mutant[] = [
  {
    name: "one-mark-counts-as-clean",
    file: "store/read/native_segments.ts",
    edits: [["      seal: check.marks > 1 ?", "      seal: check.marks > 0 ?"]],
    killedBy: rollBack(
      ".open() refuses older code also what only the mark of a clean end proves, and after it was opened and killed",
    ),
  },
  {
    name: "mark-proves-nothing",
    file: "store/format/scanner.ts",
    edits: [[
      "isMark ? shape.seq : shape.applied);",
      "isMark ? 0 : shape.applied);",
    ]],
    killedBy: rollBack(
      ".open() refuses older code also what only the mark of a clean end proves, and after it was opened and killed",
    ),
  },
  {
    name: "line-proves-nothing",
    file: "store/format/scanner.ts",
    edits: [[
      "isMark ? shape.seq : shape.applied);",
      "isMark ? shape.seq : 0);",
    ]],
    killedBy: rollBack(
      ".open() refuses older code a log that newer code has killed, and changes nothing",
    ),
  },
  {
    name: "snapshot-proves-nothing",
    file: "state/rebuild.ts",
    edits: [["    ...(await snapshots.list()).map(({ seq }) => seq),\n", ""]],
    killedBy: rollBack(
      ".open() refuses older code what only a snapshot proves, which is of another version",
    ),
  },
  {
    name: "snapshots-are-asked-once-damaged-ones-are-aside",
    file: "state/rebuild.ts",
    edits: [["  await provenUpTo(sources);\n  for (;;) {", "  for (;;) {"]],
    killedBy: rollBack(
      ".open() refuses older code what only a snapshot proves, which is of another version",
    ),
  },
  {
    name: "older-code-is-let-in",
    file: "state/rebuild.ts",
    edits: [[
      "    if (isRefused) throw replayFailed(seq, error);\n",
      "    if (isRefused && seq < 0) throw replayFailed(seq, error);\n",
    ]],
    killedBy: powerCut("older code over newer data, and back"),
  },
  {
    name: "opening-writes-the-aborts-that-it-finds",
    file: "state/recover.ts",
    edits: [[
      "  if (isDecided) await applier.recordAborts();\n",
      "  await applier.recordAborts();\n",
    ]],
    killedBy: powerCut("older code over newer data, and back"),
  },
  {
    name: "applied-is-not-held-back-by-an-abort",
    file: "state/applier.ts",
    edits: [[
      "    return Math.min(this.sequence, firstUnacknowledged - 1);\n",
      "    return Math.min(this.sequence, firstUnacknowledged + Infinity);\n",
    ]],
    killedBy: powerCut("an abort among other mutations"),
  },
  {
    name: "closing-says-that-all-was-applied",
    file: "state/manager.ts",
    edits: [[
      "this.#log.close({ applied: this.#applier.applied })",
      "this.#log.close()",
    ]],
    killedBy: powerCut("an abort among other mutations"),
  },
  {
    name: "a-refused-opening-says-that-all-was-applied",
    file: "base/promise.ts",
    edits: [[
      "close?.({ applied: given.applied ?? 0 })",
      "close?.(undefined as never)",
    ]],
    killedBy: rollBack(
      ".open() refuses older code a log that newer code has killed, and changes nothing",
    ),
  },
  {
    name: "snapshot-before-the-abort-is-on-record",
    file: "state/compaction/compaction.ts",
    edits: [[
      "        await this.#applier.isSettled()\n" +
      "          ? await this.#begin(isCompaction)\n" +
      "          : undefined\n",
      "        await this.#begin(isCompaction)\n",
    ]],
    killedBy: rollBack(
      " makes no snapshot and no clean end while an abort is not on record, and both once it is",
    ),
  },
  {
    name: "newer-mutation-is-taken-for-ones-own",
    file: "state/entry.ts",
    edits: [["  if (from > version || ", "  if ("]],
    killedBy: {
      file: "tests/state/version_test.ts",
      test:
        "StateManager refuses mutations of a version that its code does not know",
    },
  },
  {
    name: "record-no-abort-where-no-code-changes-the-state",
    file: "state/applier.ts",
    edits: [[
      "    aborts.addUnrecorded(seq, false);\n",
      "    if (!reducer.immutable) aborts.addUnrecorded(seq, false);\n",
    ]],
    killedBy: powerCut("a state that no code changes"),
  },
];
