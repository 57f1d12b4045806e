/** Mutants of how files are made, opened, read and judged; and of the seam to the system. */
import type { Mutant } from "./mutant.ts";

const CUTS = "MiniStore survives a power cut after every call, in every way";

const powerCut = (workload: string) => ({
  file: "tests/crash/power_cut_test.ts",
  test: `${CUTS}: ${workload}`,
});
const recovery = (test: string) => ({
  file: "tests/store/recovery_test.ts",
  test: `MiniStore.open() ${test}`,
});
const judges = (row: string) => ({
  file: "tests/store/torn_or_corrupt_test.ts",
  test: `MiniStore.open() judges ${row}`,
});
const system = (test: string) => ({
  file: "tests/store/fs_deno_test.ts",
  test: `systemFileSystem${test}`,
});

export const STORE_MUTANTS: readonly Mutant[] = [
  {
    name: "replay-waits-for-what-is-gone",
    file: "store/read/replay.ts",
    edits: [[
      "    if (segment.lines.next > to) return await segment.reader.close();\n",
      "",
    ]],
    killedBy: {
      file: "tests/testing/log_suite_test.ts",
      test:
        "MiniStore in memory: rotate() lets compact() remove everything that was appended so far",
    },
  },
  {
    name: "new-file-without-fsync",
    file: "fs/atomic_file.ts",
    edits: [[
      "    yield* wait(fill(file));\n    yield* wait(calls.of(file).sync());\n",
      "    yield* wait(fill(file));\n",
    ]],
    killedBy: powerCut("appends one after another"),
  },
  {
    name: "rename-before-fsync",
    file: "fs/atomic_file.ts",
    edits: [
      [
        "    yield* wait(fill(file));\n    yield* wait(calls.of(file).sync());\n",
        "    yield* wait(fill(file));\n",
      ],
      [
        "    await fs.rename(temporary, target);\n",
        "    await fs.rename(temporary, target);\n    await file.sync();\n",
      ],
    ],
    killedBy: powerCut("appends one after another"),
  },
  {
    name: "new-name-without-directory-fsync",
    file: "fs/atomic_file.ts",
    edits: [["    await staging.fs.syncDirectory(staging.directory);\n", ""]],
    killedBy: powerCut("appends one after another"),
  },
  {
    name: "rewrite-without-fsync",
    file: "store/recover.ts",
    edits: [[
      "  return await replaceFileDurably(staging, paths.active, fill, check);\n",
      "  const { fs, temporary, mode, directory } = staging;\n" +
      "  const file = await fs.create(temporary, mode);\n" +
      "  await fill(file);\n  await check?.();\n" +
      "  await fs.rename(temporary, paths.active);\n" +
      "  await fs.syncDirectory(directory);\n  return file;\n",
    ]],
    killedBy: powerCut("appends one after another"),
  },
  {
    name: "rewrite-without-directory-fsync",
    file: "store/recover.ts",
    edits: [[
      "  return await replaceFileDurably(staging, paths.active, fill, check);\n",
      "  return await replaceFile(staging, paths.active, fill, check);\n",
    ], [
      "import { replaceFileDurably }",
      "import { replaceFileDurably, replaceFile }",
    ]],
    killedBy: {
      file: "tests/crash/killed_names_test.ts",
      test:
        "MiniStore: what is appended after a recovery is there after a power cut",
    },
  },
  {
    name: "go-on-in-an-unclean-file",
    file: "store/recover.ts",
    edits: [[
      '  if (ending.kind === "clean" && scan.seal !== undefined) {',
      '  if (ending.kind === "clean") {',
    ]],
    killedBy: recovery(
      "gives an unclean journal a new file before showing a record",
    ),
  },
  {
    name: "rewrite-is-not-read-back",
    file: "store/recover.ts",
    edits: [[
      "      end = await readBack(context, keepBytes + added.length);\n",
      "      end = await readBack(context, keepBytes + added.length)\n" +
      "        .catch(() => scan);\n",
    ]],
    killedBy: recovery(
      "keeps what it has where a copy of it reads back differently",
    ),
  },
  {
    name: "torn-bytes-are-thrown-away",
    file: "store/recover.ts",
    edits: [["  if (torn.length > 0) {", "  if (false) {"]],
    killedBy: recovery("keeps the bytes it cuts off and says so"),
  },
  {
    name: "clean-end-is-not-synced",
    file: "store/recover.ts",
    edits: [["    await file.sync();\n", ""]],
    killedBy: {
      file: "tests/crash/killed_names_test.ts",
      test:
        "MiniStore: a mark that a killed process has not synced is durable before a segment follows it",
    },
  },
  {
    name: "go-on-behind-the-mark",
    file: "store/recover.ts",
    edits: [["closed = { ...scan, ...scan.seal };", "closed = scan;"]],
    killedBy: {
      file: "tests/crash/killed_names_test.ts",
      test:
        "MiniStore: nothing follows mark 2 of a clean end where it is shown and will never be on the disk",
    },
  },
  {
    name: "open-without-directory-fsync",
    file: "store/open.ts",
    edits: [["    await fs.syncDirectory(directory);\n", ""]],
    killedBy: {
      file: "tests/crash/killed_names_test.ts",
      test:
        "MiniStore: a removal that a process could not sync is durable before that of the next one",
    },
  },
  {
    name: "opening-leaves-the-tmp-file",
    file: "store/open.ts",
    edits: [["      await removeTemporary(fs, paths.temporary);\n", ""]],
    killedBy: recovery("removes what a rotation that was cut off has left"),
  },
  {
    name: "tmp-file-is-in-the-way",
    file: "fs/atomic_file.ts",
    edits: [["  yield* removed(calls, temporary);\n", ""]],
    killedBy: {
      file: "tests/snap/failure_test.ts",
      test:
        "SnapStore.create() makes the snapshot that one that was cut off had begun",
    },
  },
  {
    name: "failed-file-stays",
    file: "fs/atomic_file.ts",
    edits: [["  yield* attempt(() => calls.remove(temporary));\n", ""]],
    killedBy: {
      file: "tests/snap/failure_test.ts",
      test: "SnapStore.create() leaves no file behind when write fails",
    },
  },
  {
    name: "cut-at-corruption",
    file: "store/format/tail.ts",
    edits: [[
      '  if (proof !== undefined) return { kind: "corrupt", reason: proof };\n',
      '  if (proof !== undefined) return { kind: "torn", reason: proof };\n',
    ]],
    killedBy: judges("a bad line, and a later line that says it was durable"),
  },
  {
    name: "cut-at-wrong-checksum",
    file: "store/format/tail.ts",
    edits: [[
      '      kind: "corrupt",\n      reason: `record ${place.next} is complete',
      '      kind: "torn",\n      reason: `record ${place.next} is complete',
    ]],
    killedBy: judges("a complete last line with a wrong checksum and no NULs"),
  },
  {
    name: "accept-wrong-checksum",
    file: "store/format/line.ts",
    edits: [[
      "  if (!isIntact(lines.subarray(start, -1), before)) return undefined;\n",
      "",
    ]],
    killedBy: {
      file: "tests/crash/damage_test.ts",
      test: "no flipped bit of an open segment loses a record in silence",
    },
  },
  {
    name: "accept-damage-in-a-sealed-segment",
    file: "store/recover.ts",
    edits: [[
      '  await judgeEnd(context, scan, "sealed");\n',
      "",
    ]],
    killedBy: {
      file: "tests/store/outsiders_test.ts",
      test:
        "MiniStore.open() refuses a damaged sealed segment that no segment follows",
    },
  },
  {
    name: "accept-a-missing-segment",
    file: "store/recover.ts",
    edits: [[
      "  checkContinuity(scan.path, scan.header, expected);\n  const ending",
      "  const ending",
    ]],
    killedBy: judges(
      "a segment whose header does not vouch for the one before",
    ),
  },
  {
    name: "ignore-short-write",
    file: "fs/runtime/system_file.ts",
    edits: [[
      "      done += assertSome(written);",
      "      done += rest.length;",
    ]],
    killedBy: system(" writes the rest after a short write"),
  },
  {
    name: "system-does-not-sync-files",
    file: "fs/runtime/system_file.ts",
    edits: [[
      "    return run(() => this.#calls.sync(this.#file));",
      "    return Promise.resolve();",
    ]],
    killedBy: system(" syncs the file before an append resolves"),
  },
  {
    name: "system-does-not-sync-directories",
    file: "fs/runtime/file_system.ts",
    edits: [["    await calls.sync(directory);\n", ""]],
    killedBy: system(".syncDirectory() syncs the directory itself"),
  },
  {
    name: "system-does-not-sync-new-directories",
    file: "fs/runtime/file_system.ts",
    edits: [["      await syncDirectory(calls, above);\n", ""]],
    killedBy: system(
      ".createDirectory() syncs the directory above each one that it makes",
    ),
  },
  {
    name: "look-at-the-journal-before-fsync",
    file: "store/write/segment_set.ts",
    edits: [[
      "      return after(this.#active.sync(calls), () => {\n" +
      "        watch.synced();\n        return this.#assertOurs(calls);\n      });\n",
      "      return after(this.#assertOurs(calls), () =>\n" +
      "        after(this.#active.sync(calls), () => watch.synced()));\n",
    ]],
    killedBy: {
      file: "tests/store/outsiders_test.ts",
      test:
        "the active file was unlinked by someone while it was synced: nothing is acknowledged",
    },
  },
];
