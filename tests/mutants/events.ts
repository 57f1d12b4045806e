/** Mutants of events and outcomes. */
import type { Mutant } from "./mutant.ts";

const events = (test: string) => ({
  file: "tests/queue/events_test.ts",
  test: `MiniQueue.events() ${test}`,
});

export const EVENT_MUTANTS: readonly Mutant[] = [
  {
    name: "what-an-aborted-record-did-is-told",
    file: "queue/events/hub.ts",
    edits: [[
      "    this.#told = [];\n    this.#ledger = ledger;\n    this.#recent.clear(sequence + 1);\n",
      "    this.#ledger = ledger;\n    if (this.#recent.start === Infinity) this.#recent.clear(sequence + 1);\n",
    ]],
    killedBy: {
      ...events("tells nothing of a record that was aborted"),
      file: "tests/queue/events_host_test.ts",
    },
  },
  {
    name: "slow-reader-misses-what-is-forgotten",
    file: "queue/events/recent.ts",
    edits: [[
      "      this.start = seq + 1;\n",
      "      this.start = Math.min(this.start, seq);\n",
    ]],
    killedBy: events("misses nothing, however slow the reader is"),
  },
  {
    name: "event-belongs-to-the-record-before",
    file: "queue/events/hub.ts",
    edits: [[
      "const seq = this.#source.sequence + 1;",
      "const seq = this.#source.sequence;",
    ]],
    killedBy: events(
      "tells what becomes of messages, live as from the past, and in a view",
    ),
  },
  {
    name: "outcome-looks-and-subscribes-later",
    file: "queue/events/outcome.ts",
    edits: [[
      "    this.#follow();\n    const letGo",
      "    setTimeout(() => this.#follow());\n    const letGo",
    ]],
    killedBy: {
      file: "tests/queue/outcome_test.ts",
      test:
        "MiniQueue.outcome() waits for a message that is acknowledged without a result",
    },
  },
  {
    name: "view-events-begin-at-what-was-taken-back",
    file: "queue/view.ts",
    edits: [[
      "isFitting ||= this.#view.resets === resets;",
      "isFitting ||= resets >= 0;",
    ]],
    killedBy: {
      file: "tests/queue/view_events_test.ts",
      test:
        "QueueView.events() tells what is on record though records are taken back as it begins",
    },
  },
  {
    name: "update-is-passed-over-by-a-delivery",
    file: "queue/producer.ts",
    edits: [["this.#log.hold(id);", "() => {};"]],
    killedBy: {
      file: "tests/queue/update_test.ts",
      test:
        "MiniQueue.update() holds for a message that somebody receives while it is being logged",
    },
  },
  {
    name: "outcome-misses-a-result-given-before",
    file: "queue/events/outcome.ts",
    edits: [["    this.#noteResult(delivery);\n", ""]],
    killedBy: {
      file: "tests/queue/whole_test.ts",
      test:
        "MiniQueue.outcome() is told the result of an ack that was called before, where each record makes another state",
    },
  },
  {
    name: "what-is-on-record-is-not-told-at-the-end",
    file: "queue/events/hub.ts",
    edits: [[
      "const sequence = Math.min(source.sequence, this.#end);",
      "const sequence = this.#end < Infinity ? 0 : source.sequence;",
    ]],
    killedBy: {
      file: "tests/queue/events_host_test.ts",
      test:
        "MiniQueue.events() tells all that is on record once its queue is closed, where each record makes another state",
    },
  },
  {
    name: "log-is-read-on-an-old-copy",
    file: "queue/events/hub.ts",
    edits: [["        copy = undefined;\n", ""]],
    killedBy: {
      file: "tests/queue/events_host_test.ts",
      test:
        "MiniQueue.events() continues with the log each time that the state was rebuilt before a reader was told",
    },
  },
  {
    name: "events-of-several-records-are-of-one",
    file: "queue/events/hub.ts",
    edits: [[
      "if (this.#told.at(-1)?.seq !== seq)",
      "if (this.#told.length === 0)",
    ]],
    killedBy: {
      file: "tests/queue/events_host_test.ts",
      test:
        "MiniQueue.events() begins at any record, also of several that were written together",
    },
  },
  {
    name: "observer-that-ends-twice-takes-others-along",
    file: "queue/ledger/effects.ts",
    edits: [[
      "  return () => void observers.delete(observer);\n",
      "  return () => {\n    observers.delete(observer);\n    if (observers.size === 0) OBSERVERS.delete(ledger);\n  };\n",
    ]],
    killedBy: {
      file: "tests/queue/outcome_test.ts",
      test:
        "MiniQueue.outcome() takes nothing from a cancel that is being logged, where others have waited before",
    },
  },
  {
    name: "events-end-early-without-a-word",
    file: "queue/events/hub.ts",
    edits: [[
      "      throw isEarly ? closedEarly(error) : error;\n",
      "      if (!isEarly) throw error;\n",
    ]],
    killedBy: events(
      "says so where the queue was closed before all of the past was read",
    ),
  },
  {
    name: "past-is-asked-for-once-its-copy-is-there",
    file: "queue/events/hub.ts",
    edits: [[
      "        const entries = past?.entries(range);\n        copy ??= await ledgerBefore(next, past?.at);\n",
      "        copy ??= await ledgerBefore(next, past?.at);\n        const entries = past?.entries(range);\n",
    ]],
    killedBy: events(
      "tells the past that it was reading when the queue was closed",
    ),
  },
];
