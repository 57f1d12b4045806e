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
    edits: [["after(this.#active.sync(calls), ", "after(undefined, "]],
    killedBy: powerCut("appends one after another"),
  },
  {
    name: "acknowledge-before-fsync",
    file: "store/write/writer.ts",
    edits: [["durable: isDurable, at,", "durable: false, at,"], [
      "        return { first, bytes };\n",
      "        commit.resolve(first);\n" +
      "        const report = { first, bytes };\n" +
      "        const synced = calls.run(this.#segments.sync(calls));\n" +
      "        return synced instanceof Promise ? synced.then(() => report) : report;\n",
    ]],
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
      "      calls.of(this.#file).sync(),\n",
      "      settle(\n        () => calls.of(this.#file).sync(),\n" +
      "        () => {},\n        () => calls.of(this.#file).sync(),\n      ),\n",
    ]],
    killedBy: failure(
      "fsync fails with EIO: the log is poisoned, and nothing more is written",
    ),
  },
  {
    name: "failed-append-does-not-poison",
    file: "store/write/poison.ts",
    edits: [[
      "    this.failure = poisoned(this.#path, error);\n" +
      "    this.#onFailure(this.failure);\n" +
      "    this.#failed.resolve(this.failure);\n    return this.failure;\n",
      "    return poisoned(this.#path, error);\n",
    ]],
    killedBy: failure(
      "fsync fails with EIO: the log is poisoned, and nothing more is written",
    ),
  },
  {
    name: "keep-a-lost-log-to-oneself",
    file: "store/write/poison.ts",
    edits: [["    this.#failed.resolve(this.failure);\n", ""]],
    killedBy: {
      file: "tests/state/watch_test.ts",
      test: "StateManager tells of a log that is lost while nobody appends",
    },
  },
  {
    name: "reuse-number-after-failed-fsync",
    file: "store/write/active_segment.ts",
    edits: [[
      "    return after(\n      calls.of(this.#file).sync(),\n" +
      "      () => void (this.isSynced = true),\n    );\n",
      "    return settle(\n      () => calls.of(this.#file).sync(),\n" +
      "      () => void (this.isSynced = true),\n" +
      '      (error) => {\n        throw failed(this.#context, error, "sync");\n      },\n    );\n',
    ]],
    killedBy: failingCalls("concurrent appends"),
  },
  {
    name: "no-space-keeps-part-of-write",
    file: "store/write/active_segment.ts",
    edits: [[
      "        return after(calls.run(this.#cutBack(calls)), () => {\n",
      "        return after(undefined, () => {\n",
    ]],
    killedBy: failure(
      "write fails with ENOSPC: nothing of it is kept, and the log continues",
    ),
  },
  {
    name: "cut-back-without-fsync",
    file: "store/write/active_segment.ts",
    edits: [[
      "    yield calls.of(this.#file).truncate(this.sizeBytes);\n    yield* wait(this.sync(calls));\n",
      "    yield calls.of(this.#file).truncate(this.sizeBytes);\n",
    ]],
    killedBy: failure(
      "write fails with ENOSPC: what was refused does not come back after a power cut",
    ),
  },
  {
    name: "failed-mark-stays",
    file: "store/write/active_segment.ts",
    edits: [[
      "        yield* attempt(() => calls.run(this.#cutBack(calls)));\n",
      "",
    ]],
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
      "        yield* wait(this.write(calls, encode(chain)));\n        yield* wait(this.sync(calls));\n",
      "        yield* wait(this.write(calls, encode(chain)));\n",
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
      "    yield* wait(this.#active.sync(calls));\n    yield* wait(this.#assertOurs(calls));\n    this.#active.durable",
      "    yield* wait(this.#active.sync(calls));\n    this.#active.durable",
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
    edits: [[
      "if (isOurs) return;",
      "return;",
    ]],
    killedBy: {
      file: "tests/store/lock_test.ts",
      test: "MiniStore stops writing when its lock file was removed",
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
      "const [durable, { chain }] = [this.#durable, this.#segments];",
      "const [durable, { chain }] = [first - 1, this.#segments];",
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
