/** Mutants of how a log is followed from another process. */
import type { Mutant } from "./mutant.ts";

const TAIL = "store/read/log_tail.ts";
const FOLLOW = "store/read/follow.ts";
const READER = "store/read/segment_reader.ts";

const rewritten = (test: string) => ({
  file: "tests/store/rewritten_test.ts",
  test: `MiniStore.follow() ${test}`,
});
const durable = (test: string) => ({
  file: "tests/store/durable_only_test.ts",
  test: `with durableOnly, ${test}`,
});

export const FOLLOW_MUTANTS: readonly Mutant[] = [
  {
    name: "follower-looks-at-damage-without-a-pause",
    file: TAIL,
    edits: [["await pause(SECOND_LOOK_MS);", "await undefined;"]],
    killedBy: {
      file: "tests/store/follow_trouble_test.ts",
      test:
        "a follower looks at damage again after a pause, in which half a write is completed",
    },
  },
  {
    name: "follower-continues-after-a-mark-that-was-cut-off",
    file: TAIL,
    edits: [[
      "const { chain } = this.#places.at(-1)!;",
      "const { chain } = segment.reader;",
    ]],
    killedBy: {
      file: "tests/store/follow_path_test.ts",
      test:
        "MiniStore.follow() of a path continues where a clean end that it has read is opened again, sealed and removed",
    },
  },
  {
    name: "follower-trusts-the-last-line",
    file: TAIL,
    edits: [["await reader.holds(reader.end)", "true"]],
    killedBy: rewritten(
      'throws REWRITTEN when "TWO" stands in place of a record, in the same file',
    ),
  },
  {
    name: "follower-continues-after-fewer-records",
    file: TAIL,
    edits: [["if (place.next !== next) {", "if (place.next > next) {"]],
    killedBy: rewritten("throws REWRITTEN where the log has fewer"),
  },
  {
    name: "follower-keeps-the-beginning-of-a-line",
    file: TAIL,
    edits: [["await reader.resume(reader.end)", "await undefined"]],
    killedBy: rewritten(
      "gives a short record that stands where a long one had begun",
    ),
  },
  {
    name: "follower-stands-on-a-mark",
    file: TAIL,
    edits: [[
      "this.#layout!.isNative ? endOfRecords(lines, taken) : taken",
      "taken",
    ]],
    killedBy: durable(
      "a follower continues where the log is sealed, and opened again",
    ),
  },
  {
    name: "durable-record-from-a-file-that-was-replaced",
    file: FOLLOW,
    edits: [[
      "  if (!await tail.confirm()) return await nextLines(tail, end);\n",
      "",
    ]],
    killedBy: durable(
      "no record of a file is given that another has replaced",
    ),
  },
  {
    name: "durable-record-too-early",
    file: FOLLOW,
    edits: [[
      "if (shape.seq + shape.count - 1 > durable)",
      "if (shape.seq > durable + 1)",
    ]],
    killedBy: durable(
      "a record is given once the log says that it is durable",
    ),
  },
  {
    name: "wait-for-a-change-after-the-end",
    file: READER,
    edits: [["    if (this.isStopped) return;\n", ""]],
    killedBy: {
      file: "tests/store/follow_test.ts",
      test:
        "MiniStore.follow() ends whenever its signal fires after a change, and no later",
    },
  },
  {
    name: "fail-where-a-file-that-was-read-cannot-be-closed",
    file: READER,
    edits: [["this.#file.close().catch(() => {})", "this.#file.close()"]],
    killedBy: {
      file: "tests/store/follow_trouble_test.ts",
      test:
        "a follower whose file cannot be closed ends with the reason of its signal all the same",
    },
  },
  {
    name: "follower-searches-its-place-without-end",
    file: TAIL,
    edits: [["const MAX_FINDS = 10;", "const MAX_FINDS = Infinity;"]],
    killedBy: {
      file: "tests/store/follow_trouble_test.ts",
      test:
        "a follower looks no more than a few times at a file that is never the one it has opened, durableOnly true",
    },
  },
  {
    name: "reader-of-the-end-asks-for-what-is-gone",
    file: "store/read/segments.ts",
    edits: [[
      "      if (!isGone) throw error;\n",
      "      if (!isGone || start.from !== undefined) throw error;\n",
    ]],
    killedBy: {
      file: "tests/store/reader_test.ts",
      test:
        "a reader opens beside a rotation and a compaction, whichever of its calls they come before",
    },
  },
  {
    name: "sealed-segment-without-a-record-ends-the-log",
    file: "store/recover.ts",
    edits: [["  checkHasRecords(path, scan.header, scan.next);\n", ""]],
    killedBy: {
      file: "tests/store/lost_header_test.ts",
      test:
        "MiniStore.open() refuses a sealed segment that was cut to its header, with none after it",
    },
  },
];
