import { type Log, type LogRecord, MiniStore } from "@mini/state/store";
import {
  crashStates,
  type LogFixture,
  MemoryFileSystem,
} from "@mini/state/testing";

const PATH = "/data/journal.jsonl";

/** A `MiniStore` in memory, for one check. */
export function miniStore(): LogFixture {
  let fs = new MemoryFileSystem();
  return {
    open: () => {
      fs.restart();
      return MiniStore.open<unknown>(PATH, { fs });
    },
    cutPower: () => {
      // The first of the states has lost everything that was not durable.
      const [left] = crashStates(fs.snapshot());
      fs = left!.fs;
    },
    poison: () => {
      fs.hooks.before = ({ operation }) => {
        if (operation !== "sync") return undefined;
        fs.hooks = {};
        return { code: "EIO" };
      };
    },
  };
}

/** One way for a log to be wrong, and the rules that it breaks. */
export interface LogFlaw {
  readonly what: string;
  readonly breaks: readonly string[];
  /** The methods that are wrong. */
  readonly of?: (log: Log<unknown>) => Partial<Log<unknown>>;
  /** Another flaw: it opens again, or survives a power cut, as another. */
  readonly fixture?: (sound: LogFixture) => Partial<LogFixture>;
}

/** A log with a flaw, for one check. */
export function brokenLog({ of, fixture }: LogFlaw): LogFixture {
  const sound = miniStore();
  const flawed = { ...sound, ...fixture?.(sound) };
  const open = async () => {
    const log = await flawed.open();
    const methods = of?.(log) ?? {};
    return new Proxy(log, {
      get: (_, key) => {
        if (key in methods) return Reflect.get(methods, key, methods);
        const member = Reflect.get(log, key, log);
        return typeof member === "function" ? member.bind(log) : member;
      },
    });
  };
  return { ...flawed, open };
}

/** The records of a reading, each changed into others. */
export async function* listed(
  records: AsyncIterable<LogRecord<unknown>>,
  change: (record: LogRecord<unknown>) => LogRecord<unknown>[],
): AsyncGenerator<LogRecord<unknown>> {
  for await (const record of records) yield* change(record);
}

/** The items, and a call when the reader leaves. */
export async function* leaving<T>(
  items: AsyncIterable<T>,
  whenLeft: () => unknown,
): AsyncGenerator<T> {
  try {
    yield* items;
  } finally {
    await whenLeft();
  }
}
