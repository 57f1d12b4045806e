import { type LogRecord, type MiniError, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { DIR, PATH } from "./process.ts";
import type { Coverage } from "./rows.ts";
import { quiet } from "./steady.ts";
import { told, type Trace } from "./trace.ts";

/** The files of a log. */
const OF_A_LOG = /^journal\.(\d{20}\.)?jsonl(\.lock)?$/;

type Record = Pick<LogRecord<unknown>, "seq" | "data">;

/** One who follows a log, in a process that nothing befalls. */
class Outsider {
  readonly isDurableOnly: boolean;
  readonly #stop = new AbortController();
  seen: Record[] = [];
  /** The highest number that the first record there had before it saw any: there it may have begun. */
  begin = 1;
  error: MiniError | undefined;

  constructor(fs: MemoryFileSystem, isDurableOnly: boolean) {
    this.isDurableOnly = isDurableOnly;
    this.#follow(fs).catch((error) => this.error = error);
  }

  async #follow(fs: MemoryFileSystem): Promise<void> {
    const { signal } = this.#stop;
    const records = MiniStore.follow<unknown>(PATH, {
      fs,
      signal,
      durableOnly: this.isDurableOnly,
      ifMissing: "empty",
    });
    for await (const record of records) this.seen.push(record);
  }

  end(): void {
    this.#stop.abort(Object.assign(new Error("over"), { code: "ABORTED" }));
  }
}

/** Those who follow the log from outside, through the lives and the deaths of the process that writes it. */
export class Outsiders {
  readonly #trace: Trace;
  readonly #coverage: Coverage;
  /** The disk as they see it. */
  readonly #fs = new MemoryFileSystem();
  #outsiders: readonly Outsider[];

  constructor(trace: Trace, coverage: Coverage) {
    trace.watch(this.#fs);
    // So that they are told of changes from the start.
    this.#fs.put(PATH, new Uint8Array());
    this.#fs.unlink(PATH);
    this.#trace = trace;
    this.#coverage = coverage;
    this.#outsiders = [false, true].map((it) => new Outsider(this.#fs, it));
  }

  /** Lets them see the disk as it is now. */
  show(disk: MemoryFileSystem): void {
    const names = disk.names(DIR).filter((name) => OF_A_LOG.test(name));
    for (const name of this.#fs.names(DIR)) {
      if (!names.includes(name)) this.#fs.unlink(`${DIR}/${name}`);
    }
    for (const name of names) {
      const path = `${DIR}/${name}`;
      const content = disk.content(path)!;
      const before = this.#fs.content(path);
      if (before === undefined || !isSame(before, content)) {
        this.#fs.put(path, content);
      }
    }
    const first = 1 + Math.min(
      ...names.filter((name) => !name.endsWith(".lock"))
        .map((name) => baseOf(disk.content(`${DIR}/${name}`)!)),
    );
    for (const outsider of this.#outsiders) {
      if (outsider.seen.length > 0 || first === Infinity) continue;
      outsider.begin = Math.max(outsider.begin, first);
    }
  }

  /** Compares what they have seen with what is there, once they have had the time to see it. */
  async compare(isInvaded: boolean): Promise<void> {
    await quiet();
    const there: Record[] = [];
    let first = 1;
    try {
      const options = { fs: this.#fs, ifMissing: "empty" } as const;
      for await (const record of MiniStore.replay<unknown>(PATH, options)) {
        there.push(record);
      }
      // Compaction may leave no record.
      await using reader = await MiniStore.openReader(PATH, options);
      first = reader.firstSequence;
    } catch {
      // What cannot be read tells nothing; the next writer may mend it.
      return;
    }
    this.#outsiders = this.#outsiders.map((outsider) => {
      const wrong = this.#judge(outsider, { there, first }, isInvaded);
      if (wrong !== undefined) {
        this.#trace.violation(
          `a follower${
            outsider.isDurableOnly ? " of what is durable" : ""
          }: ${wrong}`,
        );
      }
      if (outsider.error === undefined) return outsider;
      return new Outsider(this.#fs, outsider.isDurableOnly);
    });
  }

  #judge(
    { seen, error, isDurableOnly, begin }: Outsider,
    { there, first }: {
      readonly there: readonly Record[];
      readonly first: number;
    },
    isInvaded: boolean,
  ): string | undefined {
    const other = seen.find(({ seq, data }) =>
      seq >= first &&
      JSON.stringify(there[seq - first]?.data) !== JSON.stringify(data)
    );
    if (error !== undefined) {
      if (error.code === "COMPACTED") return undefined;
      if (error.code !== "REWRITTEN") {
        return isInvaded ? undefined : told(error);
      }
      if (isDurableOnly && !isInvaded) return told(error);
      this.#coverage.hit("follower: what it has read was rewritten");
      return undefined;
    }
    if (other !== undefined) {
      return `record ${other.seq} is not what it has seen`;
    }
    const numbers = seen.map(({ seq }) => seq);
    if (!numbers.every((seq, index) => seq === numbers[0]! + index)) {
      return `it sees ${numbers}`;
    }
    if (isDurableOnly) {
      if (seen.length > 0) {
        this.#coverage.hit("follower: what is durable stays");
      }
      return undefined;
    }
    const last = there.at(-1)?.seq ?? 0;
    // One who waits for more takes no line without its newline.
    const isWhole = this.#fs.content(PATH)?.at(-1) === 0x0a;
    // A power cut may bring records back that were removed before it began.
    if (isWhole && last > (numbers.at(-1) ?? begin - 1)) {
      return `it sees ${numbers.length} records, and the last there is ${last}`;
    }
    if (seen.length > 0) this.#coverage.hit("follower: continues");
    return undefined;
  }

  end(): void {
    for (const outsider of this.#outsiders) outsider.end();
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, index) => byte === other[index]);
}

/** The number of the last record before those of a segment; `Infinity` if its header cannot be read. */
function baseOf(content: Uint8Array): number {
  const [header = ""] = new TextDecoder().decode(content).split("\n", 1);
  const base = /"base":(\d+)/.exec(header)?.[1];
  return base === undefined ? Infinity : Number(base);
}
