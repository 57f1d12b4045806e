/** Mutants of views, and of their promotion. */
import type { Mutant } from "./mutant.ts";

const abort = (test: string) => ({
  file: "tests/state/view_abort_test.ts",
  test: `StateView ${test}`,
});
const promotion = (test: string) => ({
  file: "tests/state/promote_test.ts",
  test: `StateView.promote() ${test}`,
});

export const VIEW_MUTANTS: readonly Mutant[] = [
  {
    name: "take-a-proof-before-the-abort-that-precedes-it",
    file: "state/view/view_state.ts",
    edits: [
      [
        "    if (proven < least || proven > seq) return 0;\n",
        "    if (proven < least) return 0;\n",
      ],
      [
        "    return seq < sources.log.sequence ? 0 : proven;\n",
        "    return proven;\n",
      ],
    ],
    killedBy: abort(
      "leaves out what the writer has aborted, immutable false",
    ),
  },
  {
    name: "show-a-state-that-is-half-changed",
    file: "state/view/view_state.ts",
    edits: [["      this.#isTorn = true;\n", ""]],
    killedBy: abort(
      "shows nothing of a mutation that apply throws for half-way",
    ),
  },
  {
    name: "keep-what-the-writer-has-not-applied",
    file: "state/view/view_state.ts",
    edits: [[
      "    return seq > this.from && !this.#sources.aborts.has(seq);\n",
      "    return seq > this.sequence && !this.#sources.aborts.has(seq);\n",
    ]],
    killedBy: abort(
      "takes back what it has applied and the writer's code has not",
    ),
  },
  {
    name: "promote-a-state-that-was-not-verified",
    file: "state/view/promote.ts",
    edits: [[
      "    const isCurrent = await follower.look() &&\n",
      "    const isCurrent =\n",
    ]],
    killedBy: promotion("hands over no record that a crash has taken back"),
  },
  {
    name: "promote-a-state-that-a-snapshot-is-ahead-of",
    file: "state/view/promote.ts",
    edits: [[
      "    if (!isCurrent || newest > state.sequence) return undefined;\n",
      "    if (!isCurrent) return undefined;\n",
    ]],
    killedBy: promotion("starts from a snapshot that is ahead of the view"),
  },
  {
    name: "promote-with-a-snapshot-that-was-not-looked-at",
    file: "state/view/promote.ts",
    edits: [[
      "      : await findStart(written, Infinity);\n",
      "      : { seq: newest, unusable: state.unusable };\n",
    ]],
    killedBy: {
      file: "tests/state/promote_snapshot_test.ts",
      test:
        "StateView.promote() counts on no snapshot of another version that the view has not seen",
    },
  },
  {
    name: "end-a-view-at-a-fault-that-passes",
    file: "state/view/follower.ts",
    edits: [["wasMade && PASSING.includes(code)", "false"]],
    killedBy: {
      file: "tests/state/view_trouble_test.ts",
      test: "StateView takes in a backup that is put in place file by file",
    },
  },
];
