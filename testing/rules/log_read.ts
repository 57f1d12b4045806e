import type { Log, LogRecord, ReplayRange } from "../../store/mod.ts";
import { all, type LogRule, type LogTrial, plain } from "./log_trial.ts";

const LETTERS = ["a", "b", "c", "d", "e"];

/** The rules of `LogReader` about reading. */
export const READ_RULES: readonly LogRule[] = [
  [
    "replay() reads the records in order, as often as it is asked",
    async (t) => {
      const log = await t.opened(...LETTERS);
      await t.reads(log.replay(), LETTERS);
      await t.reads(log.replay(), LETTERS, 1, "what it reads again");
    },
  ],
  ["replay() reads from `from` to `to`, both included", async (t) => {
    const log = await t.opened(...LETTERS);
    const reads = async (range: ReplayRange, first: number, last: number) =>
      await t.reads(log.replay(range), LETTERS.slice(first - 1, last), first);
    await reads({ from: 2, to: 4 }, 2, 4);
    await reads({ from: 3 }, 3, 5);
    await reads({ to: 2 }, 1, 2);
    await reads({ from: 4, to: 4 }, 4, 4);
    await reads({ from: 4, to: 100 }, 4, 5);
    await reads({ from: 6 }, 6, 5);
    await reads({ to: 0 }, 1, 0);
  }],
  ["replay() reads up to sequence at the call", async (t) => {
    const log = await t.opened("a", "b");
    const records = log.replay();
    await log.append("c");
    await t.reads(records, ["a", "b"]);
  }],
  [
    "replay() can be left before its end, and read twice at the same time",
    async (t) => {
      const log = await t.opened(...LETTERS);
      for await (const { data } of log.replay()) {
        t.equal(data, "a", "the first record");
        break;
      }
      const both = [log.replay(), log.replay({ from: 2 })];
      const [first, second] = await Promise.all(both.map(all));
      t.equal(first!.map(({ data }) => data), LETTERS, "what the one reads");
      const rest = second!.map(({ data }) => data);
      t.equal(rest, LETTERS.slice(1), "what the other reads");
      t.equal(await log.append("f"), 6, "the number of the next record");
    },
  ],
  ["replay() throws the reason of its signal", async (t) => {
    const log = await t.opened(...LETTERS);
    const reason = Object.assign(new Error("enough"), { code: "ENOUGH" });
    const { signal } = aborted(reason);
    await t.rejects("ENOUGH", () => all(log.replay({ signal })));
    const controller = new AbortController();
    const records = iterate(log.replay({ signal: controller.signal }));
    t.equal((await records.next()).value?.seq, 1, "the first number");
    controller.abort(reason);
    await t.rejects("ENOUGH", () => records.next());
  }],
  ["replayChunks() reads what replay() reads", async (t) => {
    const log = await t.opened(...LETTERS);
    if (log.replayChunks === undefined) {
      return t.skip("the log has no replayChunks()");
    }
    const chunks = (range?: ReplayRange) => log.replayChunks!(range);
    for (const range of [{}, { from: 2, to: 4 }, { from: 6 }, { to: 1 }]) {
      const expected = (await all(log.replay(range))).map(plain);
      t.equal(await joined(chunks(range)), expected, "what it reads");
    }
    const records = chunks();
    await log.append("f");
    const read = (await joined(records)).map(({ data }) => data);
    t.equal(read, LETTERS, "what it reads up to sequence at the call");
  }],
  [
    "follow() reads the records, then each further one, without a gap",
    async (t) => {
      const log = await t.opened("a", "b");
      const records = iterate(log.follow());
      await expectNext(t, records, 1, "a");
      await log.append("c");
      await expectNext(t, records, 2, "b");
      await expectNext(t, records, 3, "c");
      const next = records.next();
      await log.append("d");
      t.equal(plainOf(await next), { seq: 4, data: "d" }, "the next record");
    },
  ],
  [
    "follow() starts at `from`, also if that record is yet to come",
    async (t) => {
      const log = await t.opened("a", "b");
      const records = iterate(log.follow({ from: 2 }));
      const later = iterate(log.follow({ from: 3 }));
      const next = later.next();
      await expectNext(t, records, 2, "b");
      await log.append("c");
      t.equal(plainOf(await next), { seq: 3, data: "c" }, "the next record");
    },
  ],
  ["follow() ends when the log is closed", async (t) => {
    const log = await t.opened("a");
    const records = iterate(log.follow());
    await expectNext(t, records, 1, "a");
    const next = records.next();
    await log.close();
    t.equal((await next).done, true, "done");
  }],
  [
    "follow() throws the reason of its signal, also while it waits",
    async (t) => {
      const log = await t.opened("a");
      const reason = Object.assign(new Error("enough"), { code: "ENOUGH" });
      const controller = new AbortController();
      const records = iterate(log.follow({ signal: controller.signal }));
      await expectNext(t, records, 1, "a");
      const next = records.next();
      controller.abort(reason);
      await t.rejects("ENOUGH", () => next);
    },
  ],
];

function iterate<T>(items: AsyncIterable<T>): AsyncIterator<T> {
  return items[Symbol.asyncIterator]();
}

function aborted(reason: Error): AbortController {
  const controller = new AbortController();
  controller.abort(reason);
  return controller;
}

async function joined(
  chunks: ReturnType<NonNullable<Log<unknown>["replayChunks"]>>,
): Promise<LogRecord<unknown>[]> {
  const records: LogRecord<unknown>[] = [];
  for await (const chunk of chunks) {
    for (const record of chunk) records.push(plain(record));
  }
  return records;
}

function plainOf(
  { value }: IteratorResult<LogRecord<unknown>>,
): LogRecord<unknown> | undefined {
  return value && plain(value);
}

async function expectNext(
  t: LogTrial,
  records: AsyncIterator<LogRecord<unknown>>,
  seq: number,
  data: unknown,
): Promise<void> {
  t.equal(plainOf(await records.next()), { seq, data }, "the next record");
}
