/** Mutants of whose files are, and of what is no file of ours. */
import type { Mutant } from "./mutant.ts";

const shared = (test: string) => ({
  file: "tests/store/shared_test.ts",
  test:
    `StateManager.open() in a directory that others can write refuses ${test}`,
});
const owner = (test: string) => ({ file: "tests/store/owner_test.ts", test });

export const OWNER_MUTANTS: readonly Mutant[] = [
  {
    name: "new-files-belong-to-their-maker",
    file: "fs/atomic_file.ts",
    edits: [["  yield* wait(ours.own?.(model));\n", ""]],
    killedBy: owner(
      "MiniStore keeps owner, group and mode whatever root makes of a journal: recovered, rotated, set aside",
    ),
  },
  {
    name: "owned-after-fsync",
    file: "fs/atomic_file.ts",
    edits: [
      [
        "  const file = yield* created(calls, staging, temporary);\n",
        "  const file = yield* wait(calls.create(temporary, 0o600));\n",
      ],
      [
        "    yield* wait(calls.of(file).sync());\n    return file;\n",
        "    yield* wait(calls.of(file).sync());\n" +
        "    const like = yield* wait(calls.stat(staging.like));\n" +
        "    if (like !== undefined) yield* wait(calls.of(file).own?.(like));\n" +
        "    return file;\n",
      ],
    ],
    killedBy: {
      file: "tests/crash/power_cut_test.ts",
      test:
        "MiniStore survives a power cut after every call, in every way: files that a group may read",
    },
  },
  {
    name: "mode-that-nobody-may-change-is-lost",
    file: "fs/atomic_file.ts",
    edits: [["(differsInMode(made, model))", "(differsInMode(made, made))"]],
    killedBy: owner(
      "MiniStore keeps the mode of a journal where a sandbox lets nobody change it",
    ),
  },
  {
    name: "owner-is-locked-out",
    file: "fs/atomic_file.ts",
    edits: [[
      "  const why = lockedOut(model, made);\n",
      "  const why = undefined;\n",
    ]],
    killedBy: owner("MiniStore.open() locks nobody out: its owner, mode 600"),
  },
  {
    name: "snapshots-belong-to-their-maker",
    file: "state/directory.ts",
    edits: [["    like: journal,\n", ""]],
    killedBy: owner(
      "StateManager makes snapshots whose the journal is, and keeps its mode",
    ),
  },
  {
    name: "lock-belongs-to-its-maker",
    file: "store/lock.ts",
    edits: [["fs.stat(path) === undefined", "fs.stat(path) === null"]],
    killedBy: owner(
      "MiniStore keeps owner, group and mode whatever root makes of a journal: recovered, rotated, set aside",
    ),
  },
  {
    name: "hard-link-for-a-lock",
    file: "fs/lock_note.ts",
    edits: [["  if (links > 1) return", "  if (links > 2) return"]],
    killedBy: {
      file: "tests/store/hard_links_test.ts",
      test:
        "MiniStore.open() replaces a lock with a second name whatever a crash has left of its note",
    },
  },
  {
    name: "hard-link-for-a-journal",
    file: "store/recover.ts",
    edits: [["(found?.links ?? 1) > 1", "(found?.links ?? 1) > 2"]],
    killedBy: {
      file: "tests/store/hard_links_test.ts",
      test:
        "MiniStore.open() writes nothing into a copy by hard links of a log that is closed, nor into its original",
    },
  },
  {
    name: "modes-that-nobody-keeps",
    file: "fs/ownership.ts",
    edits: [["(found) && !isOpenToOthers(made)", "(found)"]],
    killedBy: {
      file: "tests/store/shared_test.ts",
      test:
        "StateManager.open() continues where a file system keeps no modes, and all can write everything",
    },
  },
  {
    name: "any-file-for-a-lock",
    file: "fs/lock_note.ts",
    edits: [[
      "  return START.startsWith(",
      "  return true || START.startsWith(",
    ]],
    killedBy: {
      file: "tests/store/lock_test.ts",
      test:
        "MiniStore.open() writes nothing into what stands in place of its lock file and is none",
    },
  },
  {
    name: "traps-are-taken",
    file: "fs/atomic_file.ts",
    edits: [[
      "  if (!await runLater(isShared(calls, staging))) return;\n",
      "  if (await runLater(isShared(calls, staging))) return;\n",
    ]],
    killedBy: shared("a journal.jsonl that is another user's"),
  },
  {
    name: "what-others-can-write-is-taken",
    file: "fs/ownership.ts",
    edits: [[
      "  if (isOpenToOthers(found) && !isOpenToOthers(made)) {",
      "  if (isOpenToOthers(found) && false) {",
    ]],
    killedBy: shared("a journal.jsonl that others can write"),
  },
];
