import { assert, assertEquals } from "@std/assert";
import { type LogRecord, MiniError, MiniStore } from "@mini/state/store";
import {
  type CrashState,
  crashStates,
  type DiskSnapshot,
  MemoryFileSystem,
  Random,
} from "@mini/state/testing";
import { say } from "../support/report.ts";
import { sampled } from "../support/size.ts";
import { STORE_WORKLOADS } from "../support/workloads.ts";

const DIR = "/data";
const PATH = `${DIR}/journal.jsonl`;
const EXTRA = ["extra 1", "extra 2"];

/** The disk after every call of a workload that has changed something. */
async function momentsOf(
  workload: (typeof STORE_WORKLOADS)[number],
): Promise<DiskSnapshot[]> {
  const fs = new MemoryFileSystem();
  const moments: DiskSnapshot[] = [];
  fs.hooks.after = () => moments.push(fs.snapshot());
  await workload.run(fs, { issue: () => 0, ack() {}, refuse() {} });
  return moments;
}

/** Lets the disk become another, in place: what differs is replaced. */
function become(fs: MemoryFileSystem, other: MemoryFileSystem): void {
  for (const name of fs.names(DIR)) {
    if (!other.names(DIR).includes(name)) fs.unlink(`${DIR}/${name}`);
  }
  for (const name of other.names(DIR)) {
    const content = other.content(`${DIR}/${name}`)!;
    const before = fs.content(`${DIR}/${name}`);
    if (String(content) !== String(before)) fs.put(`${DIR}/${name}`, content);
  }
}

/** One who follows, and what came of it. */
class Observer {
  readonly seen: LogRecord<string>[] = [];
  readonly #stop = new AbortController();
  readonly ended: Promise<MiniError | undefined>;

  constructor(fs: MemoryFileSystem, durableOnly: boolean) {
    const { signal } = this.#stop;
    const options = { fs, signal, durableOnly, ifMissing: "empty" } as const;
    const follow = async () => {
      try {
        for await (const record of MiniStore.follow<string>(PATH, options)) {
          this.seen.push(record);
          if (record.data === EXTRA.at(-1)) break;
        }
      } catch (error) {
        if (error instanceof MiniError) return error;
        throw error;
      }
      return undefined;
    };
    this.ended = follow();
  }

  stop(): void {
    this.#stop.abort(new MiniError("CLOSED", "stopped"));
  }
}

/** Resolves when nothing is left to do: nothing in memory waits for more than microtasks. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Judges what an observer has seen before and after a crash. */
function judge(
  { seen }: Observer,
  error: MiniError | undefined,
  after: readonly LogRecord<string>[],
): string | undefined {
  const first = after[0]!.seq;
  const differing = seen.find(({ seq, data }) =>
    seq >= first && after[seq - first]?.data !== data
  );
  if (error !== undefined) {
    const { code, seq = 0, message } = error;
    if (code === "COMPACTED" && seq < first) return undefined;
    if (code !== "REWRITTEN") return message;
    if (seq < first) return undefined;
    if (differing === undefined) return `nothing differs: ${message}`;
    return seq > differing.seq
      ? `record ${differing.seq}: ${message}`
      : undefined;
  }
  if (differing !== undefined) return `record ${differing.seq} is another`;
  const numbers = seen.map(({ seq }) => seq);
  const isOrdered = numbers.every((seq, index) => seq === numbers[0]! + index);
  return isOrdered && numbers.at(-1) === after.at(-1)!.seq
    ? undefined
    : `it sees ${numbers}`;
}

for (const workload of STORE_WORKLOADS) {
  Deno.test(`followers of a log whose power is cut continue, or tell that it was rewritten: ${workload.name}`, async () => {
    const { stateOneIn, seed } = sampled(15);
    const random = new Random(seed);
    let states = 0;
    let rewritten = 0;
    const check = async (
      moment: DiskSnapshot,
      { label, fs: left }: CrashState,
    ) => {
      states++;
      const fs = new MemoryFileSystem(moment);
      const observers = [new Observer(fs, false), new Observer(fs, true)];
      await quiet();
      become(fs, left);
      await quiet();
      for (const extra of EXTRA) await workload.append(fs, extra);
      const after = await Array.fromAsync(
        MiniStore.replay<string>(PATH, { fs }),
      );
      await quiet();
      for (const [index, observer] of observers.entries()) {
        observer.stop();
        const error = await observer.ended;
        const isDurable = index === 1;
        if (error?.code === "REWRITTEN") rewritten++;
        const wrong = isDurable && error?.code === "REWRITTEN"
          ? `what was durable: ${error.message}`
          : judge(observer, error, after);
        assertEquals(wrong, undefined, `${label}, seed ${seed}`);
      }
    };
    let passedOver = () => Promise.resolve();
    for (const moment of await momentsOf(workload)) {
      for (const state of crashStates(moment)) {
        if (random.oneIn(stateOneIn)) await check(moment, state);
        else passedOver = () => check(moment, state);
      }
    }
    // A small sample of few states may have none.
    if (states === 0) await passedOver();
    say(
      `seed ${seed}: ${states} states, ${rewritten} followers of another past`,
    );
    assert(states > 0);
  });
}
