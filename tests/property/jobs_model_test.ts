// Jobs: a queue against a list, over random commands. What fails is cut down to
// the commands that it takes.
import { assertEquals } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
  type QueueMessage,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem, randomSeed } from "@mini/state/testing";
import { FakeClock } from "../support/fake_clock.ts";
import { generate } from "../support/job_commands.ts";
import {
  type Command,
  type Job,
  MAX_ATTEMPTS,
  Model,
  WINDOW_MS,
} from "../support/job_model.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const RUNS = size(300, 20_000);

/** As assertEquals, which takes long to find that nothing differs. */
function assertSame<T>(actual: T, expected: T): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    assertEquals(actual, expected);
  }
}

type State = { readonly queue: Ledger<string> };
type Change = { readonly queue: LedgerEntry<string> };

class Run {
  readonly #fs = new MemoryFileSystem();
  #clock = new FakeClock();
  #manager!: StateManager<State, Change>;
  #queue!: MiniQueue<string, number, Change>;
  readonly #held = new Map<number, QueueMessage<string, number, Change>>();
  readonly #model = new Model(this.#clock.wall(), this.#clock.wall());

  async open(): Promise<void> {
    this.#manager = await StateManager.open<State, Change>("/data", {
      fs: this.#fs,
      initial: () => ({ queue: emptyLedger<string>() }),
      apply: (state, { queue }) => applyToLedger(state.queue, queue),
    });
    this.#queue = await MiniQueue.attach(this.#manager, "queue", {
      clock: this.#clock,
      maxAttempts: MAX_ATTEMPTS,
      visibilityTimeoutMs: Infinity,
      dedupeWindowMs: WINDOW_MS,
      ...this.#model.policy,
    });
  }

  close(): Promise<void> {
    return this.#manager.close();
  }

  async step(command: Command): Promise<void> {
    await this.#do(command);
    // An entry: what is too old goes with the next one.
    await this.#setPaused(this.#model.isPaused);
    this.#model.trim();
    await this.#compare();
  }

  #setPaused(isPaused: boolean): Promise<void> {
    this.#model.isPaused = isPaused;
    return isPaused ? this.#queue.pause() : this.#queue.resume();
  }

  async #compare(): Promise<void> {
    const [model, queue] = [this.#model, this.#queue];
    assertSame(await queue.stats(), model.stats());
    const ids = (all: { id: number }[]) => all.map(({ id }) => id);
    assertSame(ids(await queue.peek(9_999)), model.peek());
    const found = await Promise.all(model.jobs.map(({ id }) => queue.get(id)));
    assertSame(
      found.map((status, n) => [model.jobs[n]!.id, status?.state]),
      model.jobs.map((job) => [job.id, model.stateOf(job)]),
    );
    const finished = await queue.finished();
    assertSame(
      finished.map((one) => [one.id, one.state === "done" && one.result]),
      model.in("done", "cancelled").map((job) => [
        job.id,
        job.state === "done" && job.result,
      ]),
    );
    assertSame(ids(await queue.deadLetters()), ids(model.in("dead")));
  }

  async #do(command: Command): Promise<unknown> {
    const [model, queue, clock] = [this.#model, this.#queue, this.#clock];
    switch (command.do) {
      case "enqueue": {
        const { payload, inMs, ...options } = command.input;
        const holder = model.holderOf(options.dedupeKey);
        const { id, deduplicated } = await queue.enqueue(payload, {
          ...options,
          ...(inMs !== undefined && { at: new Date(clock.wall() + inMs) }),
        });
        assertEquals(deduplicated, holder !== undefined);
        if (deduplicated) return assertEquals(id, holder);
        return model.enqueue(id, command.input);
      }
      case "receive": {
        const message = await queue.receive();
        const expected = model.receive();
        assertEquals(
          [message?.id, message?.payload, message?.attempts],
          [expected?.id, expected?.payload, expected?.attempts],
        );
        if (message) this.#held.set(message.id, message);
        return undefined;
      }
      case "pause":
      case "resume":
        return await this.#setPaused(command.do === "pause");
      case "purge all":
        model.purge();
        return await queue.purge("all");
      case "wait":
        clock.advance(command.ms);
        model.now += command.ms;
        model.wall += command.ms;
        return undefined;
      case "set the wall clock":
        model.wall += command.ms;
        return clock.setWall(model.wall);
      case "reopen":
        return await this.#reopen(command);
      case "redrive":
        return await this.#redrive(command);
      default:
        return await this.#one(command);
    }
  }

  async #one(
    command: Extract<Command, { n: number }> & { do: string },
  ): Promise<unknown> {
    const [model, queue] = [this.#model, this.#queue];
    const among = (jobs: Job[]) => jobs[command.n % jobs.length];
    const job = command.do === "purge one"
      ? among(model.in("dead"))
      : command.do === "cancel" || command.do === "update"
      ? among(model.jobs)
      : among(model.in("inFlight"));
    if (job === undefined) return undefined;
    const { id, state } = job;
    const message = this.#held.get(id)!;
    switch (command.do) {
      case "purge one":
        job.state = "gone";
        return await queue.purge(id);
      case "cancel":
        await queue.cancel(id);
        if (state !== "waiting" && state !== "inFlight") return undefined;
        return model.end(job, "cancelled");
      case "update": {
        const isChanged = await queue.update(id, command.changes);
        assertEquals(isChanged, state === "waiting");
        if (!isChanged) return undefined;
        const { delayMs, ...changes } = command.changes;
        Object.assign(job, changes);
        if (delayMs === undefined) return undefined;
        return Object.assign(job, {
          due: model.now + delayMs,
          when: undefined,
        });
      }
      case "ack":
        model.end(job, "done", command.result);
        return await message.ack(command.result);
      case "nack":
        model.giveBack(job, command.delayMs);
        return await message.nack({ delayMs: command.delayMs });
      case "deadLetter":
        model.end(job, "dead");
        return await message.deadLetter("no");
      default:
        throw new TypeError(`no command: ${command.do}`);
    }
  }

  async #redrive(
    { which, n, perSecond }: Extract<Command, { do: "redrive" }>,
  ): Promise<void> {
    const [model, queue] = [this.#model, this.#queue];
    const dead = model.in("dead").sort((a, b) => a.order - b.order);
    if (dead.length === 0) return;
    const one = dead[n % dead.length]!;
    const isOdd = ({ id }: { id: number }) => id % 2 === 1;
    const chosen = which === "one"
      ? [one]
      : which === "all"
      ? dead
      : dead.filter(isOdd);
    const choice = which === "one"
      ? one.id
      : which === "all"
      ? "all"
      : which === "ids"
      ? chosen.map(({ id }) => id).reverse()
      : isOdd;
    const options = perSecond === undefined ? {} : { perSecond };
    assertEquals(await queue.redrive(choice, options), chosen.length);
    for (const [index, job] of chosen.entries()) {
      model.redrive(job, Math.floor(1_000 * index / (perSecond ?? Infinity)));
    }
  }

  async #reopen(
    { policy, compact }: Extract<Command, { do: "reopen" }>,
  ): Promise<void> {
    const model = this.#model;
    if (compact) await this.#queue.compact();
    await this.close();
    this.#held.clear();
    this.#clock = this.#clock.restarted();
    model.policy = policy;
    model.trim();
    for (const job of model.in("inFlight")) model.giveBack(job, 0);
    await this.open();
  }
}

/** The error with which commands fail, if they do. */
async function failure(commands: readonly Command[]): Promise<unknown> {
  const run = new Run();
  try {
    await run.open();
    for (const command of commands) await run.step(command);
    await run.close();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Drops commands while what is left fails. */
async function shortest(commands: readonly Command[]): Promise<Command[]> {
  let left = [...commands];
  for (let from = 0; from < left.length;) {
    const fewer = left.toSpliced(from, 1);
    if (await failure(fewer) === undefined) from++;
    else [left, from] = [fewer, 0];
  }
  return left;
}

Deno.test("MiniQueue: jobs do as a list says, over random commands, limits, clocks and restarts", async () => {
  for (let run = 0; run < RUNS; run++) {
    const commands = generate(seed + run);
    if (await failure(commands) === undefined) continue;
    const few = await shortest(commands);
    say(`SEED=${seed + run} fails with:`);
    for (const command of few) say(JSON.stringify(command));
    throw await failure(few);
  }
  say(`seed ${seed}: ${RUNS} runs of jobs, 0 violations`);
});
