/** Mutants of the lock, of the note in it, and of the names under which a log is found. */
import type { Mutant } from "./mutant.ts";

const lost = (test: string) => ({
  file: "tests/store/lost_header_test.ts",
  test: `MiniStore.open() ${test}`,
});
const system = (test: string) => ({
  file: "tests/store/fs_deno_test.ts",
  test: `systemFileSystem${test}`,
});

const seam = (test: string) => ({
  file: "tests/testing/file_system_suite_test.ts",
  test: `systemFileSystem: ${test}`,
});

const spelled = (test: string) => ({
  file: "tests/store/spelling_test.ts",
  test: `MiniStore ${test}`,
});

export const LOCK_MUTANTS: readonly Mutant[] = [
  {
    name: "open-what-a-link-points-to",
    file: "fs/runtime/open_regular.ts",
    edits: [['found.kind !== "file"', 'found.kind === "other"']],
    killedBy: seam("open() rejects with ELOOP if the path is a symbolic link"),
  },
  {
    name: "another-file-is-opened",
    file: "fs/runtime/open_regular.ts",
    edits: [[
      "calls.fstat(file).identity === found?.identity",
      "found !== undefined",
    ]],
    killedBy: {
      file: "tests/security/links_test.ts",
      test:
        "nothing outside is read or written where a link takes the place of journal.jsonl while it is opened, and taken away again",
    },
  },
  {
    name: "what-comes-again-is-merged",
    file: "snap/pretty_reader.ts",
    edits: [
      ['`"${this.#again}":`', "`${JSON.stringify(key)}:`"],
      ["key === this.#again", "key === inner.key"],
    ],
    killedBy: {
      file: "tests/snap/blocks_test.ts",
      test:
        "SnapStore.restore() takes what is longer than a block as the value of a name, and then another",
    },
  },
  {
    name: "a-file-for-a-directory",
    file: "fs/runtime/file_system.ts",
    edits: [[
      '    if (found?.kind === "file") throw failure("ENOTDIR", path);\n',
      "",
    ]],
    killedBy: seam(
      "createDirectory() rejects with ENOTDIR if the path, or a part of it, is a file",
    ),
  },
  {
    name: "ignore-the-lock",
    file: "fs/deno.ts",
    edits: [[
      "await file.tryLock(true) ? () => file.unlock() : undefined",
      "(await file.tryLock(true), () => {})",
    ]],
    killedBy: {
      file: "tests/store/lock_test.ts",
      test:
        "MiniStore.open() refuses a second handle in the process, and says what to do",
    },
  },
  {
    name: "note-names-no-log",
    file: "store/open.ts",
    edits: [["    await nameLog(lock, recovered.header.journal);\n", ""]],
    killedBy: lost("refuses a log that was cut to nothing while it was closed"),
  },
  {
    name: "note-of-the-next-opening-names-no-log",
    file: "fs/lock_note.ts",
    edits: [[
      "    : encodeLockNote({ ...next, log });",
      "    : encodeLockNote(next);",
    ]],
    killedBy: lost(
      "keeps the log in the lock's note at every moment of a later opening",
    ),
  },
  {
    name: "reader-passes-over-a-lost-header",
    file: "store/read/segments.ts",
    edits: [[
      "  assertNeverBegun(active, await tracesOf(context));\n",
      "",
    ]],
    killedBy: lost("refuses a log that was cut to nothing while it was closed"),
  },
  {
    name: "lock-a-file-without-a-name",
    file: "fs/runtime/lock.ts",
    edits: [["      if (!await held.isCurrent()) continue;\n", ""]],
    killedBy: system(
      ".lock() takes no lock on a file that was removed before it was locked",
    ),
  },
  {
    name: "writer-keeps-another-spelling",
    file: "store/open.ts",
    edits: [[
      "    const context = await asListed(asked, names);\n    const { paths }",
      "    const context = asked;\n    const { paths }",
    ]],
    killedBy: spelled(
      "finds all segments where the file system does not tell case",
    ),
  },
  {
    name: "segments-in-several-spellings",
    file: "store/spelling.ts",
    edits: [[
      "  if (segments.size > 1) throw mixed(paths, [...segments]);\n",
      "",
    ]],
    killedBy: spelled("refuses segments that are spelled in several ways"),
  },
];
