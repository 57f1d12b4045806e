/** Mutants of what is forwarded to JetStream, and copied there. No test of these needs a server. */
import type { Mutant } from "./mutant.ts";

const lives = {
  file: "tests/jetstream/forward_faults_test.ts",
  test:
    "forward() loses nothing, doubles nothing and keeps the order, whatever gets lost, late or repeated",
};

export const FORWARD_MUTANTS: readonly Mutant[] = [
  {
    name: "forward-without-an-expectation",
    file: "jetstream/forward/target.ts",
    edits: [["{ lastOfSubject: at }", "at > 0 ? {} : {}"]],
    killedBy: lives,
  },
  {
    name: "forward-after-the-position",
    file: "jetstream/forward/plan.ts",
    edits: [["Math.max(sent, first - 1)", "Math.max(position, first - 1)"]],
    killedBy: lives,
  },
  {
    name: "take-what-was-refused-for-stored",
    file: "jetstream/forward/target.ts",
    edits: [[
      'if (answer === "moved") throw new Interruption();',
      'if (answer === "moved") return at;',
    ]],
    killedBy: lives,
  },
  {
    name: "begin-behind-a-message-of-somebody-else",
    file: "jetstream/forward/target.ts",
    edits: [[" ?? await this.#lastBefore(at)", ""]],
    killedBy: lives,
  },
  {
    name: "believe-a-server-that-is-behind",
    file: "jetstream/forward/forwarder.ts",
    edits: [["const LOOKS = 3;", "const LOOKS = 1;"]],
    killedBy: {
      file: "tests/streams/forward_test.ts",
      test:
        "forward() does not believe at once that the stream has less than it has acknowledged",
    },
  },
  {
    name: "forward-another-record-in-the-place-of-one",
    file: "jetstream/forward/source.ts",
    edits: [["if (!isSame(sendable(record).body, body))", "if (false)"]],
    killedBy: {
      file: "tests/streams/forward_test.ts",
      test:
        "forward() is REWRITTEN for a log that was restored from an older copy",
    },
  },
  {
    name: "do-not-say-that-records-are-lost",
    file: "jetstream/forward/forwarder.ts",
    edits: [["if (!options.acceptLoss) throw lost;", ""]],
    killedBy: {
      file: "tests/streams/forward_test.ts",
      test:
        "forward() is COMPACTED where the stream ends before the log begins, and continues with acceptLoss",
    },
  },
  {
    name: "copy-without-what-proves-that-it-was-applied",
    file: "jetstream/move/copy.ts",
    edits: [["{ applied: () => applied }", "{ applied: () => 0 && applied }"]],
    killedBy: {
      file: "tests/streams/move_test.ts",
      test:
        "copyToStream() and copyToDirectory() copy an empty log, and what proves what was applied",
    },
  },
  {
    name: "let-an-unfinished-copy-be-opened",
    file: "jetstream/move/move.ts",
    edits: [["await redescribe(stream, UNFINISHED);", "void UNFINISHED;"]],
    killedBy: {
      file: "tests/streams/move_test.ts",
      test: "a copy that is not finished cannot be opened",
    },
  },
];
