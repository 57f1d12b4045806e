/** Mutants of consumers and of Web Streams. */
import type { Mutant } from "./mutant.ts";

const of = (file: string) => (test: string) => ({
  file: `tests/store/${file}_test.ts`,
  test,
});
const consumer = of("consumer");
const rewritten = of("consumer_rewritten");
const streams = of("streams");

export const CONSUME_MUTANTS: readonly Mutant[] = [
  {
    name: "position-without-its-name",
    file: "store/consume/position_file.ts",
    edits: [[
      "import { replaceFileDurably } from",
      "import { replaceFile as replaceFileDurably } from",
    ]],
    killedBy: {
      file: "tests/crash/consumer_test.ts",
      test:
        "a consumer's position survives a power cut after every call, in every way: here",
    },
  },
  {
    name: "compaction-by-a-position-that-may-go",
    file: "store/consume/hold.ts",
    edits: [["    await fs.syncDirectory(directory);\n", ""]],
    killedBy: of("held_back")(
      "compact() makes the positions durable before it removes anything",
    ),
  },
  {
    name: "consumer-of-what-is-not-durable",
    file: "store/consume/live_log.ts",
    edits: [[
      "    const live = new DurableEnd(this.#writer);\n    if (position",
      "    const live = this.#writer;\n    if (position",
    ]],
    killedBy: consumer("a consumer is given only what is durable"),
  },
  {
    name: "consumer-beside-of-what-is-not-durable",
    file: "store/consume/file_log.ts",
    edits: [[
      "await nextLines(tail, this.#end);",
      "(await this.#end.refresh(), await nextLines(tail, undefined));",
    ]],
    killedBy: of("consumer_beside")(
      "MiniStore.consumer() gives a record once a later one proves that it is durable",
    ),
  },
  {
    name: "position-of-another-past",
    file: "store/consume/placed.ts",
    edits: [[" && chain !== after.chain)", " && seq < 0)"]],
    killedBy: of("consumer_beside")(
      "MiniStore.consumer() notices that the log was rewritten",
    ),
  },
  {
    name: "position-lost-at-a-clean-end",
    file: "store/read/header.ts",
    edits: [["    before = encodeClose(base, before).chain;\n", ""]],
    killedBy: rewritten(
      "a position is that of its log across clean ends, also if only the next segment is left",
    ),
  },
  {
    name: "commit-of-what-was-not-given",
    file: "store/consume/log_consumer.ts",
    edits: [["    if (seq <= this.#given) return;\n", "    return;\n"]],
    killedBy: of("consumer_commit")(
      "commit() refuses a number before the position, and one that was not given",
    ),
  },
  {
    name: "reset-to-what-is-removed-meanwhile",
    file: "store/consume/log_consumer.ts",
    edits: [["      await this.#assertLeft(seq);\n", ""]],
    killedBy: of("held_back")(
      "reset() says so where compaction removes what it goes back to",
    ),
  },
  {
    name: "reset-beside-a-compaction",
    file: "store/consume/live_log.ts",
    edits: [["    await this.#writer.compacted();\n", ""]],
    killedBy: of("held_back")(
      "reset() waits for a compaction that has not seen the new position",
    ),
  },
  {
    name: "stream-acknowledges-early",
    file: "store/streams.ts",
    edits: [[
      "        await log.append(units);\n",
      "        log.append(units).catch(() => {});\n",
    ]],
    killedBy: streams(
      "MiniStore.writable() resolves a write once its record is durable",
    ),
  },
  {
    name: "stream-of-what-it-refuses",
    file: "store/streams.ts",
    edits: [["      if (!stream.isClosing) ", "      "]],
    killedBy: of("streams_refused")(
      "MiniStore.writable() appends no record that it refuses",
    ),
  },
  {
    name: "stream-with-a-gap",
    file: "store/streams.ts",
    edits: [[
      "      if (units.length === 0) throw next.error;\n      break;\n",
      "      if (units.length === 0) throw next.error;\n      continue;\n",
    ]],
    killedBy: streams(
      "MiniStore.writable() fails with its first record that cannot be appended, and keeps those before it",
    ),
  },
  {
    name: "take-a-position-with-a-wrong-checksum",
    file: "store/consume/position.ts",
    edits: [[" || !isIntact(line, 0)) return", ") return"]],
    killedBy: {
      file: "tests/crash/damage_beside_test.ts",
      test:
        "no damage to the position of a consumer has it pass over a record, or take any other for its place",
    },
  },
];
