/** Mutants of how much of the past stays, and of snapshots that make themselves. */
import type { Mutant } from "./mutant.ts";

const retain = (test: string) => ({
  file: "tests/state/retain_test.ts",
  test: `StateManager${test}`,
});

export const RETAIN_MUTANTS: readonly Mutant[] = [
  {
    name: "remove-what-is-after-the-start-of-the-past",
    file: "state/compaction/compaction.ts",
    edits: [[
      "oldest > this.#unusable && oldest <= start",
      "oldest > this.#unusable",
    ]],
    killedBy: {
      file: "tests/crash/state_test.ts",
      test:
        "StateManager survives a power cut after every call, in every way: a past of two records",
    },
  },
  {
    name: "the-record-before-the-past-goes",
    file: "state/compaction/retention.ts",
    edits: [["Math.max(0, last - 1)", "last"]],
    killedBy: {
      file: "tests/state/times_test.ts",
      test:
        "StateManager.at() reaches back to any time that retain.ageMs promises, however long nothing happened",
    },
  },
  {
    name: "the-past-loses-its-base",
    file: "state/compaction/retention.ts",
    edits: [["[base, next] : ", "[next] : "]],
    killedBy: retain(
      " keeps the records that retain asks for, and not much more, beside 2 snapshots",
    ),
  },
  {
    name: "the-past-never-gets-another-base",
    file: "state/compaction/retention.ts",
    edits: [["[base, next] : ", "[base] : "]],
    killedBy: retain(
      " keeps the records that retain asks for, and not much more, beside 2 snapshots",
    ),
  },
  {
    name: "needed-snapshots-are-pruned",
    file: "snap/directory.ts",
    edits: [["!needed.includes(seq)", "seq !== needed.at(-1)"]],
    killedBy: {
      file: "tests/snap/snap_store_test.ts",
      test:
        "SnapStore.create() keeps the older snapshots that are needed, as long as they are",
    },
  },
  {
    name: "snapshot-by-itself-of-an-object-in-two-places",
    file: "state/compaction/compaction.ts",
    edits: [["      assertTree(state);\n", ""]],
    killedBy: {
      file: "tests/state/auto_cadence_test.ts",
      test:
        "StateManager with a state with an object in two places makes no snapshot by itself, and says so once",
    },
  },
];
