import { assertEquals, assertRejects } from "@std/assert";
import { type LogRecord, MiniStore } from "@mini/state/store";
import { MemoryFileSystem, Random, randomSeed } from "@mini/state/testing";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { WallClock } from "../support/wall_clock.ts";

const PATH = "/data/journal.jsonl";
const T0 = Date.UTC(2026, 0, 1);
const YEAR_2020 = Date.UTC(2020);

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

interface Timed {
  readonly seq: number;
  readonly at: number | undefined;
}

/** The log as docs/FORMAT.md has it: segments of records, of which some say a time. */
class Model {
  #segments: Timed[][] = [[]];
  #last: number | undefined;
  /** The last time that the active segment says. */
  #said: number | undefined;
  next = 1;

  commit(records: number, isTimed: boolean): void {
    const now = Date.now() < YEAR_2020 ? undefined : Date.now();
    if (isTimed) {
      const [at = this.#last] = [now, this.#last].flatMap((at) => at ?? [])
        .sort((one, other) => other - one);
      this.#last = at;
      this.#said = at ?? this.#said;
    }
    for (let count = 0; count < records; count++) {
      this.#segments.at(-1)!.push({ seq: this.next++, at: this.#said });
    }
  }

  rotate(): void {
    if (this.#segments.at(-1)!.length === 0) return;
    this.#segments.push([]);
    this.#said = undefined;
  }

  compact(upTo: number): void {
    while (
      this.#segments.length > 1 && this.#segments[0]!.at(-1)!.seq <= upTo
    ) {
      this.#segments.shift();
    }
  }

  /** Opens the log again: the last time is the one on record. */
  reopen(): void {
    this.#last = this.records.findLast(({ at }) => at !== undefined)?.at;
  }

  get records(): Timed[] {
    return this.#segments.flat();
  }

  /** The number of the last record, if none is left, and it was there at `time` as an open log knows. */
  goneBy(time: number): number {
    const isGone = this.records.length === 0 && this.#last !== undefined &&
      this.#last <= time;
    return isGone ? this.next - 1 : 0;
  }
}

Deno.test("replay({ since }) and seqAt() agree with a list of all records and their times", async () => {
  const runs = size(40, 2_000);
  let looks = 0;
  for (let run = 0; run < runs; run++) {
    looks += await compare(new Random(seed + run), `SEED=${seed}, run ${run}`);
  }
  say(`seed ${seed}: ${runs} logs, ${looks} looks, 0 violations`);
});

async function compare(random: Random, label: string): Promise<number> {
  using clock = new WallClock(T0);
  const fs = new MemoryFileSystem();
  const model = new Model();
  let timestamps = random.below(3) > 0;
  let store = await MiniStore.open<number>(PATH, { fs, timestamps });
  let looks = 0;
  for (let step = 0; step < 40; step++) {
    clock.ms = [clock.ms, clock.ms + random.below(9), T0, 60_000]
      .at(random.below(8)) ?? clock.ms + 3;
    switch (random.below(6)) {
      case 0:
        await store.append(0);
        model.commit(1, timestamps);
        break;
      case 1:
        await Promise.all([1, 2, 3].map((item) => store.append(item)));
        model.commit(3, timestamps);
        break;
      case 2:
        await store.appendBatch([4, 5]);
        model.commit(2, timestamps);
        break;
      case 3:
        await store.rotate();
        model.rotate();
        break;
      case 4: {
        if (random.below(4) > 0) break;
        const upTo = random.below(model.next);
        await store.compact(upTo);
        model.compact(upTo);
        break;
      }
      default:
        await store.close();
        timestamps = random.below(4) > 0;
        model.reopen();
        store = await MiniStore.open<number>(PATH, { fs, timestamps });
    }
    if (step % 4 > 0) continue;
    const time = T0 + random.below(60) - 3;
    await check(store, { model, time, timestamps, label });
    looks++;
  }
  await store.close();
  return looks;
}

async function check(
  store: MiniStore<number>,
  { model, time, timestamps, label }: {
    readonly model: Model;
    readonly time: number;
    readonly timestamps: boolean;
    readonly label: string;
  },
): Promise<void> {
  const { records } = model;
  assertEquals(await timesOf(store.replay()), records, label);
  const since = new Date(time);
  const isRefused = !timestamps && records.length > 0 &&
    records.every(({ at }) => at === undefined);
  if (isRefused) {
    await assertRejects(() => store.seqAt(since), TypeError, "", label);
    await assertRejects(() => timesOf(store.replay({ since })), TypeError);
    return;
  }
  const start = records.findIndex(({ at }) => at !== undefined && at >= time);
  const late = start === -1 ? [] : records.slice(start);
  assertEquals(await timesOf(store.replay({ since })), late, label);
  const until = records.findLast(({ at }) => at !== undefined && at <= time);
  const gone = timestamps ? model.goneBy(time) : 0;
  assertEquals(await store.seqAt(since), until?.seq ?? gone, label);
}

function timesOf(
  records: AsyncIterable<LogRecord<number>>,
): Promise<Timed[]> {
  return Array.fromAsync(
    records,
    ({ seq, at }) => ({ seq, at: at?.getTime() }),
  );
}
