import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Library } from "./library.ts";
import { collect, equal, ok, type Suite } from "./suite.ts";

/** The number of values in a state of realistic size. */
const VALUES = 100_000;

/** Handed over at a time, so that a batch is longer than a block that is read. */
const TOGETHER = 10_000;

const MAX_SEGMENT_BYTES = 1_000_000;

/** Longer than any block that is read or written. */
const LONG = "漢x".repeat(150_000);

/** A value and its name, different for each number. */
const nameOf = (n: number) => `value ${n}`;
const valueOf = (n: number) => ({ n, text: `ü${n % 997}`, tags: ["a", null] });

/** All numbers up to {@linkcode VALUES}, some at a time. */
function* stretches(): Generator<number[], void, undefined> {
  for (let start = 0; start < VALUES; start += TOGETHER) {
    yield Array.from({ length: TOGETHER }, (_, index) => start + index);
  }
}

/** All of it holds for as much as is in use. */
export async function checkSize(suite: Suite, library: Library): Promise<void> {
  await checkLog(suite, library);
  await checkSnapshots(suite, library);
  await checkState(suite, library);
  await checkQueue(suite, library);
}

async function checkLog(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  const open = (dir: string) =>
    MiniStore.open<unknown>(join(dir, "journal.jsonl"), {
      maxSegmentBytes: MAX_SEGMENT_BYTES,
    });
  await suite.check("size: a log rotates, forgets, and opens", async (dir) => {
    const log = await open(dir);
    for (const numbers of stretches()) {
      await log.appendBatch(numbers.map(valueOf));
      await log.append(LONG);
    }
    equal(log.sequence, VALUES + VALUES / TOGETHER);
    const half = log.sequence / 2;
    ok((await log.compact(half)).removed.length > 2, "segments were removed");
    const { firstSequence } = log;
    await log.close();
    const again = await open(dir);
    equal(again.recovery.outcome, "clean");
    equal(again.firstSequence, firstSequence);
    let seq = firstSequence - 1;
    for await (const record of again.replay()) {
      equal(record.seq, ++seq);
      const [turn, place] = [
        Math.floor((seq - 1) / (TOGETHER + 1)),
        (seq - 1) % (TOGETHER + 1),
      ];
      const expected = place === TOGETHER
        ? LONG
        : valueOf(turn * TOGETHER + place);
      // To compare each value in depth takes most of the time.
      if (place % 100 < 2) equal(record.data, expected);
    }
    equal(seq, again.sequence);
    await again.close();
  });
  await suite.check("size: a log opens after a crash", async (dir) => {
    const log = await open(join(dir, "killed"));
    const numbers = Array.from({ length: VALUES / 10 }, (_, n) => n);
    await Promise.all(numbers.map((n) => log.append(valueOf(n))));
    await log.append(LONG);
    await log.append("last");
    await copyJournal(join(dir, "killed"), dir);
    const after = await open(dir);
    equal(after.recovery.outcome, "unclean");
    equal(await after.append("then"), numbers.length + 3);
    const records = (await collect(after.replay())).map(({ data }) => data);
    equal(records, [...numbers.map(valueOf), LONG, "last", "then"]);
    await after.close();
    await log.close();
  });
}

/** The files of a journal, as the death of their writer would leave them. */
async function copyJournal(from: string, to: string): Promise<void> {
  for (const name of await journalFiles(from)) {
    await copyFile(join(from, name), join(to, name));
  }
}

/** The names of a journal's segments. */
async function journalFiles(dir: string): Promise<string[]> {
  return (await readdir(dir)).filter((name) => name.endsWith(".jsonl"));
}

async function checkSnapshots(
  suite: Suite,
  { snap: { SnapStore } }: Library,
): Promise<void> {
  const numbers = [...stretches()].flat();
  const entries = numbers.map((n) => [nameOf(n), valueOf(n)] as const);
  const states: Record<string, unknown> = {
    "an object": Object.fromEntries(entries),
    "an array of arrays": [...stretches()],
    "one long string": LONG,
  };
  for (const [name, state] of Object.entries(states)) {
    await suite.check(`size: a snapshot of ${name}`, async (dir) => {
      const snaps = new SnapStore<unknown>(dir);
      await snaps.create(state, 1);
      ok(same((await snaps.restore())?.state, state), "it is the same");
      equal(snaps.rejected, []);
    });
  }
  await suite.check("size: a snapshot in parts", async (dir) => {
    const codec = {
      encode: (state: Map<string, unknown>) => state.entries(),
      decode: async (json: unknown) =>
        new Map(await collect(json as AsyncIterable<[string, unknown]>)),
    };
    const snaps = new SnapStore<Map<string, unknown>>(dir, { codec });
    await snaps.create(new Map(entries), 1);
    const restored = (await snaps.restore())?.state;
    ok(same([...restored ?? []], entries), "it is the same");
  });
}

/** Whether both are the same JSON; to compare in depth takes seconds. */
function same(actual: unknown, expected: unknown): boolean {
  return JSON.stringify(actual) === JSON.stringify(expected);
}

async function checkState(
  suite: Suite,
  { state: { StateManager } }: Library,
): Promise<void> {
  type Values = Record<string, unknown>;
  const options = {
    initial: (): Values => ({}),
    apply(state: Values, [name, value]: readonly [string, unknown]): void {
      state[name] = value;
    },
    maxSegmentBytes: MAX_SEGMENT_BYTES,
  };
  await suite.check("size: a state, compacted and opened", async (dir) => {
    const first = await StateManager.open(dir, options);
    for (const numbers of stretches()) {
      await first.applyBatch(
        numbers.map((n) => [nameOf(n), valueOf(n)] as const),
      );
      await first.apply(["long", LONG]);
    }
    await first.close();
    ok((await journalFiles(dir)).length > 5, "the log has segments");
    const fromLog = await StateManager.open(dir, {
      ...options,
      snapshotEvery: 1,
    });
    equal(fromLog.recovery.replayed, first.sequence);
    ok(same(fromLog.state, first.state), "the log gives the same state");
    await fromLog.apply(["snapshotted by itself", true]);
    await fromLog.apply(["compacted", true]);
    await fromLog.compact();
    await fromLog.close();
    ok((await journalFiles(dir)).length < 3, "segments were removed");
    equal(fromLog.snapshotFailure, undefined);
    const compacted = await StateManager.open(dir, options);
    const { rejected, replayed } = compacted.recovery;
    equal([rejected, replayed], [[], 0]);
    ok(same(compacted.state, fromLog.state), "the snapshot gives the same");
    await compacted.close();
  });
}

async function checkQueue(
  suite: Suite,
  { queue: { MiniQueue } }: Library,
): Promise<void> {
  await suite.check("size: a queue, compacted and opened", async (dir) => {
    const open = () =>
      MiniQueue.open<unknown>(dir, { maxSegmentBytes: MAX_SEGMENT_BYTES });
    const first = await open();
    for (const numbers of stretches()) {
      await first.enqueueBatch(numbers.map((n) => ({ payload: valueOf(n) })));
    }
    await first.enqueue(LONG, { priority: 1 });
    const [long, ...gone] = await first.receiveBatch(TOGETHER);
    equal(long?.payload, LONG);
    await Promise.all(gone.map((message) => message.ack()));
    ok((await first.compact()).removed!.length > 2, "segments were removed");
    await long!.nack({ countAttempt: false });
    await first.close();
    const second = await open();
    equal((await second.stats()).ready, VALUES - gone.length + 1);
    const [again, next] = await second.receiveBatch(2);
    equal([again?.payload, next?.payload], [LONG, valueOf(gone.length)]);
    await second.close();
  });
}
