/** Mutants of the log on JetStream. No test of these needs a server. */
import type { Mutant } from "./mutant.ts";

const lives = {
  file: "tests/streams/faults_test.ts",
  test:
    "a log on JetStream loses nothing that it has acknowledged, and doubles nothing, whatever gets lost, late or repeated",
};
const rules = {
  file: "tests/streams/faults_test.ts",
  test:
    "a log on JetStream keeps the rules of a log where nothing goes wrong, and where answers are lost",
};

export const JETSTREAM_MUTANTS: readonly Mutant[] = [
  {
    name: "write-without-an-expectation",
    file: "jetstream/log/commit.ts",
    edits: [["publish(message, { last })", "publish(message)"]],
    killedBy: lives,
  },
  {
    name: "take-over-without-a-fence",
    file: "jetstream/log/take_over.ts",
    edits: [
      [
        "    () => stream.publish({ subject, headers, body: NOTHING }),\n",
        "    async () => headers && subject && NOTHING && { seq: (await stream.facts())!.last + 1 },\n",
      ],
    ],
    killedBy: lives,
  },
  {
    name: "fence-only-what-has-not-moved",
    file: "jetstream/log/take_over.ts",
    edits: [
      [
        "publish({ subject, headers, body: NOTHING })",
        "publish({ subject, headers, body: NOTHING }, { last: 0 })",
      ],
    ],
    killedBy: rules,
  },
  {
    name: "do-not-read-back-what-is-in-doubt",
    file: "jetstream/log/commit.ts",
    edits: [
      [
        '      if (found === "ours") return { last: last + 1, seq: last + 1 };\n',
        "",
      ],
      [
        '    return "ours";\n',
        '    return "stray";\n',
      ],
    ],
    killedBy: lives,
  },
  {
    name: "believe-a-refusal-while-an-earlier-try-is-in-doubt",
    file: "jetstream/log/commit.ts",
    edits: [["      if (!isInDoubt) return", "      return"]],
    killedBy: lives,
  },
  {
    name: "do-not-look-whose-message-it-is",
    file: "jetstream/log/commit.ts",
    edits: [
      [
        'if (meaning.id === headers["Mini-Commit"] && meaning.epoch === epoch) {',
        "if (epoch > 0 && headers !== undefined) {",
      ],
    ],
    killedBy: {
      file: lives.file,
      test:
        "a log on JetStream is not deposed by the beginning of an earlier owner that comes late",
    },
  },
  {
    name: "purge-the-last-commit",
    file: "jetstream/log/log.ts",
    edits: [["purge({ seq: kept.at })", "purge({ seq: kept.at + 1 })"]],
    killedBy: rules,
  },
  {
    name: "take-a-stream-that-discards-the-oldest",
    file: "jetstream/settings.ts",
    edits: [['  discard: ["new"],\n', '  discard: ["new", "old"],\n']],
    killedBy: {
      file: "tests/jetstream/settings_test.ts",
      test:
        "jetStream() refuses a stream that discards its oldest records when it is full",
    },
  },
  {
    name: "read-over-a-hole-in-a-row",
    file: "jetstream/stream.ts",
    edits: [
      [
        "if (message.seq !== seq + row.length) break;",
        "if (!(message.seq >= seq + row.length)) break;",
      ],
    ],
    killedBy: lives,
  },
  {
    name: "believe-any-server-about-the-last-commit",
    file: "jetstream/log/reading.ts",
    edits: [["          this.#assertSame(found.commit, last);\n", ""]],
    killedBy: {
      file: "tests/jetstream/replay_test.ts",
      test:
        "a log on JetStream is CORRUPT where a server has another commit at its end than the one that leads",
    },
  },
];
