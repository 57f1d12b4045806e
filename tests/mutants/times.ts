/** Mutants of the times of records, and of what `keep` removes. */
import type { Mutant } from "./mutant.ts";

const times = (test: string) => ({ file: "tests/store/times_test.ts", test });
const keep = (test: string) => ({ file: "tests/store/keep_test.ts", test });
const oracle = {
  file: "tests/property/times_test.ts",
  test:
    "replay({ since }) and seqAt() agree with a list of all records and their times",
};

export const TIMES_MUTANTS: readonly Mutant[] = [
  {
    name: "times-follow-the-clock-back",
    file: "store/write/encoder.ts",
    edits: [["Math.max(wall, this.at ?? wall)", "wall"]],
    killedBy: {
      file: "tests/crash/power_cut_test.ts",
      test:
        "MiniStore survives a power cut after every call, in every way: times",
    },
  },
  {
    name: "last-time-only-from-the-active-segment",
    file: "store/open.ts",
    edits: [[
      "recovered.at ?? await lastTimeIn(context, recovered.sealed)",
      "recovered.at",
    ]],
    killedBy: times(
      "timestamps: a segment that opening does not verify tells the last time",
    ),
  },
  {
    name: "start-at-the-segment-after",
    file: "store/read/native_segments.ts",
    edits: [["at >= since) high", "at > since) high"]],
    killedBy: oracle,
  },
  {
    name: "count-no-active-segment",
    file: "store/write/keep.ts",
    edits: [["let kept = sizeBytes;", "let kept = 0;"]],
    killedBy: keep(
      "keep.bytes: the segments go without which the rest has that many",
    ),
  },
  {
    name: "remove-before-the-rotation",
    file: "store/write/writer.ts",
    edits: [
      ["    yield* this.rotation.seal(calls, this.sequence);\n", ""],
      [
        "    yield* this.rotation.trim(calls);\n",
        "    yield* this.rotation.trim(calls);\n    yield* this.rotation.seal(calls, this.sequence);\n",
      ],
    ],
    killedBy: keep(
      "keep.records: the segments go whose records are all beyond the newest",
    ),
  },
  {
    name: "remove-one-record-too-many",
    file: "store/write/keep.ts",
    edits: [["base - records)", "base - records + 1)"]],
    killedBy: {
      file: "tests/crash/power_cut_test.ts",
      test:
        "MiniStore survives a power cut after every call, in every way: removal of what is not kept",
    },
  },
  {
    name: "compaction-after-a-failed-directory-fsync",
    file: "store/write/segment_set.ts",
    edits: [[
      "    yield* this.#syncRelease(calls);\n    while",
      "    while",
    ]],
    killedBy: {
      file: "tests/store/failure_test.ts",
      test:
        "compaction fails to make a removal durable: nothing more is removed until that succeeds, for there would be a gap",
    },
  },
];
