import { assert, assertEquals } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { runAndKill } from "../support/kill.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const JOBS = size(200, 4_000);
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** The reports of workers, over all their lives. */
class Told {
  readonly attempts = new Map<number, number>();
  readonly done = new Set<number>();
  readonly violations: string[] = [];
  isEmpty = false;

  take(lines: readonly string[]): void {
    for (const line of lines) {
      const [what, id = 0, attempts = 0] = line.split(" ");
      if (what === "start") this.#start(Number(id), Number(attempts));
      else if (what === "done") this.done.add(Number(id));
      else this.isEmpty = line === "empty";
    }
  }

  #start(id: number, attempts: number): void {
    if (this.done.has(id)) {
      this.violations.push(`job ${id} came back after it was done`);
    }
    const before = this.attempts.get(id) ?? 0;
    if (attempts <= before) {
      this.violations.push(`job ${id}: delivery ${attempts} after ${before}`);
    }
    this.attempts.set(id, attempts);
  }
}

Deno.test("MiniQueue: a worker is killed mid-job, again and again: every job comes back, every attempt is counted", async () => {
  await using directory = new TestDirectory();
  {
    await using queue = await MiniQueue.open<string>(directory.path);
    await queue.enqueueBatch(
      Array.from({ length: JOBS }, (_, index) => ({ payload: `job ${index}` })),
    );
  }
  const random = new Random(seed);
  const told = new Told();
  let kills = 0;
  while (!told.isEmpty) {
    const lines = random.below(120);
    told.take(await runAndKill("killed_worker.ts", directory.path, lines));
    if (!told.isEmpty) kills++;
  }
  await using queue = await MiniQueue.open<string>(directory.path);
  const { ready, delayed, inFlight } = await queue.stats();
  const dead = await queue.deadLetters();
  const again = [...told.attempts.values()].filter((count) => count > 1).length;
  say(
    `seed ${seed}: ${kills} kills of a worker, ${JOBS} jobs, ${told.done.size} told to be done, ` +
      `${again} delivered again, ${told.violations.length} violations`,
  );
  assertEquals(told.violations, []);
  assertEquals([ready, delayed, inFlight], [0, 0, 0]);
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
