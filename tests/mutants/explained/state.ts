import type { Explanations } from "../mutant.ts";

/** Mutations of `state/` that break nothing. */
export const STATE: Explanations = {
  "state/aborts.ts": [
    [
      "this.#unacknowledged.clear();",
      "drop call",
      "a view clears them, and only one who writes asks for them",
    ],
    [
      "let begun = first < this.#knownFrom ? this.#after(first) : undefined;",
      "< to <=",
      "what is begun is never read",
    ],
    [
      "this.knowFrom(known.#knownFrom);",
      "drop call",
      "aborts that are known are read once more",
    ],
  ],
  "state/applier.ts": [
    [
      "this.#recording.delete(seq);",
      "drop call",
      "what was recorded stays in memory",
    ],
    [
      "this.#fail(this.failure);",
      "drop call",
      "the step that it is in ends with the failure",
    ],
    [
      "this.#isApplying = true;",
      "true to false",
      "a further step finds nothing to apply",
    ],
    [
      "if (checkpoint !== undefined && checkpoint.seq <= seq) {",
      "<= to <",
      "the checkpoint stays in memory, and gives the state of the snapshot",
    ],
  ],
  "state/checkpoint.ts": [
    [
      "return this.#isComplete && this.#texts.length <= FEW_RECORDS;",
      "<= to <",
      "a checkpoint is made a record sooner",
    ],
    [
      "if (!this.#isComplete || seq <= this.#last) return;",
      "<= to <",
      "the checkpoint is given up, and the log is read instead",
    ],
    [
      "this.#isComplete = seq === this.#last + 1 && this.#chars <= MAX_CHARS &&",
      "<= to <",
      "a character less is kept",
    ],
    [
      "this.#texts.length < MAX_RECORDS;",
      "< to <=",
      "a record more is kept",
    ],
    [
      "for (const text of texts) yield await JSON.parse(text);",
      "drop await",
      "an asynchronous generator awaits what it yields",
    ],
  ],
  "state/compaction/auto_cadence.ts": [
    [
      "const isLight = weightOf(state, bytes / FACTOR) <= bytes / FACTOR;",
      "<= to <",
      "a snapshot is made a byte later",
    ],
    [
      "return loggedBytes >= this.#dueAt;",
      ">= to >",
      "a snapshot is made a byte later",
    ],
    [
      "const isDue = loggedBytes - this.#begin >= FACTOR * this.#sizeBytes;",
      ">= to >",
      "a snapshot is made a byte later",
    ],
    [
      "return sizeBytes !== undefined && sizeBytes > 0 ? sizeBytes : 0;",
      "> to >=",
      "it is 0 in both cases",
    ],
  ],
  "state/compaction/compaction.ts": [
    [
      "? await this.#begin(isCompaction)",
      "drop await",
      "the function around it gives the promise to who awaits it",
    ],
  ],
  "state/directory.ts": [
    [
      "return log.id === undefined && log.sequence > 0;",
      "> to >=",
      "an empty log is identified again at its first record",
    ],
    [
      "return { log, snapshots, isRust: false, identify };",
      "false to true",
      "identify() says it before a record is read",
    ],
  ],
  "state/manager.ts": [
    [
      "ended.then(() => this.#tasks.delete(ended));",
      "drop call",
      "tasks that have ended stay in memory",
    ],
  ],
  "state/rebuild.ts": [
    [
      "else if (from <= to && to < log.sequence) await aborts.learnFrom(from);",
      "< to <=",
      "the aborts are read before the records, and with them again",
    ],
    [
      "if (sources.isView || to === log.sequence) aborts.knowFrom(from);",
      "drop call",
      "aborts that are known are read once more",
    ],
    [
      "if (checkpoint !== undefined && checkpoint.seq <= upTo) {",
      "<= to <",
      "the same state is made from a snapshot",
    ],
  ],
  "state/view/follower.ts": [
    [
      "#isApart = false;",
      "false to true",
      "it is set before anybody has the view",
    ],
    [
      "for (let looks = 0; looks < 2; looks++) {",
      "< to <=",
      "the log is looked at once more",
    ],
    [
      "letGo();",
      "drop call",
      "the signal keeps in memory what has ended",
    ],
    [
      "await next.catch(() => {});",
      "drop await",
      "return() waits for it too",
    ],
  ],
  "state/view/past_aborts.ts": [
    [
      "if (seq > from || seq <= this.#to) return;",
      "<= to <",
      "the past is read once more",
    ],
  ],
  "state/view/promote.ts": [
    [
      "if (!isCurrent || newest > state.sequence) return undefined;",
      "> to >=",
      "the same state is made from the snapshot",
    ],
    [
      "if (!mayPass(error) || leftMs <= 0) throw error;",
      "<= to <",
      "the lock is tried once more",
    ],
  ],
  "state/view/view.ts": [
    [
      "child.abort();",
      "drop call",
      "what is not waited for any more stays in memory until it comes",
    ],
    [
      "await view.#closeOwnLog();",
      "drop await",
      "the files are closed a moment later, and a failure of that is caught",
    ],
    [
      "letGo();",
      "drop call",
      "the signals keep in memory what has ended",
    ],
    [
      "await this.close().catch(() => {});",
      "drop await",
      "the files that the view has read are closed a moment later",
    ],
  ],
  "state/view/view_state.ts": [
    [
      "#isIdentified = false;",
      "false to true",
      "make() sets it before a record is taken in",
    ],
    [
      "#isTorn = false;",
      "false to true",
      "make() sets it before anybody has the view",
    ],
  ],
  "state/view/watch.ts": [
    [
      "for (const stop of letGo) stop();",
      "drop call",
      "the signals keep in memory what has ended",
    ],
  ],
};
