import { assertEquals } from "@std/assert";
import fc from "fast-check";
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
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const RUNS = size(200, 20_000);
const MAX_ATTEMPTS = 3;
const TIMEOUT_MS = 1_000;

interface MessageInput {
  readonly payload: string;
  readonly priority?: number;
  readonly group?: string;
  readonly delayMs?: number;
}

interface ModelMessage extends MessageInput {
  order: number;
  due: number;
  attempts: number;
  state: "waiting" | "in flight" | "dead" | "gone";
}

/** A queue as one would explain it: a list, and a rule for who is next. */
class Model {
  readonly messages: ModelMessage[] = [];
  now = 0;
  #orders = 0;

  enqueue(message: MessageInput): void {
    this.messages.push({
      ...message,
      order: this.#orders++,
      due: this.now + (message.delayMs ?? 0),
      attempts: 0,
      state: "waiting",
    });
  }

  in(state: ModelMessage["state"]): ModelMessage[] {
    return this.messages.filter((message) => message.state === state);
  }

  #isFirstOfGroup({ group, order }: ModelMessage): boolean {
    return group === undefined ||
      !this.messages.some((other) =>
        other.group === group && other.order < order &&
        (other.state === "waiting" || other.state === "in flight")
      );
  }

  receive(): ModelMessage | undefined {
    const [next] = this.in("waiting")
      .filter((message) =>
        message.due <= this.now && this.#isFirstOfGroup(message)
      )
      .sort((a, b) =>
        (b.priority ?? 0) - (a.priority ?? 0) || a.order - b.order
      );
    if (next === undefined) return undefined;
    next.state = "in flight";
    next.attempts++;
    return next;
  }

  giveBack(message: ModelMessage, delayMs: number): void {
    message.due = this.now + delayMs;
    message.state = message.attempts < MAX_ATTEMPTS ? "waiting" : "dead";
  }

  redrive(): void {
    for (const message of this.in("dead").sort((a, b) => a.order - b.order)) {
      Object.assign(message, {
        state: "waiting",
        attempts: 0,
        due: 0,
        order: this.#orders++,
      });
    }
  }

  stats() {
    const waiting = this.in("waiting");
    const first = waiting.filter((message) => this.#isFirstOfGroup(message));
    const delayed = first.filter(({ due }) => due > this.now).length;
    return {
      ready: first.length - delayed,
      blocked: waiting.length - first.length,
      delayed,
      inFlight: this.in("in flight").length,
      dead: this.in("dead").length,
      paused: false,
    };
  }
}

type State = { readonly queue: Ledger<string> };
type Change = { readonly queue: LedgerEntry<string> };
type Queue = MiniQueue<string, unknown, Change>;

/** The real thing. */
class Real {
  readonly fs = new MemoryFileSystem();
  clock = new FakeClock();
  manager!: StateManager<State, Change>;
  queue!: Queue;
  readonly held = new Map<string, QueueMessage<string, unknown, Change>>();

  async open(): Promise<void> {
    this.manager = await StateManager.open<State, Change>("/data", {
      fs: this.fs,
      initial: () => ({ queue: emptyLedger<string>() }),
      apply: (state, { queue }) => applyToLedger(state.queue, queue),
    });
    this.queue = await MiniQueue.attach(this.manager, "queue", {
      clock: this.clock,
      maxAttempts: MAX_ATTEMPTS,
      visibilityTimeoutMs: TIMEOUT_MS,
    });
    this.held.clear();
  }
}

type Command = fc.AsyncCommand<Model, Real>;

function command(
  name: string,
  run: (model: Model, real: Real) => Promise<unknown>,
): Command {
  return {
    check: () => true,
    async run(model, real) {
      await run(model, real);
      assertEquals(await real.queue.stats(), model.stats());
    },
    toString: () => name,
  };
}

let names = 0;

const enqueue = fc.array(
  fc.record({
    priority: fc.integer({ min: -1, max: 1 }),
    group: fc.constantFrom("a", "b"),
    delayMs: fc.constantFrom(100, 700),
  }, { requiredKeys: [] }),
  { minLength: 1, maxLength: 4 },
).map((all) =>
  command(`enqueue ${JSON.stringify(all)}`, async (model, { queue }) => {
    const messages = all.map((one) => ({ ...one, payload: `m${names++}` }));
    for (const message of messages) model.enqueue(message);
    await queue.enqueueBatch(messages);
  })
);

const receive = fc.constant(
  command("receive", async (model, { queue, held }) => {
    const message = await queue.receive();
    const expected = model.receive();
    assertEquals(message?.payload, expected?.payload);
    assertEquals(message?.attempts, expected?.attempts);
    if (message) held.set(message.payload, message);
  }),
);

const settle = fc.tuple(
  fc.constantFrom("ack", "nack", "nack later", "deadLetter", "release"),
  fc.nat(),
).map(([how, at]) =>
  command(how, async (model, { held }) => {
    const inFlight = model.in("in flight");
    const known = inFlight[at % inFlight.length];
    if (known === undefined) return;
    const message = held.get(known.payload)!;
    if (how === "ack") {
      known.state = "gone";
      return await message.ack();
    }
    if (how === "deadLetter") {
      known.state = "dead";
      return await message.deadLetter("no");
    }
    if (how === "release") {
      known.attempts--;
      model.giveBack(known, 0);
      return await message.nack({ countAttempt: false });
    }
    const delayMs = how === "nack" ? 0 : 300;
    model.giveBack(known, delayMs);
    await message.nack({ delayMs });
  })
);

const wait = fc.constantFrom(50, 400).map((ms) =>
  command(`wait ${ms} ms`, async (model, { clock, queue, held }) => {
    clock.advance(ms);
    model.now += ms;
    // Nobody is to run out meanwhile: that has tests of its own.
    for (const message of held.values()) {
      if (message.isCurrent) await message.extend(TIMEOUT_MS);
    }
    await queue.stats();
  })
);

const redrive = fc.constant(
  command("redrive all", (model, { queue }) => {
    model.redrive();
    return queue.redrive("all");
  }),
);

const reopen = fc.boolean().map((isKilled) =>
  command(isKilled ? "kill, open" : "close, open", async (model, real) => {
    const { manager } = real;
    assertEquals(await manager.at(manager.sequence), manager.state as State);
    if (isKilled) real.fs.restart();
    else await manager.close();
    real.clock = real.clock.restarted();
    for (const message of model.in("in flight")) model.giveBack(message, 0);
    await real.open();
  })
);

const compact = fc.constant(
  command("compact", (_, { queue }) => queue.compact()),
);

const commands = fc.commands(
  [
    enqueue,
    receive,
    receive,
    receive,
    settle,
    settle,
    wait,
    redrive,
    reopen,
    compact,
  ],
  { maxCommands: 50, size: "max" },
);

Deno.test("MiniQueue behaves as a plain list does, over random commands, reopening and kills", async () => {
  let count = 0;
  const property = fc.asyncProperty(commands, async (generated) => {
    const real = new Real();
    await real.open();
    await fc.asyncModelRun(() => ({ model: new Model(), real }), generated);
    count += [...generated].length;
    assertEquals(
      await real.manager.at(real.manager.sequence),
      real.manager.state as State,
    );
    await real.manager.close();
  });
  await fc.assert(property, { seed, numRuns: RUNS });
  say(`seed ${seed}: ${RUNS} runs of queues, ${count} commands, 0 violations`);
});
