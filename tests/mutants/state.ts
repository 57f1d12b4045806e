/** Mutants of snapshots and of the state manager. */
import type { Mutant } from "./mutant.ts";

const snapCuts = {
  file: "tests/crash/snap_test.ts",
  test: "SnapStore survives a power cut after every call, in every way",
};
const powerCut = (workload: string) => ({
  file: "tests/crash/state_test.ts",
  test:
    `StateManager survives a power cut after every call, in every way: ${workload}`,
});
const snapshots = (test: string) => ({
  file: "tests/state/snapshot_test.ts",
  test: `StateManager${test}`,
});

export const STATE_MUTANTS: readonly Mutant[] = [
  {
    name: "snapshot-without-fsync",
    file: "fs/atomic_file.ts",
    edits: [[
      "    yield* wait(fill(file));\n    yield* wait(calls.of(file).sync());\n",
      "    yield* wait(fill(file));\n",
    ]],
    killedBy: snapCuts,
  },
  {
    name: "snapshot-name-without-directory-fsync",
    file: "snap/snap_store.ts",
    edits: [["      await this.#syncNameOf(path);\n", ""]],
    killedBy: snapCuts,
  },
  {
    name: "prune-before-the-new-one-is-durable",
    file: "snap/snap_store.ts",
    edits: [[
      "      await this.#syncNameOf(path);\n" +
      "      await pruneSnapshots(this.#fs, this.dir, this.#keep, [...needed, seq])\n" +
      "        .catch(() => []);\n",
      "      await pruneSnapshots(this.#fs, this.dir, this.#keep, [...needed, seq])\n" +
      "        .catch(() => []);\n" +
      "      await this.#syncNameOf(path);\n",
    ]],
    killedBy: snapCuts,
  },
  {
    name: "prune-without-directory-fsync",
    file: "snap/directory.ts",
    edits: [["  if (removed.length > 0) await fs.syncDirectory(dir);\n", ""]],
    killedBy: snapCuts,
    equivalent:
      "a snapshot whose removal is lost is one more to fall back to, and is removed with the next",
  },
  {
    name: "snapshot-is-not-read-back",
    file: "snap/snap_store.ts",
    edits: [["      () => verifySnapshot(fs, temporary),\n", ""]],
    killedBy: {
      file: "tests/snap/failure_test.ts",
      test:
        "SnapStore.create() replaces nothing by a snapshot that reads back differently",
    },
  },
  {
    name: "accept-wrong-checksum-of-a-snapshot",
    file: "snap/envelope.ts",
    edits: [[
      "said === undefined ? undefined : said === hex(crc)",
      'said === undefined ? undefined : hex(crc) !== ""',
    ]],
    killedBy: {
      file: "tests/snap/damage_test.ts",
      test:
        "SnapStore.restore() sets a damaged snapshot aside, whatever bit is flipped, and falls back",
    },
  },
  {
    name: "unfinished-snapshots-stay",
    file: "snap/directory.ts",
    edits: [["    await fs.remove(join(dir, name));\n", ""]],
    killedBy: {
      file: "tests/snap/failure_test.ts",
      test: "SnapStore.prune() removes what unfinished snapshots have left",
    },
  },
  {
    name: "snapshot-ahead-of-its-log",
    file: "state/compaction/compaction.ts",
    edits: [["await this.#noting(async () => await this.#log.sync?.());", ""]],
    killedBy: {
      file: "tests/state/manager_test.ts",
      test:
        "StateManager.createSnapshot() makes the log durable as far as the snapshot stands",
    },
  },
  {
    name: "number-taken-apart-from-its-state",
    file: "state/compaction/compaction.ts",
    edits: [
      [
        "  async #beginAtBoundary(isCompaction: boolean): Promise<Begun> {\n",
        "  async #beginAtBoundary(isCompaction: boolean): Promise<Begun> {\n" +
        "    const { sequence } = this.#applier;\n",
      ],
      [
        "? await this.#begin(isCompaction)",
        "? await this.#begin(isCompaction, sequence)",
      ],
      [
        "  async #begin(isCompaction = false): Promise<",
        "  async #begin(isCompaction = false, sequence = this.#applier.sequence): Promise<",
      ],
      [
        "this.#create(needed, captured.resolve);",
        "this.#create(needed, captured.resolve, sequence);",
      ],
      [
        "    onCaptured: () => void,\n  ): Promise<SnapshotInfo> {\n",
        "    onCaptured: () => void,\n    sequence: number,\n  ): Promise<SnapshotInfo> {\n",
      ],
      [
        "    const { state, sequence, loggedBytes, meter } = this.#applier;\n",
        "    const { state, loggedBytes, meter } = this.#applier;\n",
      ],
    ],
    killedBy: {
      file: "tests/state/abort_test.ts",
      test:
        "StateManager takes state and number of a snapshot in one step, also one that takes its time",
    },
  },
  {
    name: "delete-before-the-snapshot",
    file: "state/compaction/compaction.ts",
    edits: [[
      "      const { seq } = await created;\n" +
      "      return ",
      "      await this.#log.rotate?.();\n" +
      "      await this.#log.compact(this.#applier.sequence);\n" +
      "      const { seq } = await created;\n" +
      "      return ",
    ]],
    killedBy: powerCut("compaction under concurrent applies"),
  },
  {
    name: "compact-to-the-newest-snapshot",
    file: "state/compaction/compaction.ts",
    edits: [[
      "(await this.#snapshots.list())[0]?.seq",
      "(await this.#snapshots.list()).at(-1)?.seq",
    ]],
    killedBy: snapshots(
      ".compact() keeps the log back to the oldest kept snapshot",
    ),
  },
  {
    name: "compact-to-an-unusable-snapshot",
    file: "state/compaction/compaction.ts",
    edits: [["oldest > this.#unusable && ", ""]],
    killedBy: {
      file: "tests/state/version_test.ts",
      test:
        "StateManager.compact() keeps the log that a snapshot of another version cannot stand for",
    },
  },
  {
    name: "log-behind-its-snapshot-is-removed",
    file: "store/write/segment_set.ts",
    edits: [[
      "      fs.rename(path, paths.aside(base, names));\n",
      "      fs.remove(base < 0 ? String(names) : path);\n",
    ]],
    killedBy: {
      file: "tests/state/aside_test.ts",
      test:
        "StateManager sets aside, and removes nothing of, a log that a snapshot is ahead of",
    },
  },
  {
    name: "set-aside-over-what-is-there",
    file: "store/journal.ts",
    edits: [["names.includes(basename(path)); count++", "false; count++"]],
    killedBy: {
      file: "tests/state/aside_test.ts",
      test:
        "StateManager sets aside, and removes nothing of, a log that a snapshot is ahead of",
    },
  },
  {
    name: "use-numbers-of-a-lost-log-again",
    file: "state/recover.ts",
    edits: [[
      "    await log.resetTo(snapshotSequence, rebuilt.logId);\n",
      "",
    ]],
    killedBy: snapshots(
      " continues after a snapshot that is ahead of the log, and uses no number twice",
    ),
  },
  {
    name: "accept-a-gap-behind-the-snapshot",
    file: "state/rebuild.ts",
    edits: [[
      "if (log.firstSequence > from && to >= from) {",
      "if (log.firstSequence > from && to < 0) {",
    ]],
    killedBy: snapshots(
      " refuses a gap between snapshot and log, naming both numbers",
    ),
  },
  {
    name: "accept-the-snapshot-of-another-log",
    file: "state/rebuild.ts",
    edits: [[
      "    if (seq > 0 && log.sequence > 0) assertSame(",
      "    if (seq < 0) assertSame(",
    ]],
    killedBy: {
      file: "tests/state/log_test.ts",
      test:
        "StateManager refuses a snapshot that belongs to another log, and says which",
    },
  },
  {
    name: "apply-before-the-log-is-durable",
    file: "state/applier.ts",
    edits: [[
      "        pending.seq = seq;\n        this.#settle(pending);\n",
      "",
    ], [
      "    const settled = appended.then(\n",
      "    pending.seq = this.sequence + 1;\n" +
      "    this.#settle(pending);\n" +
      "    const settled = appended.then(\n",
    ]],
    killedBy: {
      file: "tests/state/manager_test.ts",
      test:
        "StateManager shows nothing before it is durable, and reads never wait",
    },
  },
  {
    name: "apply-without-fsync",
    file: "state/applier.ts",
    edits: [[
      "    const options: AppendOptions = { durable, applied: this.#appliedNow };\n",
      "    const options: AppendOptions = { durable: false, applied: this.#appliedNow };\n",
    ]],
    killedBy: powerCut("applies"),
  },
  {
    name: "half-applied-state-stays",
    file: "state/applier.ts",
    edits: [[
      "      this.#state = (await rebuildWithout(this.#sources, seq)).state;\n",
      "      await rebuildWithout(this.#sources, seq);\n",
    ]],
    killedBy: {
      file: "tests/state/abort_test.ts",
      test:
        "StateManager.apply() that throws is recorded as aborted and has no effect, live and on replay",
    },
  },
  {
    name: "abort-is-not-recorded",
    file: "state/applier.ts",
    edits: [[
      "    this.#change.fire();\n    for (const seq of aborts.takeUnwritten()) this.#recordAbort(seq);\n",
      "    this.#change.fire();\n    aborts.takeUnwritten();\n",
    ]],
    killedBy: {
      file: "tests/state/abort_test.ts",
      test: "StateManager keeps a recorded abort when apply no longer throws",
    },
  },
  {
    name: "abort-found-on-opening-is-not-recorded",
    file: "state/recover.ts",
    edits: [["  if (isDecided) await applier.recordAborts();\n", ""]],
    killedBy: {
      file: "tests/state/replay_abort_test.ts",
      test:
        "StateManager.open() records what it aborts, so that it stays aborted whatever apply becomes",
    },
  },
  {
    name: "log-the-mutation-by-reference",
    file: "state/applier.ts",
    edits: [[
      "    return encodeEntry(text, JSON.parse(text), isBatch, this.#sources);\n",
      "    return encodeEntry(text, given, isBatch, this.#sources);\n",
    ]],
    killedBy: {
      file: "tests/state/manager_test.ts",
      test:
        "StateManager.apply() takes the mutation as it is at the call, and aliases nothing",
    },
  },
];
