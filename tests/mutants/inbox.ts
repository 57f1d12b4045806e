/** Mutants of the inbox: each lets a message be lost, or enqueued twice. */
import type { Mutant } from "./mutant.ts";

const crash = (test: string) => ({
  file: "tests/crash/inbox_test.ts",
  test: `MiniQueue: ${test}`,
});
const trouble = (test: string) => ({
  file: "tests/queue/inbox_trouble_test.ts",
  test: `MiniQueue: ${test}`,
});
const POWER_CUTS = crash(
  "what was posted is in the ledger once, after a power cut at every call of either side",
);

export const INBOX_MUTANTS: readonly Mutant[] = [
  {
    name: "posted-before-its-name-is-durable",
    file: "queue/inbox/post.ts",
    edits: [["    await fs.syncDirectory(inbox);\n", ""]],
    killedBy: POWER_CUTS,
  },
  {
    name: "posts-overtake-each-other",
    file: "queue/inbox/post.ts",
    edits: [[
      "    return this.#mutex.run(async () => {\n",
      "    return Promise.resolve(this.#mutex).then(async () => {\n",
    ]],
    killedBy: {
      file: "tests/queue/post_test.ts",
      test:
        "MiniQueue.post(): a message never gets into the inbox before one that was posted earlier",
    },
  },
  {
    name: "file-is-removed-before-its-entry-is-durable",
    file: "queue/inbox/inbox.ts",
    edits: [["      await entered;\n", "      entered.catch(() => {});\n"]],
    killedBy: POWER_CUTS,
  },
  {
    name: "file-is-gone-before-its-removal-is-durable",
    file: "queue/inbox/inbox.ts",
    edits: [[
      "      await this.#folder.sync();\n",
      "      if (names.length < 0) await this.#folder.sync();\n",
    ]],
    killedBy: crash(
      "what was taken in and acknowledged does not come back after a power cut at any call",
    ),
  },
  {
    name: "removal-is-trusted-after-a-failed-sync",
    file: "queue/inbox/inbox.ts",
    edits: [[
      "      for (const name of removed) this.#doubtful.add(name);\n",
      "",
    ]],
    killedBy: trouble("a removal that is not durable is not on record"),
  },
  {
    name: "listing-is-taken-for-a-snapshot",
    file: "queue/inbox/inbox.ts",
    edits: [[
      '    return names.filter((name) => name <= (last.get(producerOf(name)) ?? ""));\n',
      "    return names;\n",
    ]],
    killedBy: {
      file: "tests/queue/inbox_test.ts",
      test:
        "MiniQueue keeps the order of a producer where a listing shows only the later of two files",
    },
  },
  {
    name: "file-overtakes-one-whose-commit-fails",
    file: "queue/inbox/inbox.ts",
    edits: [[
      "        if (bytes > MAX_BYTES && files.length > 0) {\n",
      "        if (bytes < 0) {\n",
    ]],
    killedBy: trouble(
      "no file overtakes one of its producer whose commit fails",
    ),
  },
  {
    name: "snapshot-forgets-the-files",
    file: "queue/ledger/codec.ts",
    edits: [["  for (const name in inbox) yield { inbox: name };\n", ""]],
    killedBy: trouble(
      "messages whose file cannot be removed are in the ledger once",
    ),
  },
  {
    name: "file-that-is-known-is-enqueued",
    file: "queue/ledger/reducer.ts",
    edits: [[
      "    if (from === undefined || !ledger.inbox?.[from]) enqueue(ledger, message);\n",
      "    if (from !== null) enqueue(ledger, message);\n",
    ]],
    killedBy: {
      file: "tests/queue/inbox_test.ts",
      test:
        "applyToLedger() enqueues the messages of a file once, until the file is gone",
    },
  },
];
