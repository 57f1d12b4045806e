import { assert, assertEquals } from "@std/assert";
import { type FinishedMessage, MiniQueue, QueueView } from "@mini/state/queue";
import { Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { runAndKill } from "../support/kill.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const JOBS = size(200, 4_000);
/** The worker that has it cancels every tenth job. */
const UNWANTED = 10;
/** The milliseconds between two occurrences of the workers' schedule. */
const EVERY_MS = 200;
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** The reports of workers, over all their lives. */
class Told {
  readonly attempts = new Map<number, number>();
  readonly done = new Set<number>();
  readonly cancelled = new Set<number>();
  readonly violations: string[] = [];
  isEmpty = false;

  take(lines: readonly string[]): void {
    for (const line of lines) {
      const [what, id = 0, attempts = 0] = line.split(" ");
      if (what === "start") this.#start(Number(id), Number(attempts));
      else if (what === "done") this.done.add(Number(id));
      else if (what === "cancelled") this.cancelled.add(Number(id));
      else this.isEmpty = line === "empty";
    }
  }

  #start(id: number, attempts: number): void {
    if (this.done.has(id) || this.cancelled.has(id)) {
      this.violations.push(`job ${id} came back after it had ended`);
    }
    const before = this.attempts.get(id) ?? 0;
    if (attempts <= before) {
      this.violations.push(`job ${id}: delivery ${attempts} after ${before}`);
    }
    this.attempts.set(id, attempts);
  }

  /** Compares with what the queue keeps of messages that have ended. */
  compare(kept: readonly FinishedMessage<string>[]): void {
    const ends = new Map(kept.map((one) => [one.id, one]));
    for (const id of this.done) {
      const end = ends.get(id);
      if (end?.state === "done" && end.result === `result ${id}`) continue;
      this.violations.push(`job ${id} was done, and its end is lost`);
    }
    for (const id of this.cancelled) {
      const end = ends.get(id);
      const isSo = end?.state === "cancelled" &&
        end.reason === "no longer wanted";
      if (!isSo) this.violations.push(`job ${id} was cancelled, and is not`);
    }
  }
}

/** The ends of messages, apart from what hangs on a clock. */
function endsOf(finished: readonly FinishedMessage<string>[]): string {
  return JSON.stringify(
    finished.map(({ endedAt: _, enqueuedAt: __, ...end }) => end),
  );
}

/** The occurrences of a schedule that are there: each once, and none missing. */
function occurrencesOf(
  messages: readonly { readonly scheduledFor?: Date }[],
): number {
  const times = messages.flatMap(({ scheduledFor }) =>
    scheduledFor === undefined ? [] : [scheduledFor.getTime()]
  ).sort((a, b) => a - b);
  for (const [index, time] of times.entries()) {
    assertEquals(time, times[0]! + index * EVERY_MS);
  }
  return times.length;
}

Deno.test("MiniQueue: a worker is killed mid-job, again and again: every job comes back, every attempt is counted, every end is kept", async () => {
  await using directory = new TestDirectory();
  {
    await using queue = await MiniQueue.open<string>(directory.path);
    await queue.enqueueBatch(
      Array.from({ length: JOBS }, (_, index) => ({
        payload: index % UNWANTED === 0 ? "unwanted" : `job ${index}`,
      })),
    );
  }
  // It outlives all workers.
  await using view = await QueueView.open<string>(directory.path);
  const random = new Random(seed);
  const told = new Told();
  let kills = 0;
  while (!told.isEmpty) {
    const lines = random.below(120);
    told.take(await runAndKill("killed_worker.ts", directory.path, lines));
    if (!told.isEmpty) kills++;
  }
  await using queue = await MiniQueue.open<string>(directory.path, {
    keepFinished: { count: 1_000_000 },
  });
  const pending = await queue.peek(1_000_000);
  const dead = await queue.deadLetters({ limit: 1_000_000 });
  const kept = await queue.finished({ limit: 1_000_000 });
  told.compare(kept);
  const ticks = occurrencesOf([...pending, ...dead, ...kept]);
  await view.until(queue.sequence);
  const seen = await view.finished({ limit: 1_000_000 });
  assert(endsOf(seen) === endsOf(kept), "a view shows something else");
  const left = pending.filter(({ scheduledFor }) => scheduledFor === undefined);
  const again = [...told.attempts.values()].filter((count) => count > 1).length;
  say(
    `seed ${seed}: ${kills} kills of a worker, ${JOBS} jobs, ${told.done.size} told to be done, ` +
      `${told.cancelled.size} to be cancelled, ${ticks} occurrences, ` +
      `${again} delivered again, ${told.violations.length} violations`,
  );
  assertEquals(told.violations, []);
  assertEquals(left, []);
  assert(told.cancelled.size > 0);
  assertEquals(told.attempts.size, JOBS);
  for (const { id } of dead) assert(!told.done.has(id));
});

Deno.test("MiniQueue: a job that kills its worker ends dead, and the others are done", async () => {
  await using directory = new TestDirectory();
  {
    await using queue = await MiniQueue.open<string>(directory.path);
    await queue.enqueueBatch(
      ["a", "poison", "b", "c"].map((payload) => ({ payload, group: "g" })),
    );
  }
  const told = new Told();
  let lives = 0;
  while (!told.isEmpty) {
    told.take(await runAndKill("killed_worker.ts", directory.path, Infinity));
    assert(++lives < 10);
  }
  assertEquals(lives, 4);
  assertEquals([...told.attempts], [[1, 1], [2, 3], [3, 1], [4, 1]]);
  await using queue = await MiniQueue.open<string>(directory.path);
  const [dead] = await queue.deadLetters();
  assertEquals([dead!.payload, dead!.attempts], ["poison", 3]);
  assert(dead!.reason.includes("the process ended"), dead!.reason);
});
