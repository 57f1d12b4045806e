import { hasCode } from "../../base/errors.ts";
import type { Log } from "../../store/mod.ts";
import type { LogRule, LogTrial } from "./log_trial.ts";

/** The rules of `Log` about appending. */
export const APPEND_RULES: readonly LogRule[] = [
  [
    "a new log has no records: sequence is 0, and firstSequence is 1",
    async (t) => {
      const log = await t.open();
      t.equal([log.sequence, log.firstSequence], [0, 1], "both");
      await t.reads(log.replay(), []);
    },
  ],
  [
    "append() resolves to the number of the record: from 1, without gaps",
    async (t) => {
      const log = await t.open();
      for (const seq of [1, 2, 3]) {
        t.equal(await log.append(`record ${seq}`), seq, "the number");
        t.equal(log.sequence, seq, "sequence");
      }
      t.equal(log.firstSequence, 1, "firstSequence");
    },
  ],
  [
    "append() gives numbers in the order of the calls, and resolves in it",
    async (t) => {
      const log = await t.open();
      const wanted = Array.from({ length: 30 }, (_, index) => index + 1);
      const resolved: number[] = [];
      const appended = wanted.map(async (record) => {
        const seq = await log.append(record);
        resolved.push(seq);
        return seq;
      });
      t.equal(await Promise.all(appended), wanted, "the numbers");
      t.equal(resolved, wanted, "the order in which the calls resolved");
      await t.reads(log.replay(), wanted);
    },
  ],
  ["append() takes the record as it is at the call", async (t) => {
    const log = await t.open();
    const record = { at: "the call", list: [1] };
    const appended = log.append(record);
    record.at = "some other time";
    record.list.push(2);
    await appended;
    record.list.push(3);
    await t.reads(log.replay(), [{ at: "the call", list: [1] }]);
  }],
  ["append() keeps every value that JSON keeps", async (t) => {
    const values = [
      null,
      true,
      0,
      -1.5e-7,
      "",
      "line\nbreak \u2028 \u0000 \u{1f600} \u00e9",
      [],
      {},
      [[null, { a: { b: [1, "2"] } }]],
      { "": 1, "a b": 2, "\n": 3 },
      "x".repeat(100_000),
    ];
    const log = await t.opened(...values);
    await t.reads(log.replay(), values);
    await t.reads((await t.reopen(log)).replay(), values);
  }],
  [
    "append() that rejects has appended nothing, and the log accepts more",
    async (t) => {
      const log = await t.opened("before");
      // No log can keep a function.
      const rejected = log.append({ refused: () => {} });
      const isRefused = await rejected.then(() => false, () => true);
      if (!isRefused) return t.skip("it has not rejected a function");
      t.equal(log.sequence, 1, "sequence");
      t.equal(await log.append("after"), 2, "the number of the next record");
      await t.reads(log.replay(), ["before", "after"]);
    },
  ],
  ["append() resolves once the record is durable", async (t) => {
    const log = await t.opened("a");
    await Promise.all(["b", "c"].map((record) => log.append(record)));
    const left = await t.afterPowerCut();
    t.equal(left.sequence, 3, "sequence after a power cut");
    await t.reads(left.replay(), ["a", "b", "c"]);
  }],
  [
    "append() with durable: false resolves in order too, and the record is read",
    async (t) => {
      const log = await t.open();
      const numbers = await Promise.all([
        log.append("a", { durable: false }),
        log.append("b"),
        log.append("c", { durable: false }),
      ]);
      t.equal(numbers, [1, 2, 3], "the numbers");
      await t.reads(log.replay(), ["a", "b", "c"]);
      await t.reads((await t.reopen(log)).replay(), ["a", "b", "c"]);
    },
  ],
  ["sync() makes durable what was appended with durable: false", async (t) => {
    const log = await t.open();
    if (log.sync === undefined) return t.skip("the log has no sync()");
    await log.append("a", { durable: false });
    await log.append("b", { durable: false });
    await log.sync();
    await t.reads((await t.afterPowerCut()).replay(), ["a", "b"]);
  }],
  [
    "appendSync() appends before it returns, and the appends that wait before that",
    async (t) => {
      const log = await t.open();
      const appendSync = synchronously(t, log);
      const waiting = log.append("a");
      t.equal(appendSync("b"), 2, "the number");
      t.equal(log.sequence, 2, "sequence");
      t.equal(await waiting, 1, "the number of the append that waited");
      t.equal(await log.append("c"), 3, "the number of the next record");
      t.equal(appendSync("d"), 4, "the number of the one after that");
      await t.reads(log.replay(), ["a", "b", "c", "d"]);
      await t.reads((await t.reopen(log)).replay(), ["a", "b", "c", "d"]);
    },
  ],
  ["appendSync() returns once the record is durable", async (t) => {
    synchronously(t, await t.open())("a");
    await t.reads((await t.afterPowerCut()).replay(), ["a"]);
  }],
  ["appendJson() appends as append() does", async (t) => {
    const log = await t.open();
    if (log.appendJson === undefined) {
      return t.skip("the log has no appendJson()");
    }
    const appended = [
      log.append("first"),
      log.appendJson('{"a": [1, 2.50, "\\u00e9"]}'),
      log.append("third"),
      log.appendJson("null", { durable: false }),
    ];
    t.equal(await Promise.all(appended), [1, 2, 3, 4], "the numbers");
    t.equal(log.sequence, 4, "sequence");
    const records = ["first", { a: [1, 2.5, "é"] }, "third", null];
    await t.reads(log.replay(), records);
    await t.reads((await t.reopen(log)).replay(), records);
  }],
  ["appendJson() resolves once the record is durable", async (t) => {
    const log = await t.open();
    if (log.appendJson === undefined) {
      return t.skip("the log has no appendJson()");
    }
    await log.appendJson('{"a":1}');
    await t.reads((await t.afterPowerCut()).replay(), [{ a: 1 }]);
  }],
  [
    "append() rejects with POISONED, from then on, if it is unknown whether the record was appended",
    async (t) => {
      const log = await t.opened("before");
      if (t.fixture.poison === undefined) {
        return t.skip("the fixture poisons no log");
      }
      await t.fixture.poison();
      await t.rejects("POISONED", () => log.append("in doubt"));
      await t.rejects("POISONED", () => log.append("refused"));
      t.equal(log.sequence, 1, "sequence");
      if (log.failed !== undefined) {
        t.equal((await log.failed).code, "POISONED", "the code of failed");
      }
      await log.close().catch(() => {});
      const again = await t.open();
      t.equal([1, 2].includes(again.sequence), true, "1 or 2 for sequence");
      const left = ["before", "in doubt"].slice(0, again.sequence);
      await t.reads(again.replay(), left);
    },
  ],
  [
    "append() rejects with DEPOSED, from then on, if another writer has taken over",
    async (t) => {
      const log = await t.opened("before");
      if (t.fixture.depose === undefined) {
        return t.skip("the fixture deposes no log");
      }
      await t.fixture.depose();
      await t.rejects("DEPOSED", () => log.append("refused"));
      await t.rejects("DEPOSED", () => log.append("refused"));
      if (log.failed !== undefined) {
        t.equal((await log.failed).code, "DEPOSED", "the code of failed");
      }
    },
  ],
];

/** `appendSync` of a log. Skips the rule where there is none, or it has no way to write. */
function synchronously(
  t: LogTrial,
  log: Log<unknown>,
): (record: unknown) => number {
  if (log.appendSync === undefined) t.skip("the log has no appendSync()");
  return (record) => {
    try {
      return log.appendSync!(record);
    } catch (error) {
      if (hasCode(error, "UNSUPPORTED")) t.skip(error.message);
      throw error;
    }
  };
}
