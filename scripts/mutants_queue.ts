/** Mutants of the queue. */
import type { Mutant } from "./mutants_list.ts";

const queue = (test: string) => ({
  file: "tests/queue/queue_test.ts",
  test: `MiniQueue${test}`,
});
const complaint = (test: string) => ({
  file: "tests/queue/complaints_test.ts",
  test: `complaint: ${test}`,
});
const trouble = (test: string) => ({
  file: "tests/queue/trouble_test.ts",
  test: `MiniQueue${test}`,
});
const ACROSS_A_KILL =
  " keeps what is enqueued, in flight and dead across a kill";

export const QUEUE_MUTANTS: readonly Mutant[] = [
  {
    name: "ack-is-not-durable",
    file: "queue/deliveries.ts",
    edits: [[
      "enter({ settle: [settlement] }, true)",
      "enter({ settle: [settlement] }, false)",
    ]],
    killedBy: complaint(
      "a power cut leaves a queue that does not open, or has forgotten",
    ),
  },
  {
    name: "enqueue-is-not-durable",
    file: "queue/producer.ts",
    edits: [["enter({ enqueue }, true)", "enter({ enqueue }, false)"]],
    killedBy: {
      file: "tests/crash/queue_test.ts",
      test:
        "MiniQueue: what has resolved is there after a power cut, whatever it was",
    },
  },
  {
    name: "delivered-before-it-is-on-record",
    file: "queue/dispatcher.ts",
    edits: [
      [
        "      await this.#home.enter({ receive }, false);\n",
        "      applyToLedger(await this.#home.readable(), { at: 0, receive });\n",
      ],
      [
        'import type { Ledger } from "./ledger.ts";\n',
        'import { applyToLedger, type Ledger } from "./ledger.ts";\n',
      ],
    ],
    killedBy: queue(ACROSS_A_KILL),
  },
  {
    name: "take-back-on-opening-is-forgotten",
    file: "queue/engine.ts",
    edits: [["    await this.#deliveries.takeBackAll();\n", ""]],
    killedBy: queue(ACROSS_A_KILL),
  },
  {
    name: "receipt-is-not-checked",
    file: "queue/ledger.ts",
    edits: [[
      "message !== undefined && message.inFlight &&\n    message.receipt === receipt",
      "message !== undefined && message.inFlight && receipt >= 0",
    ]],
    killedBy: {
      file: "tests/queue/attach_test.ts",
      test:
        "MiniQueue.attach(): an ack of an earlier delivery undoes all that is one with it, and leaves the current one",
    },
  },
  {
    name: "receipt-is-not-checked-by-the-lease",
    file: "queue/leases.ts",
    edits: [[
      "    return lease?.receipt === receipt ? lease : undefined;\n",
      "    return lease && receipt >= 0 ? lease : undefined;\n",
    ]],
    killedBy: complaint(
      "the lock was lost, and a late worker completes somebody else's delivery",
    ),
  },
  {
    name: "put-back-is-forgotten",
    file: "queue/home.ts",
    edits: [["      lines.putBack(id);\n", ""]],
    killedBy: trouble(
      ".receive() on a full disk rejects with NO_SPACE, and gives the message once there is space",
    ),
  },
  {
    name: "picked-for-ever",
    file: "queue/home.ts",
    edits: [["      this.#picked.delete(id);\n", ""]],
    killedBy: {
      file: "tests/queue/attach_test.ts",
      test:
        "MiniQueue.attach(): what was given back can be received also once the state was made anew",
    },
  },
  {
    name: "failed-ack-loses-the-lease",
    file: "queue/deliveries.ts",
    edits: [["      this.#leases.restore(lease);\n", ""]],
    killedBy: trouble(
      ".ack() that fails after the timeout has passed wakes who waits for the message",
    ),
  },
  {
    name: "snapshot-drops-dedupe-keys",
    file: "queue/codec.ts",
    edits: [["  for (const key of dedupe) yield { dedupe: key };\n", ""]],
    killedBy: queue(
      ".enqueue() with dedupeKey keeps others out for the window, across restart and compaction",
    ),
  },
  {
    name: "snapshot-drops-the-dead",
    file: "queue/codec.ts",
    edits: [["  for (const id in dead) yield { dead: dead[id]! };\n", ""]],
    killedBy: queue(
      " keeps what waits, is in flight and is dead across compaction",
    ),
  },
  {
    name: "clock-follows-the-wall",
    file: "queue/clock.ts",
    edits: [[
      "    return this.#clock.monotonic() + this.#offset;\n",
      "    return this.#clock.wall() + 0 * this.#offset;\n",
    ]],
    killedBy: {
      file: "tests/queue/clock_test.ts",
      test: "MiniQueue: a dedupe window outlasts a clock that goes back",
    },
  },
  {
    name: "entry-is-applied-twice",
    file: "queue/ledger.ts",
    edits: [[
      "  if (ledger.messages[id] !== undefined || ledger.dead[id] !== undefined) {\n",
      "  if (id < 0) {\n",
    ]],
    killedBy: {
      file: "tests/queue/attach_test.ts",
      test:
        "MiniQueue.attach(): an entry applied once more leaves a delivery under way as it is",
    },
  },
];
