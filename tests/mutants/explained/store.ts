import type { Explanations } from "../mutant.ts";

const SLOWER_LINE =
  "the line is parsed by the way of those of another make, with the same outcome";

/** Mutations of `store/` that break nothing. */
export const STORE: Explanations = {
  "store/consume/given_lines.ts": [
    [
      "if (this.#lines.length > MAX_LINES) this.#lines.splice(0, MAX_LINES / 2);",
      "drop call",
      "more lines are remembered",
    ],
    [
      "this.#lines.splice(0, this.#find(seq));",
      "drop call",
      "lines are remembered that nobody asks for",
    ],
  ],
  "store/consume/log_consumer.ts": [
    [
      "lines.forgetBefore(upTo);",
      "drop call",
      "lines are remembered that nobody asks for",
    ],
  ],
  "store/consume/segment_lines.ts": [
    [
      "stopper.end();",
      "drop call",
      "the signal is that of one iteration, and goes with it",
    ],
  ],
  "store/corruption.ts": [
    [
      "for (let left = offset; left > 0;) {",
      "> to >=",
      "a read of no bytes gives none, and ends the loop",
    ],
  ],
  "store/format/scanner.ts": [
    [
      "while (good < end) {",
      "< to <=",
      "no line is intact behind the last newline",
    ],
  ],
  "store/format/shape.ts": [
    [
      "for (let index = 0; index < name.length; index++) {",
      "< to <=",
      SLOWER_LINE,
    ],
    ["return true;", "true to false", SLOWER_LINE],
    [
      "for (let digit; (digit = bytes[cursor]! - 0x30) >= 0 && digit <= 9;) {",
      ">= to >",
      SLOWER_LINE,
    ],
    [
      "for (let digit; (digit = bytes[cursor]! - 0x30) >= 0 && digit <= 9;) {",
      "<= to <",
      SLOWER_LINE,
    ],
    [
      "const isPadded = bytes[start] === 0x30 && cursor > start + 1;",
      "> to >=",
      SLOWER_LINE,
    ],
  ],
  "store/format/rust.ts": [
    [
      "while (end > 0 && rest[end - 1] === 0) end--;",
      "> to >=",
      "no byte stands before the first",
    ],
  ],
  "store/format/tail.ts": [
    [
      "for (let index = 0; index < line.length; index++) {",
      "< to <=",
      "behind the last byte is none that is looked for",
    ],
    [
      "if (tail.length > 0 && tail[tail.length - 1] === 0) {",
      "> to >=",
      "no byte stands before the first",
    ],
    [
      "(start = tail.indexOf(0, start)) !== -1 && start < lineBytes;",
      "< to <=",
      "where the line ends stands a newline, or nothing",
    ],
  ],
  "store/read/follow.ts": [
    [
      "for (let end; (end = lines.indexOf(NEWLINE, start)) >= 0; start = end + 1) {",
      ">= to >",
      "no verified line is empty",
    ],
  ],
  "store/read/log_reader.ts": [
    [
      "return this.firstSequence > to ? 0 : await seqAt(reading, time);",
      "drop await",
      "who calls an asynchronous function awaits what it returns",
    ],
  ],
  "store/read/log_tail.ts": [
    [
      "#isFresh = false;",
      "false to true",
      "it is set with each segment that is opened",
    ],
    [
      "else this.#isFresh = true;",
      "true to false",
      "what was just read is verified again",
    ],
    [
      ".filter((_, index) => index % 2 === 0 || index > MAX_PLACES / 2);",
      "> to >=",
      "the one in the middle is even",
    ],
  ],
  "store/read/lookout.ts": [
    [
      "#isHinted = false;",
      "false to true",
      "the first wait is none, and a look more is made",
    ],
  ],
  "store/read/native_segments.ts": [
    [
      "return first === undefined ? undefined : await readLastTime(context, path);",
      "drop await",
      "who calls an asynchronous function awaits what it returns",
    ],
  ],
  "store/read/segment_reader.ts": [
    [
      "for (let done = 0; done < found.length;) {",
      "< to <=",
      "a read of no bytes gives none, and ends the loop",
    ],
    [
      "if (this.#taken >= this.#limit) return undefined;",
      ">= to >",
      "a read of no bytes gives none",
    ],
  ],
  "store/read/segments.ts": [
    [
      "if (base === undefined) return { value: undefined, isStable: true };",
      "true to false",
      "it looks again, and the last look counts",
    ],
    [
      "return { value: undefined, isStable: true };",
      "true to false",
      "it looks again, and the last look counts",
    ],
  ],
  "store/read/until_stable.ts": [
    [
      "if (pauseMs > 0) await pause(pauseMs);",
      "> to >=",
      "a pause of no length is made",
    ],
  ],
  "store/recover.ts": [
    [
      "? await rewrite(context, closed, ending, sealed)",
      "drop await",
      "who calls an asynchronous function awaits what it returns",
    ],
    [
      ": await openClosed(context, closed, sealed);",
      "drop await",
      "who calls an asynchronous function awaits what it returns",
    ],
  ],
  "store/recover_rust.ts": [
    [
      "isMarked: false,",
      "false to true",
      "no mark is written into a journal of the Rust program",
    ],
  ],
  "store/write/commit_queue.ts": [
    [
      "return this.#chars === 0 || this.#chars + chars <= MAX_COMMIT_CHARS;",
      "<= to <",
      "fewer appends share a commit",
    ],
    [
      "for (let turn = 0; turn < SETTLE_TURNS; turn++) await undefined;",
      "drop await",
      "fewer appends share a commit",
    ],
    [
      "for (let turn = 0; turn < SETTLE_TURNS; turn++) await undefined;",
      "< to <=",
      "it waits a turn longer for appends that share a commit",
    ],
  ],
  "store/write/turns.ts": [
    [
      "this.#isCommitting = true;",
      "true to false",
      "several loops take commits from one queue, one at a time and in order",
    ],
    [
      "await this.#queue.settle();",
      "drop await",
      "fewer appends share a commit",
    ],
    [
      "await this.#queue.settle();",
      "drop call",
      "fewer appends share a commit",
    ],
  ],
};
