// However the clock runs, and whenever the process is killed: each occurrence fires once.
import { MiniQueue } from "@mini/state/queue";
import {
  crashStates,
  type DiskSnapshot,
  MemoryFileSystem,
  Random,
  randomSeed,
} from "@mini/state/testing";
import { assertEquals } from "@std/assert";
import { Cron } from "croner";
import { FakeClock } from "../support/fake_clock.ts";
import { say } from "../support/report.ts";
import { HOUR, MINUTE } from "../support/schedule.ts";
import { size } from "../support/size.ts";

const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const LIVES = size(12, 1_000);
const STEPS = 10;
const ZONE = "Europe/Berlin";

/** A day or two before the clocks are changed there. */
const SEASONS = [Date.UTC(2026, 2, 27, 12), Date.UTC(2026, 9, 23, 12)];

/** A minute of the clock on the wall there. */
interface Local {
  readonly at: number;
  readonly day: string;
  readonly minute: number;
}

const FORMAT = new Intl.DateTimeFormat("en-GB", {
  timeZone: ZONE,
  dateStyle: "short",
  timeStyle: "short",
});

/** The minutes of a season, for as long as a life lasts. */
function minutesFrom(start: number): Local[] {
  const minutes: Local[] = [];
  const end = start + (STEPS + 2) * 24 * HOUR;
  for (let at = start + MINUTE; at <= end; at += MINUTE) {
    const [day, time] = FORMAT.format(at).split(", ") as [string, string];
    const [hours, minute] = time.split(":").map(Number) as [number, number];
    minutes.push({ at, day, minute: hours * 60 + minute });
  }
  return minutes;
}

/** Those at which a time comes on each day: once where the hour comes twice, and right after the hour that is left out. */
function daily(minutes: readonly Local[], time: number): number[] {
  const seen = new Set<string>();
  return minutes.filter(({ day, minute }, index) => {
    const before = minutes[index - 1]?.minute ?? minute;
    const isIt = minute === time || before < time && time < minute;
    if (!isIt || seen.has(day)) return false;
    seen.add(day);
    return true;
  }).map(({ at }) => at);
}

/** Expressions, and what they mean. */
const EXPRESSIONS: Record<string, (minutes: readonly Local[]) => number[]> = {
  "30 2 * * *": (minutes) => daily(minutes, 150),
  "0 3 * * *": (minutes) => daily(minutes, 180),
  "*/30 * * * *": (minutes) =>
    minutes.filter(({ minute }) => minute % 30 === 0).map(({ at }) => at),
  "15 * * * *": (minutes) =>
    minutes.filter(({ minute }) => minute % 60 === 15).map(({ at }) => at),
};

const MINUTES = SEASONS.map(minutesFrom);

/** A queue whose process is killed now and then, also by power cuts. */
class Life {
  readonly #random: Random;
  readonly #when: Cron;
  #fs = new MemoryFileSystem();
  #queue: MiniQueue<string> | undefined;
  clock: FakeClock;

  constructor(random: Random, expression: string, start: number) {
    this.#random = random;
    this.#when = new Cron(expression, { timezone: ZONE });
    this.clock = new FakeClock(start);
  }

  async #open(): Promise<MiniQueue<string>> {
    return this.#queue ??= await MiniQueue.open<string>("/q", {
      fs: this.#fs,
      clock: this.clock,
      onError: (error) => {
        throw error;
      },
      schedules: {
        s: { when: this.#when, payload: "", missed: "all", overlap: "allow" },
      },
    });
  }

  /** Fires what is due. Nothing is delivered, so that all of it can be seen. */
  async look(): Promise<void> {
    const queue = await this.#open();
    await queue.pause();
    await queue.receive();
  }

  /** Looks, and kills the process at some moment of that. */
  async lookAndDie(): Promise<void> {
    await this.#open();
    const moments: DiskSnapshot[] = [this.#fs.snapshot()];
    this.#fs.hooks.after = () => void moments.push(this.#fs.snapshot());
    await this.look();
    const snapshot = moments[this.#random.below(moments.length)]!;
    const disks = [new MemoryFileSystem(snapshot)];
    for (const { fs } of crashStates(snapshot)) {
      if (disks.push(fs) > 8) break;
    }
    this.#queue = undefined;
    this.#fs = disks[this.#random.below(disks.length)]!;
    this.clock = this.clock.restarted();
  }

  async fired(): Promise<number[]> {
    const messages = await (await this.#open()).peek(10_000);
    return messages.map(({ scheduledFor }) => scheduledFor!.getTime())
      .sort((a, b) => a - b);
  }

  async close(): Promise<void> {
    await this.#queue?.close();
  }
}

/** One life. Returns the end of its time, and what has fired. */
async function live(
  random: Random,
  expression: string,
  start: number,
  mayBeFarOff: boolean,
): Promise<{ top: number; fired: number[] }> {
  const life = new Life(random, expression, start);
  let top = start;
  await life.look();
  for (let step = 0; step < STEPS; step++) {
    life.clock.advance((1 + random.below(18 * 60)) * MINUTE);
    top = Math.max(top, life.clock.wall());
    if (random.below(3) === 0) await life.lookAndDie();
    await life.look();
    if (random.below(4) === 0) {
      const farOff = mayBeFarOff ? 12 : 1;
      const back = random.below(farOff * 23 * 60) * MINUTE;
      life.clock.setWall(Math.max(start, life.clock.wall() - back));
    }
  }
  life.clock.setWall(top);
  await life.look();
  const fired = await life.fired();
  await life.close();
  return { top, fired };
}

Deno.test("a schedule that misses nothing fires each occurrence once, however the clock runs and the process dies", async () => {
  const random = new Random(seed);
  for (let count = 0; count < LIVES; count++) {
    const season = count % SEASONS.length;
    for (const [expression, oracle] of Object.entries(EXPRESSIONS)) {
      const { top, fired } = await live(
        random,
        expression,
        SEASONS[season]!,
        false,
      );
      const expected = oracle(MINUTES[season]!).filter((at) => at <= top);
      assertEquals(fired, expected, `SEED=${seed} ${expression}`);
    }
  }
  say(`schedules: ${4 * LIVES} lives, SEED=${seed}`);
});

Deno.test("a schedule fires no occurrence twice, however wrong the clock was", async () => {
  const random = new Random(seed);
  for (let count = 0; count < LIVES; count++) {
    for (const expression of Object.keys(EXPRESSIONS)) {
      const start = SEASONS[count % SEASONS.length]!;
      const { fired } = await live(random, expression, start, true);
      assertEquals(fired, [...new Set(fired)], `SEED=${seed} ${expression}`);
    }
  }
  say(`schedules by wrong clocks: ${4 * LIVES} lives, SEED=${seed}`);
});
