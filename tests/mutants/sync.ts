/** Mutants of synchronous appends. */
import type { Mutant } from "./mutant.ts";

const appendSync = (test: string) => ({
  file: "tests/store/append_sync_test.ts",
  test: `MiniStore.appendSync() ${test}`,
});

export const SYNC_MUTANTS: readonly Mutant[] = [
  {
    name: "write-behind-a-commit-under-way",
    file: "store/write/turns.ts",
    edits: [[
      "    if (commit === undefined) return;\n    this.#tasks++;\n",
      "    if (commit === undefined) return;\n",
    ], [
      "    return after(this.#make(calls, commit), () => void this.#tasks--);\n",
      "    return this.#make(calls, commit);\n",
    ]],
    killedBy: appendSync(
      "throws BUSY while a commit is under way, and loses nothing",
    ),
  },
  {
    name: "write-before-a-task-that-was-asked-for",
    file: "store/write/turns.ts",
    edits: [[
      "    const last = this.#queue.closeLast();\n    this.#tasks++;\n",
      "    const last = this.#queue.closeLast();\n",
    ], [
      "      } finally {\n        this.#tasks--;\n      }\n",
      "      } finally {\n        this.#queue.closeLast();\n      }\n",
    ]],
    killedBy: appendSync(
      "throws BUSY after a call of another task, which comes first",
    ),
  },
  {
    name: "take-one-commit-along",
    file: "store/write/turns.ts",
    edits: [[
      "    while (!this.#queue.isEmpty) this.#commitNext(calls);\n",
      "    if (!this.#queue.isEmpty) this.#commitNext(calls);\n",
    ]],
    killedBy: appendSync(
      "writes commits that wait one after another, where they are too large for one",
    ),
  },
  {
    name: "synchronous-append-that-fails-succeeds",
    file: "store/write/writer.ts",
    edits: [[
      "    if (commit.first === undefined) throw commit.error;\n    return commit.first + before;\n",
      "    return (commit.first ?? 0) + before;\n",
    ]],
    killedBy: {
      file: "tests/store/append_sync_failure_test.ts",
      test:
        "MiniStore.appendSync() on a full disk throws NO_SPACE, and the log continues",
    },
  },
  {
    name: "synchronous-fsync-does-nothing",
    file: "fs/runtime/system_file.ts",
    edits: [[
      "sync: () => runSync(() => calls.syncSync(file)),",
      "sync: () => {},",
    ]],
    killedBy: appendSync(
      "returns the number once the record is durable, and appends the lines of append()",
    ),
  },
  {
    name: "synchronous-rotation-does-not-sync-names",
    file: "fs/runtime/file_system.ts",
    edits: [["          calls.syncSync(open);\n", ""]],
    killedBy: appendSync("syncs the names that its rotation changes"),
  },
  {
    name: "removed-by-an-age-that-is-not-known",
    file: "store/write/keep.ts",
    edits: [[
      "    if (at === undefined || at >= before) break;\n",
      "    if (at! >= before) break;\n",
    ]],
    killedBy: appendSync(
      "removes by age what opening has read, and leaves the rest to append()",
    ),
  },
];
