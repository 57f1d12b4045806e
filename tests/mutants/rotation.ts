/** Mutants of rotation and compaction. */
import type { Mutant } from "./mutant.ts";

const powerCut = (workload: string) => ({
  file: "tests/crash/power_cut_test.ts",
  test:
    `MiniStore survives a power cut after every call, in every way: ${workload}`,
});

const failure = (test: string) => ({
  file: "tests/store/failure_test.ts",
  test,
});

export const ROTATION_MUTANTS: readonly Mutant[] = [
  {
    name: "rotate-without-syncing-the-old",
    file: "store/write/writer.ts",
    edits: [[
      "    yield* this.#sync(calls);\n    yield* this.rotation.seal(calls, this.sequence);\n",
      "    yield* this.rotation.seal(calls, this.sequence);\n",
    ]],
    killedBy: powerCut("records nobody waits for, and rotation"),
  },
  {
    name: "next-segment-without-fsync",
    file: "store/write/next_segment.ts",
    edits: [[
      "    file = yield* staged(calls, staging, fill);\n",
      "    file = yield* wait(calls.create(paths.temporary, 0o600));\n" +
      "    yield* wait(fill(file));\n",
    ]],
    killedBy: powerCut("records nobody waits for, and rotation"),
  },
  {
    name: "sealed-name-without-directory-fsync",
    file: "store/write/next_segment.ts",
    edits: [[
      "    yield* rename(paths.active, sealed);\n",
      "    yield* wait(calls.rename(paths.active, sealed));\n",
    ]],
    killedBy: powerCut("rotation"),
  },
  {
    name: "active-name-without-directory-fsync",
    file: "store/write/next_segment.ts",
    edits: [[
      "    yield* rename(paths.temporary, paths.active);\n",
      "    yield* wait(calls.rename(paths.temporary, paths.active));\n",
    ]],
    killedBy: powerCut("rotation"),
  },
  {
    name: "half-a-rotation-stays",
    file: "store/write/next_segment.ts",
    edits: [["      yield* rename(sealed, paths.active);\n", ""]],
    killedBy: failure(
      "rotation fails half-way between its two renames: the log continues in the old segment",
    ),
  },
  {
    name: "name-taken-back-without-directory-fsync",
    file: "store/write/next_segment.ts",
    edits: [[
      "      yield* rename(sealed, paths.active);\n",
      "      yield* wait(calls.rename(sealed, paths.active));\n",
    ]],
    killedBy: {
      file: "tests/crash/killed_names_test.ts",
      test:
        "MiniStore: a name that a failed rotation has taken back is durable before the log continues",
    },
  },
  {
    name: "compaction-without-directory-fsync",
    file: "store/write/segment_set.ts",
    edits: [[
      "      yield* wait(calls.syncDirectory(this.#context.paths.directory));\n",
      "",
    ]],
    killedBy: powerCut("compaction"),
  },
  {
    name: "compaction-removes-too-much",
    file: "store/write/segment_set.ts",
    edits: [["(next?.base ?? this.base) <= upTo", "oldest.base <= upTo"]],
    killedBy: {
      file: "tests/store/rotate_test.ts",
      test:
        "MiniStore.compact() removes whole segments up to a number, oldest first",
    },
  },
];
