import type { Explanations } from "../mutant.ts";

/** Mutations of `queue/` that break nothing. */
export const QUEUE: Explanations = {
  "queue/delivery/cancels.ts": [
    [
      "this.#unobserve();",
      "drop call",
      "the observer that is left notes for handlers that run what another notes too",
    ],
  ],
  "queue/delivery/leases.ts": [
    [
      "if (at < Infinity) this.#deadlines.push({ lease, at });",
      "< to <=",
      "a deadline that never comes is the last one, and is never due",
    ],
  ],
  "queue/entry_batcher.ts": [
    [
      "pending.chars + chars <= MAX_ENTRY_CHARS && isSame(pending.stamp, stamp);",
      "<= to <",
      "messages that just fit go into an entry of their own",
    ],
  ],
  "queue/events/hub.ts": [
    [
      "if (--this.#listeners === 0) this.#latest.keep(() => false);",
      "false to true",
      "a reader that begins is told what is noted from then on",
    ],
    [
      "this.#recent.clear(Infinity);",
      "drop call",
      "what is remembered is true, and is forgotten when somebody reads again",
    ],
  ],
  "queue/events/outcome.ts": [
    [
      "letGo();",
      "drop call",
      "an abort rejects what is settled, which does nothing",
    ],
    [
      "this.#forget(id, waiter);",
      "drop call",
      "those who have their outcome are told again, which does nothing",
    ],
  ],
  "queue/inbox/inbox.ts": [
    [
      "const isCut = names.length > MAX_NAMES;",
      "> to >=",
      "a listing that finds nothing after the last name begins again",
    ],
  ],
  "queue/ledger/compaction_policy.ts": [
    [
      "if (this.#total - this.#tried < threshold) return false;",
      "< to <=",
      "the log is compacted a change later",
    ],
  ],
  "queue/ledger/id_index.ts": [
    [
      "if (isMostlyStale(gone, this.size)) this.#tidy();",
      "drop call",
      "ids that are gone are passed over",
    ],
  ],
  "queue/ledger/kept.ts": [
    [
      "if (index.dead.isMostlyStale) INDEXES.delete(ledger);",
      "drop call",
      "an index of which most is stale finds the same",
    ],
  ],
  "queue/queue.ts": [
    [
      "await this.#log.enter({ tick: true }, false).catch(() => {});",
      "false to true",
      "it is on the disk earlier than it has to be",
    ],
  ],
  "queue/telemetry/meter.ts": [
    [
      "this.#since.delete(id);",
      "drop call",
      "no message has the id of one that is gone",
    ],
  ],
  "queue/upkeep.ts": [
    [
      "if (nextKeyExpiry(ledger) > this.#log.now()) return;",
      "> to >=",
      "keys that end in this millisecond stay for another compaction",
    ],
  ],
};
