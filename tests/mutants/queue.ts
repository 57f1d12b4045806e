/** Mutants of the queue. */
import type { Mutant } from "./mutant.ts";

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
const gathering = (test: string) => ({
  file: "tests/queue/gathering_test.ts",
  test: `MiniQueue${test}`,
});
const weight = (test: string) => ({
  file: "tests/queue/weight_test.ts",
  test: `MiniQueue${test}`,
});
const format = (test: string) => ({
  file: "tests/queue/format_test.ts",
  test: `MiniQueue${test}`,
});
const suspend = (test: string) => ({
  file: "tests/queue/suspend_test.ts",
  test: `MiniQueue${test}`,
});
const ACROSS_A_KILL =
  " keeps what is enqueued, in flight and dead across a kill";

export const QUEUE_MUTANTS: readonly Mutant[] = [
  {
    name: "ack-is-not-durable",
    file: "queue/ledger_log.ts",
    edits: [[
      "return this.#settlements.add(stamp, [text]);",
      "return this.enter({ settle: [settlement] }, stamp.at === Number(text));",
    ]],
    killedBy: complaint(
      "a power cut leaves a queue that does not open, or has forgotten",
    ),
  },
  {
    name: "enqueue-is-not-durable",
    file: "queue/ledger_log.ts",
    edits: [[
      "return this.#arrivals.add(this.#stampFor({ enqueue }), items);",
      "return this.enter({ enqueue }, items.length > enqueue.length);",
    ]],
    killedBy: {
      file: "tests/crash/queue_test.ts",
      test:
        "MiniQueue: what has resolved is there after a power cut, whatever it was",
    },
  },
  {
    name: "delivered-before-it-is-on-record",
    file: "queue/delivery/dispatcher.ts",
    edits: [
      [
        "      await this.#log.enter({ receive }, false);\n",
        "      applyToLedger(await this.#log.readable(), { at: 0, receive });\n",
      ],
      [
        'import type { Ledger } from "../ledger/ledger.ts";\n',
        'import type { Ledger } from "../ledger/ledger.ts";\n' +
        'import { applyToLedger } from "../ledger/reducer.ts";\n',
      ],
    ],
    killedBy: queue(ACROSS_A_KILL),
  },
  {
    name: "what-was-given-before-is-entered-after",
    file: "queue/ledger_log.ts",
    edits: [[
      "    this.#arrivals?.flush();\n    this.#settlements?.flush();\n",
      "",
    ]],
    killedBy: gathering(
      ": what is entered between two messages has its place between them",
    ),
  },
  {
    name: "attached-messages-lose-their-place",
    file: "queue/open.ts",
    edits: [[
      "    ids: claimed.ids,\n",
      "    ids: claimed.ids,\n" +
      '    applyJson: (json: string) => host.applyJson!(`{"${name}":${json}}`),\n',
    ]],
    killedBy: gathering(
      ".attach(): messages are logged where they were enqueued among the state's own mutations",
    ),
  },
  {
    name: "later-time-shares-an-entry",
    file: "queue/entry_batcher.ts",
    edits: [[
      " && isSame(pending.stamp, stamp);",
      " && isSame(stamp, stamp);",
    ]],
    killedBy: gathering(": each message is enqueued at its own time"),
  },
  {
    name: "a-record-of-many-weighs-as-one",
    file: "queue/ledger/compaction_policy.ts",
    edits: [["+= list?.length ?? 1", "+= list === undefined ? 1 : 1"]],
    killedBy: complaint("the disk fills up, and never shrinks"),
  },
  {
    name: "compaction-counts-before-it-was-made",
    file: "queue/ledger_log.ts",
    edits: [[
      "    const report = await this.#host.compact();\n" +
      "    this.#policy.snapshotMade(total);\n",
      "    this.#policy.snapshotMade(total);\n" +
      "    const report = await this.#host.compact();\n",
    ]],
    killedBy: weight(
      " compacts by itself also where compact() fails again and again",
    ),
  },
  {
    name: "take-back-on-opening-is-forgotten",
    file: "queue/upkeep.ts",
    edits: [["    await this.#deliveries.takeBackAll();\n", ""]],
    killedBy: queue(ACROSS_A_KILL),
  },
  {
    name: "receipt-is-not-checked",
    file: "queue/ledger/ledger.ts",
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
    file: "queue/delivery/leases.ts",
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
    file: "queue/ledger_log.ts",
    edits: [["      index.putBack(id);\n", ""]],
    killedBy: trouble(
      ".receive() on a full disk rejects with NO_SPACE, and gives the message once there is space",
    ),
  },
  {
    name: "picked-for-ever",
    file: "queue/ledger_log.ts",
    edits: [["      this.#picked.delete(id);\n", ""]],
    killedBy: {
      file: "tests/queue/attach_test.ts",
      test:
        "MiniQueue.attach(): what was given back can be received also once the state was rebuilt",
    },
  },
  {
    name: "failed-ack-loses-the-lease",
    file: "queue/delivery/deliveries.ts",
    edits: [["      this.#leases.restore(lease);\n", ""]],
    killedBy: trouble(
      ".ack() that fails after the timeout has passed wakes who waits for the message",
    ),
  },
  {
    name: "snapshot-drops-dedupe-keys",
    file: "queue/ledger/codec.ts",
    edits: [["  for (const key of dedupe) yield { dedupe: key };\n", ""]],
    killedBy: queue(
      ".enqueue() with dedupeKey keeps others out for the window, across restart and compaction",
    ),
  },
  {
    name: "snapshot-drops-the-dead",
    file: "queue/ledger/codec.ts",
    edits: [["  for (const id in dead) yield { dead: dead[id]! };\n", ""]],
    killedBy: queue(
      " keeps what waits, is in flight and is dead across compaction",
    ),
  },
  {
    name: "clock-follows-the-wall",
    file: "queue/clock.ts",
    edits: [[
      "    return { now: monotonic + this.#offset, wall };\n",
      "    return { now: wall + 0 * this.#offset, wall };\n",
    ]],
    killedBy: {
      file: "tests/queue/clock_test.ts",
      test: "MiniQueue: a dedupe window outlasts a clock that goes back",
    },
  },
  {
    name: "peek-shows-nobody-behind-who-is-in-flight",
    file: "queue/ledger/ready_index.ts",
    edits: [["[this.inFlight, picked]", "[picked]"]],
    killedBy: {
      file: "tests/queue/look_test.ts",
      test:
        "MiniQueue.peek() shows whatever there is in the order in which it comes to be received",
    },
  },
  {
    name: "keys-wait-for-those-before-them",
    file: "queue/ledger/dedupe_index.ts",
    edits: [[
      "    byExpiry(ledger).push(key);\n",
      "    ledger.dedupe.push(key);\n",
    ]],
    killedBy: {
      file: "tests/queue/ledger_test.ts",
      test:
        "applyToLedger() forgets a key when its time is up, whatever stands before it, and whatever happens then",
    },
  },
  {
    name: "unknown-entry-is-passed-over",
    file: "queue/ledger/reducer.ts",
    edits: [["  checkEntry(entry, true);\n", ""]],
    killedBy: format(
      ".open() refuses a kind in its log with UNSUPPORTED_FORMAT, and changes nothing",
    ),
  },
  {
    name: "unknown-entry-is-an-abort-on-replay",
    file: "state/rebuild.ts",
    edits: [["!isReduced || isUnreadable(error)", "!isReduced"]],
    killedBy: {
      file: "tests/queue/format_test.ts",
      test:
        "StateManager.open() passes on that a ledger does not know an entry, and takes it for no aborted mutation",
    },
  },
  {
    name: "newer-ledger-is-taken",
    file: "queue/open.ts",
    edits: [["  checkVersion(ledger.v);\n", ""]],
    killedBy: format(
      ".attach() and applyToLedger() refuse a ledger of a newer version",
    ),
  },
  {
    name: "suspend-is-no-time",
    file: "queue/clock.ts",
    edits: [["    this.#offset += suspendedMs;\n", ""]],
    killedBy: suspend(
      ": delays and dedupe windows end while the machine is suspended",
    ),
  },
  {
    name: "who-waits-sleeps-through-a-suspend",
    file: "queue/ledger_log.ts",
    edits: [["return Math.min(ms, lookMs)", "return ms"]],
    killedBy: suspend(
      ": who waits is given what has become due while the machine was suspended",
    ),
  },
  {
    name: "entry-is-applied-twice",
    file: "queue/ledger/reducer.ts",
    edits: [[
      "  if (messages[id] ?? dead[id] ?? finished?.[id]) return;\n",
      "",
    ]],
    killedBy: {
      file: "tests/queue/attach_test.ts",
      test:
        "MiniQueue.attach(): an entry applied once more leaves a delivery under way as it is",
    },
  },
];
