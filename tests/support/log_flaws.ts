import { MiniError } from "@mini/state/store";
import { leaving, listed, type LogFlaw, miniStore } from "./log_flaw.ts";

const APPEND_FLAWS: readonly LogFlaw[] = [
  {
    what: "a new log has a record",
    breaks: [
      "a new log has no records: sequence is 0, and firstSequence is 1",
      "append() resolves to the number of the record: from 1, without gaps",
    ],
    fixture: (sound) => ({
      open: async () => {
        const log = await sound.open();
        if (log.sequence === 0) await log.append("first");
        return log;
      },
    }),
  },
  {
    what: "append() resolves before it has appended",
    breaks: [
      "append() resolves to the number of the record: from 1, without gaps",
      "append() resolves once the record is durable",
    ],
    of: (log) => {
      let { sequence } = log;
      return {
        append: (record) => {
          queueMicrotask(() => void log.append(record).catch(() => {}));
          return Promise.resolve(++sequence);
        },
      };
    },
  },
  {
    what: "append() keeps no order",
    breaks: [
      "append() gives numbers in the order of the calls, and resolves in it",
    ],
    of: (log) => ({
      append: async (record, options) => {
        for (let turn = 0; turn < Number(record) % 3; turn++) await null;
        return await log.append(record, options);
      },
    }),
  },
  {
    what: "append() takes the record later",
    breaks: ["append() takes the record as it is at the call"],
    of: (log) => ({
      append: async (record, options) => {
        await null;
        return await log.append(record, options);
      },
    }),
  },
  {
    what: "a record is a line of text",
    breaks: ["append() keeps every value that JSON keeps"],
    of: (log) => ({
      replay: (range) =>
        listed(log.replay(range), ({ seq, data }) => [{
          seq,
          data: typeof data === "string" ? data.replaceAll("\n", " ") : data,
        }]),
    }),
  },
  {
    what: "append() leaves something of what it refuses",
    breaks: [
      "append() that rejects has appended nothing, and the log accepts more",
    ],
    of: (log) => ({
      append: (record, options) =>
        log.append(record, options).catch(async (error) => {
          await log.append(null);
          throw error;
        }),
    }),
  },
  {
    what: "nothing is durable",
    breaks: [
      "append() resolves once the record is durable",
      "appendJson() resolves once the record is durable",
      "sync() makes durable what was appended with durable: false",
    ],
    of: (log) => ({
      append: (record) => log.append(record, { durable: false }),
      appendJson: (json) => log.appendJson!(json, { durable: false }),
      sync: () => Promise.resolve(),
    }),
  },
  {
    what: "append() with durable: false has a queue of its own",
    breaks: [
      "append() with durable: false resolves in order too, and the record is read",
    ],
    of: (log) => ({
      append: async (record, options) => {
        if (options?.durable === false) await Promise.resolve();
        return await log.append(record, options);
      },
    }),
  },
  {
    what: "appendJson() appends the text",
    breaks: ["appendJson() appends as append() does"],
    of: (log) => ({ appendJson: (json) => log.append(json) }),
  },
  {
    what: "append() tries again what is in doubt",
    breaks: [
      "append() rejects with POISONED, from then on, if it is unknown whether the record was appended",
    ],
    of: (log) => ({
      append: (record, options) =>
        log.append(record, options).catch((error) => {
          if (error.code === "POISONED") return log.sequence + 1;
          throw error;
        }),
    }),
  },
  {
    what: "a log that was taken over accepts more",
    breaks: [
      "append() rejects with DEPOSED, from then on, if another writer has taken over",
    ],
    fixture: () => ({ depose: () => {} }),
  },
];

const READ_FLAWS: readonly LogFlaw[] = [
  {
    what: "replay() leaves out the last record",
    breaks: [
      "replay() reads the records in order, as often as it is asked",
      "replayChunks() reads what replay() reads",
    ],
    of: (log) => ({
      replay: (range) =>
        listed(log.replay(range), (it) => it.seq === log.sequence ? [] : [it]),
    }),
  },
  {
    what: "replay() takes `to` for the end",
    breaks: ["replay() reads from `from` to `to`, both included"],
    of: (log) => ({
      replay: ({ to = log.sequence + 1, ...range } = {}) =>
        log.replay({ ...range, to: Math.max(to - 1, 0) }),
    }),
  },
  {
    what: "replay() begins when it is read",
    breaks: ["replay() reads up to sequence at the call"],
    of: (log) => ({
      async *replay(range) {
        yield* log.replay(range);
      },
    }),
  },
  {
    what: "replay() closes the log when it is left",
    breaks: [
      "replay() can be left before its end, and read twice at the same time",
    ],
    of: (log) => ({
      replay: (range) => leaving(log.replay(range), () => log.close()),
    }),
  },
  {
    what: "nothing can be aborted",
    breaks: [
      "replay() throws the reason of its signal",
      "follow() throws the reason of its signal, also while it waits",
    ],
    of: (log) => ({
      replay: ({ signal: _, ...range } = {}) => log.replay(range),
      follow: ({ signal: _, ...range } = {}) => log.follow(range),
    }),
  },
  {
    what: "follow() is a replay",
    breaks: [
      "follow() reads the records, then each further one, without a gap",
      "follow() starts at `from`, also if that record is yet to come",
    ],
    of: (log) => ({ follow: (range) => log.replay(range) }),
  },
  {
    what: "follow() never ends",
    breaks: ["follow() ends when the log is closed"],
    of: (log) => ({
      async *follow(range) {
        yield* log.follow(range);
        await new Promise(() => {});
      },
    }),
  },
];

const UPKEEP_FLAWS: readonly LogFlaw[] = [
  {
    what: "opening forgets everything",
    breaks: [
      "opening finds what was appended, and appending continues after it",
      "id stays the same when the log is opened again",
      "recovery tells a new log from one that was closed",
      "compact() lets an opening find the same",
      "numbers continue after all records are gone",
    ],
    fixture: () => ({ open: () => miniStore().open() }),
  },
  {
    what: "all logs have one id",
    breaks: ["id is another one for another log"],
    of: () => ({ id: "log" }),
  },
  {
    what: "every opening is clean",
    breaks: [
      "recovery tells a new log from one that was closed",
      "recovery tells a log that was not closed from a new one",
    ],
    of: () => ({ recovery: { outcome: "clean" } }),
  },
  {
    what: "everything was applied",
    breaks: ["applied proves no more than what append() was told"],
    of: (log) => ({ applied: log.sequence }),
  },
  {
    what: "failed resolves when the log is closed",
    breaks: [
      "failed does not settle while the log accepts records, nor when it is closed",
    ],
    of: () => ({ failed: Promise.resolve(new MiniError("CLOSED", "closed")) }),
  },
  {
    what: "compact() removes more than it should",
    breaks: [
      "compact() removes no record beyond `upTo`, and says which is the first",
    ],
    of: (log) => ({ compact: () => log.compact(log.sequence) }),
  },
  {
    what: "a record that is gone is passed over",
    breaks: ["replay() and follow() throw COMPACTED if record `from` is gone"],
    of: (log) => ({
      replay: ({ from: _, ...range } = {}) => log.replay(range),
      follow: ({ from: _, ...range } = {}) => log.follow(range),
    }),
  },
  {
    what: "rotate() does nothing",
    breaks: [
      "rotate() lets compact() remove everything that was appended so far",
    ],
    of: () => ({ rotate: () => Promise.resolve() }),
  },
  {
    what: "seqBefore() takes all bytes to be in the last record",
    breaks: [
      "seqBefore() reaches back further for more bytes, and to the first record for more than there are",
    ],
    of: (log) => ({ seqBefore: () => log.sequence - 1 }),
  },
  {
    what: "resetTo() says so and does not",
    breaks: [
      "resetTo() continues with record `seq + 1`, and earlier records are not read",
    ],
    of: () => ({ resetTo: () => Promise.resolve() }),
  },
  {
    what: "health() is always well",
    breaks: ["health() says that a closed log has failed"],
    of: () => ({
      health: () => Promise.resolve({ status: "ok", reasons: [] }),
    }),
  },
  {
    what: "a closed log opens by itself",
    breaks: ["closing twice is fine, and a closed log accepts nothing"],
    of: (log) => ({
      append: (record) =>
        log.append(record).catch((error) => {
          if (error.code === "CLOSED") return log.sequence + 1;
          throw error;
        }),
    }),
  },
];

/** Every flaw. */
export const LOG_FLAWS: readonly LogFlaw[] = [
  ...APPEND_FLAWS,
  ...READ_FLAWS,
  ...UPKEEP_FLAWS,
];
