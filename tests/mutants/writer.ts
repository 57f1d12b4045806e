/** Mutants of what writes the log. */
import type { Mutant } from "./mutant.ts";

const CUTS = "MiniStore survives a power cut after every call, in every way";
const FAULTS = "MiniStore survives every call failing, once and from then on";

const powerCut = (workload: string) => ({
  file: "tests/crash/power_cut_test.ts",
  test: `${CUTS}: ${workload}`,
});
const failingCalls = (workload: string) => ({
  file: "tests/crash/failing_calls_test.ts",
  test: `${FAULTS}: ${workload}`,
});
const failure = (test: string) => ({
  file: "tests/store/failure_test.ts",
  test,
});
const outsiders = (test: string) => ({
  file: "tests/store/outsiders_test.ts",
  test,
});

export const WRITER_MUTANTS: readonly Mutant[] = [
  {
    name: "append-without-fsync",
    file: "store/write/segment_set.ts",
    edits: [["durable ? await this.#active.sync() : 0", "0"]],
    killedBy: powerCut("appends one after another"),
  },
  {
    name: "acknowledge-before-fsync",
    file: "store/write/writer.ts",
    edits: [
      ["    { units, records, isDurable }: Commit,\n", "    commit: Commit,\n"],
      [
        "    const first = this.sequence + 1;\n",
        "    const { units, records, isDurable } = commit;\n" +
        "    const first = this.sequence + 1;\n",
      ],
      [
        "    const took = await this.#poison.guard(() =>\n" +
        "      this.#segments.append(encoded, { durable: isDurable, at })\n    );\n",
        "    const took = await this.#poison.guard(async () => {\n" +
        "      const took = await this.#segments.append(encoded, { durable: false, at });\n" +
        "      commit.resolve(first);\n" +
        "      if (isDurable) await this.#segments.sync();\n" +
        "      return took;\n    });\n",
      ],
    ],
    killedBy: failure(
      "fsync fails with EIO: the log is poisoned, and nothing more is written",
    ),
  },
  {
    name: "batch-keeps-lazy-mode",
    file: "store/write/commit_queue.ts",
    edits: [["this.isDurable ||= isDurable;", "this.isDurable = isDurable;"]],
    killedBy: {
      file: "tests/store/append_test.ts",
      test:
        "MiniStore.append() shares its fsync with appends that do not wait for one, in any order",
    },
  },
  {
    name: "retry-failed-fsync",
    file: "store/write/active_segment.ts",
    edits: [[
      "    await this.#file.sync();\n",
      "    await this.#file.sync().catch(() => this.#file.sync());\n",
    ]],
    killedBy: failure(
      "fsync fails with EIO: the log is poisoned, and nothing more is written",
    ),
  },
  {
    name: "failed-append-does-not-poison",
    file: "store/write/poison.ts",
    edits: [[
      "      this.failure = poisoned(this.#path, error);\n" +
      "      this.#onFailure(this.failure);\n" +
      "      this.#failed.resolve(this.failure);\n      throw this.failure;\n",
      "      throw poisoned(this.#path, error);\n",
    ]],
    killedBy: failure(
      "fsync fails with EIO: the log is poisoned, and nothing more is written",
    ),
  },
  {
    name: "keep-a-lost-log-to-oneself",
    file: "store/write/poison.ts",
    edits: [["      this.#failed.resolve(this.failure);\n", ""]],
    killedBy: {
      file: "tests/state/watch_test.ts",
      test: "StateManager tells of a log that is lost while nobody appends",
    },
  },
  {
    name: "reuse-number-after-failed-fsync",
    file: "store/write/active_segment.ts",
    edits: [[
      "    await this.#file.sync();\n    this.isSynced = true;\n",
      "    try {\n      await this.#file.sync();\n    } catch (error) {\n" +
      '      throw fromOs(error, "sync", "the log continues", { directory: "", path: "" });\n' +
      "    }\n    this.isSynced = true;\n",
    ]],
    killedBy: failingCalls("concurrent appends"),
  },
  {
    name: "no-space-keeps-part-of-write",
    file: "store/write/active_segment.ts",
    edits: [[
      "      if (!isNoSpace(error)) throw error;\n      await this.#cutBack();\n",
      "      if (!isNoSpace(error)) throw error;\n",
    ]],
    killedBy: failure(
      "write fails with ENOSPC: nothing of it is kept, and the log continues",
    ),
  },
  {
    name: "cut-back-without-fsync",
    file: "store/write/active_segment.ts",
    edits: [[
      "    await this.#file.truncate(this.sizeBytes);\n    await this.sync();\n",
      "    await this.#file.truncate(this.sizeBytes);\n",
    ]],
    killedBy: failure(
      "write fails with ENOSPC: what was refused does not come back after a power cut",
    ),
  },
  {
    name: "failed-mark-stays",
    file: "store/write/active_segment.ts",
    edits: [["      await this.#cutBack().catch(() => {});\n", ""]],
    killedBy: failure(
      "close() fails to write its mark: every record is there, and the next open() says unclean",
    ),
    equivalent:
      "one mark alone proves nothing, so opening calls the end unclean with it as without it; a second one is written only once the first is durable",
  },
  {
    name: "mark-without-fsync",
    file: "store/write/active_segment.ts",
    edits: [[
      "        await this.write(encode(chain));\n        await this.sync();\n",
      "        await this.write(encode(chain));\n",
    ]],
    killedBy: powerCut("open and close"),
    equivalent:
      "every record was synced before the marks, and opening syncs what it finds: marks that are lost cost it a recovery, and nothing else",
  },
  {
    name: "ignore-identity-of-active-file",
    file: "store/write/active_segment.ts",
    edits: [[
      "named?.identity === this.#identity && named.sizeBytes",
      "named?.sizeBytes",
    ]],
    killedBy: outsiders(
      "the active file was replaced by one of the size that ours will have: the log is poisoned",
    ),
  },
  {
    name: "ignore-size-of-active-file",
    file: "store/write/active_segment.ts",
    edits: [[" && named.sizeBytes === this.sizeBytes", ""]],
    killedBy: outsiders(
      "the active file was cut or grown in place by someone: the log is poisoned",
    ),
  },
  {
    name: "sync-of-another-file",
    file: "store/write/segment_set.ts",
    edits: [[
      "    await this.#active.sync();\n    await this.#assertOurs();\n    this.#active.durable",
      "    await this.#active.sync();\n    this.#active.durable",
    ]],
    killedBy: {
      file: "tests/store/outsiders_test.ts",
      test:
        "what nobody waited for is not called durable where its file was replaced by someone",
    },
  },
  {
    name: "ignore-lost-lock-file",
    file: "store/write/segment_set.ts",
    edits: [["if (await this.#lock.isCurrent()) return;", "return;"]],
    killedBy: {
      file: "tests/store/lock_test.ts",
      test: "MiniStore stops writing when its lock file was removed",
    },
  },
  {
    name: "rotate-without-syncing-the-old",
    file: "store/write/writer.ts",
    edits: [[
      "    await this.#sync();\n    await this.rotation.seal(this.sequence);\n",
      "    await this.rotation.seal(this.sequence);\n",
    ]],
    killedBy: powerCut("records nobody waits for, and rotation"),
  },
  {
    name: "next-segment-without-fsync",
    file: "store/write/segment_set.ts",
    edits: [[
      "      file = await stageFile(\n        this.#context.staging,\n" +
      "        (file) => file.write(bytes),\n      );\n",
      "      file = await fs.create(paths.temporary, 0o600);\n" +
      "      await file.write(bytes);\n",
    ]],
    killedBy: powerCut("records nobody waits for, and rotation"),
  },
  {
    name: "sealed-name-without-directory-fsync",
    file: "store/write/segment_set.ts",
    edits: [[
      "      await fs.rename(paths.active, sealedPath);\n      await syncNames();\n",
      "      await fs.rename(paths.active, sealedPath);\n",
    ]],
    killedBy: powerCut("rotation"),
  },
  {
    name: "active-name-without-directory-fsync",
    file: "store/write/segment_set.ts",
    edits: [[
      "      await fs.rename(paths.temporary, paths.active);\n      await syncNames();\n",
      "      await fs.rename(paths.temporary, paths.active);\n",
    ]],
    killedBy: powerCut("rotation"),
  },
  {
    name: "half-a-rotation-stays",
    file: "store/write/segment_set.ts",
    edits: [["      await this.#takeBackName(sealedPath);\n", ""]],
    killedBy: failure(
      "rotation fails half-way between its two renames: the log continues in the old segment",
    ),
  },
  {
    name: "name-taken-back-without-directory-fsync",
    file: "store/write/segment_set.ts",
    edits: [[
      "      await fs.rename(sealedPath, paths.active);\n" +
      "      await fs.syncDirectory(paths.directory);\n",
      "      await fs.rename(sealedPath, paths.active);\n",
    ]],
    killedBy: {
      file: "tests/crash/killed_names_test.ts",
      test:
        "MiniStore: a name that a failed rotation has taken back is durable before the log continues",
    },
  },
  {
    name: "compaction-without-directory-fsync",
    file: "store/write/segment_set.ts",
    edits: [[
      "      await this.#context.fs.syncDirectory(this.#context.paths.directory);\n",
      "",
    ]],
    killedBy: powerCut("compaction"),
  },
  {
    name: "compaction-removes-too-much",
    file: "store/write/segment_set.ts",
    edits: [["(next?.base ?? this.base) <= upTo", "oldest.base <= upTo"]],
    killedBy: {
      file: "tests/store/rotate_test.ts",
      test:
        "MiniStore.compact() removes whole segments up to a number, oldest first",
    },
  },
  {
    name: "drop-durable-field",
    file: "store/format/line.ts",
    edits: [[
      '    if (durable !== seq - 1) text += `"durable":${durable},`;\n',
      "",
    ]],
    killedBy: powerCut("batches"),
  },
  {
    name: "durable-field-says-too-much",
    file: "store/write/writer.ts",
    edits: [[
      "format.encode(units, first, this.#durable, chain, at)",
      "format.encode(units, first, first - 1, chain, at)",
    ]],
    killedBy: powerCut("records nobody waits for"),
  },
  {
    name: "show-what-is-not-acknowledged",
    file: "store/write/segment_set.ts",
    edits: [[
      "this.#active.readableBytes : Infinity",
      "this.#active.sizeBytes : Infinity",
    ]],
    killedBy: {
      file: "tests/store/follow_test.ts",
      test: "MiniStore.follow() gives no record whose fsync fails",
    },
  },
];
