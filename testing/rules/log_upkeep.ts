import type { Log } from "../../store/mod.ts";
import { all, type LogRule, type LogTrial } from "./log_trial.ts";

const LETTERS = ["a", "b", "c", "d"];

/** The rules of `Log` about opening, compacting and closing. */
export const UPKEEP_RULES: readonly LogRule[] = [
  [
    "opening finds what was appended, and appending continues after it",
    async (t) => {
      const log = await t.reopen(await t.opened("a", "b"));
      t.equal([log.firstSequence, log.sequence], [1, 2], "the numbers");
      await t.reads(log.replay(), ["a", "b"]);
      t.equal(await log.append("c"), 3, "the number of the next record");
      await t.reads((await t.reopen(log)).replay(), ["a", "b", "c"]);
    },
  ],
  ["id stays the same when the log is opened again", async (t) => {
    const log = await t.opened("a");
    const { id } = log;
    if (id === undefined) return t.skip("the log has no id");
    t.equal((await t.reopen(log)).id, id, "the id");
  }],
  ["id is another one for another log", async (t) => {
    const { id } = await t.open();
    if (id === undefined) return t.skip("the log has no id");
    const isSame = (await (await t.another()).open()).id === id;
    t.equal(isSame, false, `the same id for both, ${id},`);
  }],
  ["recovery tells a new log from one that was closed", async (t) => {
    const log = await t.open();
    if (log.recovery === undefined) return t.skip("the log has no recovery");
    t.equal(
      log.recovery.outcome,
      "created",
      "the outcome of the first opening",
    );
    await log.append("a");
    const again = await t.reopen(log);
    t.equal(again.recovery?.outcome, "clean", "the outcome of the second");
  }],
  ["recovery tells a log that was not closed from a new one", async (t) => {
    const log = await t.opened("a");
    if (log.recovery === undefined) return t.skip("the log has no recovery");
    const { recovery } = await t.afterPowerCut();
    const isFound = ["unclean", "torn"].includes(recovery?.outcome ?? "");
    t.equal(isFound, true, `${recovery?.outcome} among unclean and torn`);
  }],
  ["applied proves no more than what append() was told", async (t) => {
    const log = await t.open();
    if (log.applied === undefined) return t.skip("the log proves nothing");
    await log.append("a", { applied: () => 0 });
    await log.append("b", { applied: () => 1 });
    await log.close({ applied: 1 });
    const { applied = 0 } = await t.open();
    t.equal(applied <= 1, true, `${applied} of at most 1`);
  }],
  [
    "failed does not settle while the log accepts records, nor when it is closed",
    async (t) => {
      const log = await t.open();
      if (log.failed === undefined) return t.skip("the log has no failed");
      await log.append("a");
      await log.close();
      const settled = log.failed.then(() => "settled", () => "rejected");
      t.equal(await Promise.race([settled, later()]), "pending", "failed");
    },
  ],
  [
    "compact() removes no record beyond `upTo`, and says which is the first",
    async (t) => {
      const log = await t.opened(...LETTERS);
      await log.rotate?.();
      await log.append("e");
      const { firstSequence } = await log.compact(2);
      t.equal(firstSequence <= 3, true, `${firstSequence} of at most 3`);
      t.equal(log.firstSequence, firstSequence, "firstSequence");
      await t.reads(
        log.replay(),
        [...LETTERS, "e"].slice(firstSequence - 1),
        firstSequence,
      );
      t.equal(await log.append("f"), 6, "the number of the next record");
    },
  ],
  ["compact() lets an opening find the same", async (t) => {
    const { log, first } = await compacted(t);
    const again = await t.reopen(log);
    t.equal([again.firstSequence, again.sequence], [first, 4], "the numbers");
    await t.reads(again.replay(), LETTERS.slice(first - 1), first);
  }],
  [
    "replay() and follow() throw COMPACTED if record `from` is gone",
    async (t) => {
      const { log } = await compacted(t);
      await t.rejects("COMPACTED", () => all(log.replay({ from: 1 })));
      const followed = log.follow({ from: 1 })[Symbol.asyncIterator]();
      await t.rejects("COMPACTED", () => followed.next());
      if (log.replayChunks === undefined) return;
      await t.rejects("COMPACTED", () => all(log.replayChunks!({ from: 1 })));
    },
  ],
  ["numbers continue after all records are gone", async (t) => {
    const { log, first } = await compacted(t);
    if (first <= 4) return t.skip("the log keeps its last record");
    t.equal(log.sequence, 4, "sequence");
    const again = await t.reopen(log);
    t.equal([again.firstSequence, again.sequence], [5, 4], "the numbers");
    await t.reads(again.replay(), []);
    t.equal(await again.append("e"), 5, "the number of the next record");
  }],
  [
    "rotate() lets compact() remove everything that was appended so far",
    async (t) => {
      const log = await t.opened(...LETTERS);
      if (log.rotate === undefined) return t.skip("the log has no rotate()");
      await log.rotate();
      await log.rotate();
      t.equal((await log.compact(4)).firstSequence, 5, "the first number");
      await t.reads(log.replay(), []);
      t.equal(await log.append("e"), 5, "the number of the next record");
    },
  ],
  [
    "seqBefore() reaches back further for more bytes, and to the first record for more than there are",
    async (t) => {
      const log = await t.opened(...LETTERS);
      if (log.seqBefore === undefined) {
        return t.skip("the log has no seqBefore()");
      }
      await log.rotate?.();
      await log.append("e");
      const found = [0, 1, 1_000_000].map((bytes) => log.seqBefore!(bytes));
      const isOrdered = 5 >= found[0]! && found[0]! >= found[1]!;
      t.equal([isOrdered, found[2]], [true, 0], `the numbers ${found}`);
    },
  ],
  [
    "resetTo() continues with record `seq + 1`, and earlier records are not read",
    async (t) => {
      const log = await t.opened(...LETTERS);
      if (log.resetTo === undefined) return t.skip("the log has no resetTo()");
      const { id } = await (await t.another()).open();
      const expectReset = async (found: Log<unknown>) => {
        t.equal(
          [found.firstSequence, found.sequence],
          [101, 100],
          "the numbers",
        );
        t.equal(found.id, id, "the id");
        await t.reads(found.replay(), []);
      };
      await log.resetTo(100, id);
      await expectReset(log);
      const again = await t.reopen(log);
      await expectReset(again);
      t.equal(await again.append("e"), 101, "the number of the next record");
      await t.reads(again.replay(), ["e"], 101);
    },
  ],
  ["health() says that a closed log has failed", async (t) => {
    const log = await t.opened("a");
    if (log.health === undefined) return t.skip("the log has no health()");
    const found = (await log.health()).status;
    t.equal(found !== "failed", true, `${found}, which is not failed,`);
    await log.close();
    t.equal((await log.health()).status, "failed", "the status");
  }],
  ["closing twice is fine, and a closed log accepts nothing", async (t) => {
    const log = await t.opened("a");
    await log.close();
    await log.close();
    const refused = await log.append("b").then(() => false, () => true);
    if (!refused) t.fail("a closed log accepts a record");
    await t.reads((await t.open()).replay(), ["a"]);
  }],
];

/** A log of which the first of four records are gone. */
async function compacted(
  t: LogTrial,
): Promise<{ log: Log<unknown>; first: number }> {
  const log = await t.opened(...LETTERS);
  await log.rotate?.();
  const { firstSequence: first } = await log.compact(4);
  if (first === 1) t.skip("compact() has removed nothing");
  return { log, first };
}

/** Resolves once the microtasks of a settled promise have run. */
async function later(): Promise<"pending"> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  return "pending";
}
