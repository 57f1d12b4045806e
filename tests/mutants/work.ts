/** Mutants of who has which message, and of work. */
import type { Mutant } from "./mutant.ts";

export const WORK_MUTANTS: readonly Mutant[] = [
  {
    name: "timed-out-handler-holds-nothing",
    file: "queue/delivery/worker.ts",
    edits: [[
      "    if (!await this.#endsWithin(stopTimeoutMs, ended, running)) {\n",
      "    if (stopTimeoutMs < 0 && ended !== undefined && running) {\n",
    ]],
    killedBy: {
      file: "tests/queue/timeout_test.ts",
      test:
        "MiniQueue.work(): a handler that has timed out counts, and holds its message and its group, until it ends",
    },
  },
  {
    name: "full-disk-ends-work",
    file: "queue/delivery/worker.ts",
    edits: [[
      "        if (this.#isStopped || !mayPass(error)) throw error;\n",
      "        if (this.#isStopped || error !== undefined) throw error;\n",
    ]],
    killedBy: {
      file: "tests/queue/full_disk_test.ts",
      test:
        "MiniQueue.work() acknowledges what is done once there is room, and does not do it again",
    },
  },
  {
    name: "loop-that-is-left-keeps-its-message",
    file: "queue/queue.ts",
    edits: [["      let isLeft = true;\n", "      let isLeft = false;\n"]],
    killedBy: {
      file: "tests/queue/left_test.ts",
      test:
        "MiniQueue: a loop that is left gives its last message back at once, and the delivery counts",
    },
  },
  {
    name: "what-is-new-in-an-entry-is-not-said",
    file: "queue/ledger/entry.ts",
    edits: [["? { v: 2 } : {};", "? { v: 1 } : {};"]],
    killedBy: {
      file: "tests/queue/origin_test.ts",
      test: "MiniQueue.attach(): a dead letter keeps what was thrown",
    },
  },
];
