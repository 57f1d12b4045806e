import type { Log, LogRecord } from "../../store/mod.ts";
import { type Rule, Trial } from "../suite.ts";

/**
 * A log, and what may happen to it, for one check of `logSuite`. A check is
 * skipped if it needs a method that is left out.
 */
export interface LogFixture {
  /** Opens the log: at first a new, empty one, then what the last opening has left. */
  open(): Promise<Log<unknown>>;
  /** Cuts the power: what was not durable is lost, and the handle of before is of no more use. */
  cutPower?(): unknown;
  /** Makes the next append fail so that it is unknown whether the record was appended. */
  poison?(): unknown;
  /** Has another writer take over the log. */
  depose?(): unknown;
  /** Removes what the check has left. */
  dispose?(): unknown;
}

/** A rule of `Log`. */
export type LogRule = Rule<LogTrial>;

/** One test of a log. */
export class LogTrial extends Trial {
  readonly fixture: LogFixture;
  /** Makes a second log. */
  readonly another: () => Promise<LogTrial>;

  constructor(fixture: LogFixture, another: () => Promise<LogTrial>) {
    super();
    this.fixture = fixture;
    this.another = another;
    this.atEnd(() => fixture.dispose?.());
  }

  /** Opens the log, which is closed when the test has ended. */
  async open(): Promise<Log<unknown>> {
    const log = await this.fixture.open();
    this.atEnd(() => log.close());
    return this.watch(log);
  }

  /** Opens the log and appends records to it, one after another. */
  async opened(...records: readonly unknown[]): Promise<Log<unknown>> {
    const log = await this.open();
    for (const record of records) await log.append(record);
    return log;
  }

  /** Closes the log and opens it again. */
  async reopen(log: Log<unknown>): Promise<Log<unknown>> {
    await log.close();
    return await this.open();
  }

  /** Cuts the power and opens the log again. */
  async afterPowerCut(): Promise<Log<unknown>> {
    const { fixture } = this;
    if (fixture.cutPower === undefined) this.skip("the fixture cuts no power");
    await fixture.cutPower();
    return await this.open();
  }

  /** Compares the records that are read with data, and their numbers from `first` on. */
  async reads(
    records: AsyncIterable<LogRecord<unknown>>,
    data: readonly unknown[],
    first: number = 1,
    when: string = "what it reads",
  ): Promise<void> {
    const expected = data.map((data, index) => ({ seq: first + index, data }));
    this.equal((await all(records)).map(plain), expected, when);
  }
}

/** No log of a test has more. */
const MAX_RECORDS = 1_000;

/** Everything that an iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) {
    if (found.push(item) > MAX_RECORDS) throw new Error("it does not end");
  }
  return found;
}

/** The members of a record that every log gives. */
export function plain({ seq, data }: LogRecord<unknown>): LogRecord<unknown> {
  return { seq, data };
}
