/** Mutants of who has which message, and of work. */
import type { Mutant } from "./mutant.ts";

const cancel = (test: string) => ({
  file: "tests/queue/cancel_test.ts",
  test: `MiniQueue.cancel() ${test}`,
});

const cancelWork = (test: string) => ({
  file: "tests/queue/cancel_work_test.ts",
  test: `MiniQueue.cancel() ${test}`,
});

export const WORK_MUTANTS: readonly Mutant[] = [
  {
    name: "cancel-does-not-fence",
    file: "queue/delivery/deliveries.ts",
    edits: [[
      "    if (lease === undefined || this.cancels.pending(id)) {\n",
      "    if (lease === undefined) {\n",
    ]],
    killedBy: cancel("fences a delivery, and frees its group at once"),
  },
  {
    name: "cancel-overtakes-an-ack",
    file: "queue/delivery/cancels.ts",
    edits: [[
      "    await this.#leases.get(id)?.settling?.catch(() => {});\n",
      "",
    ]],
    killedBy: cancel("waits for an ack that was called before it"),
  },
  {
    name: "message-is-handed-out-while-it-is-cancelled",
    file: "queue/delivery/deliveries.ts",
    edits: [["      if (this.cancels.passOver(id)) continue;\n", ""]],
    killedBy: cancel("of what is just being delivered: nobody is given it"),
  },
  {
    name: "cancel-frees-the-group-of-a-handler-that-runs",
    file: "queue/delivery/cancels.ts",
    edits: [["inFlight ? this.#hold(group) : () => {}", "() => {}"]],
    killedBy: cancelWork(
      "tells the handler why, which counts and holds its group until it ends",
    ),
  },
  {
    name: "cancel-that-fails-is-told",
    file: "queue/delivery/cancels.ts",
    edits: [[
      "      release();\n      throw error;\n",
      "      this.#stop({ id, receipt }, inFlight, reason, release);\n      throw error;\n",
    ]],
    killedBy: cancelWork(
      "that fails tells the handler nothing, and what it has done is done",
    ),
  },
  {
    name: "timed-out-handler-holds-nothing",
    file: "queue/delivery/worker.ts",
    edits: [[
      "    await this.#giveTime(message, ended, running);\n",
      "",
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
    file: "queue/delivery/dispatcher.ts",
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
