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
];
