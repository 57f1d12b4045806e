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
  {
    name: "count-on-no-abort-where-compaction-has-removed-it",
    file: "state/aborts.ts",
    edits: [[
      "    const from = seq + 1;\n",
      "    const from = Math.max(seq + 1, this.#log.firstSequence);\n",
    ]],
    killedBy: {
      file: "tests/state/log_test.ts",
      test:
        "StateManager.history() gives nothing of which a compaction has removed whether it has an effect",
    },
  },
  {
    name: "look-for-aborts-until-they-are-there",
    file: "state/aborts.ts",
    edits: [[
      "    await this.#read(records ?? this.#after(seq));\n    this.knowFrom(seq);\n",
      "    try {\n      await this.#read(records ?? this.#after(seq));\n    } catch (error) {\n      if (!isCompacted(error)) throw error;\n      return await this.learnFrom(seq);\n    }\n    this.knowFrom(seq);\n",
    ]],
    killedBy: abort(
      "whose log is compacted while it looks for aborts begins with the snapshot that is left",
    ),
  },
  {
    name: "select-without-a-change",
    file: "state/view/select.ts",
    edits: [[
      "      if (found !== undefined) yield found.part;\n",
      "      if (found !== undefined) {\n        yield found.part;\n        continue;\n      }\n",
    ]],
    killedBy: {
      file: "tests/state/select_test.ts",
      test:
        "StateManager.select() of a state that is immutable gives a part that is made each time once for each change",
    },
  },
  {
    name: "view-a-queue-without-what-is-cancelled",
    file: "queue/view.ts",
    edits: [[
      "      apply: applyLogged,\n",
      '      apply: (ledger, entry) =>\n        "cancel" in entry ? ledger : applyLogged(ledger, entry),\n',
    ]],
    killedBy: {
      file: "tests/crash/cancel_test.ts",
      test:
        "MiniQueue: a message is done, cancelled or waits, as the first call said, after a power cut at every call",
    },
  },
];
