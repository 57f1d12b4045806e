/** Mutants of what becomes of jobs. */
import type { Mutant } from "./mutant.ts";

const parts = (what: string) => ({
  file: "tests/queue/parts_test.ts",
  test: `MiniQueue.open() refuses a snapshot with ${what}, and changes nothing`,
});

export const JOB_MUTANTS: readonly Mutant[] = [
  {
    name: "limits-are-not-in-the-ledger",
    file: "queue/ledger_log.ts",
    edits: [[
      "    await this.enter({ policy }, true);\n",
      "    (await this.readable()).policy = policy;\n",
    ]],
    killedBy: {
      file: "tests/queue/kept_test.ts",
      test: "MiniQueue keeps results across a restart, and within its limits",
    },
  },
  {
    name: "result-is-not-in-the-record-that-acknowledges",
    file: "queue/delivery/result.ts",
    edits: [[
      'return "result" in kept ? { ...acked, ...kept } : acked;',
      "return acked;",
    ]],
    killedBy: {
      file: "tests/queue/kept_test.ts",
      test: "MiniQueue keeps results across a restart, and within its limits",
    },
  },
  {
    name: "cancelled-message-holds-its-place-in-its-group",
    file: "queue/ledger/ready_index.ts",
    edits: [["    group!.splice(place);\n", ""]],
    killedBy: {
      file: "tests/queue/kinds_test.ts",
      test:
        "an entry cancels messages that wait, wherever they are, and skips those that are not there",
    },
  },
  {
    name: "cancelled-message-counts-as-delayed",
    file: "queue/ledger/ready_index.ts",
    edits: [[
      "    this.#late.delete(message);\n    this.#stale++;",
      "    this.#stale++;",
    ]],
    killedBy: {
      file: "tests/queue/kinds_test.ts",
      test:
        "an entry cancels messages that wait, wherever they are, and skips those that are not there",
    },
  },
  {
    name: "first-moment-of-the-clock-is-no-date",
    file: "queue/ledger/entry.ts",
    edits: [[
      "(from ?? when ?? headers) !== undefined",
      "from ?? when ?? headers",
    ]],
    killedBy: {
      file: "tests/queue/timed_test.ts",
      test:
        "MiniQueue.enqueue() takes the first moment of the wall clock for a date",
    },
  },
  {
    name: "message-stays-ready-when-the-clock-goes-back",
    file: "queue/ledger/ready_index.ts",
    edits: [[
      "    if (moment.now + moment.drift < this.#reached) this.#waitAgain();\n",
      "",
    ]],
    killedBy: {
      file: "tests/queue/timed_test.ts",
      test:
        "a message that was ready waits for its date again once the wall clock is set back",
    },
  },
  {
    name: "unknown-part-is-passed-over",
    file: "queue/ledger/codec.ts",
    edits: [[" else throw unknownPart();\n", "\n"]],
    killedBy: parts("a part that is nothing"),
  },
  {
    name: "part-lacks-fields",
    file: "queue/ledger/codec.ts",
    edits: [[
      ' !== "number") return false;',
      ' !== "number") continue;',
    ]],
    killedBy: parts("a message without its attempts"),
  },
];
