import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
  type QueueMessage,
} from "@mini/state/queue";
import { type FileSystem, MiniStore } from "@mini/state/store";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { History } from "../support/history.ts";
import { Consumers, TIMEOUT_MS } from "./consumers.ts";
import { DIR, PATH } from "./process.ts";
import { rowsOfState } from "./state_rows.ts";
import { isSame, type Unit } from "./units.ts";
import { attempt, pick, type Program, stands, type World } from "./world.ts";

/** What has happened, in order, and a queue. */
interface State {
  readonly seen: string[];
  readonly box: Ledger<string>;
}

type Change = { readonly event: string } | { readonly boom: string } | {
  readonly box: LedgerEntry<string>;
};

function apply(state: State, change: Change): void {
  if ("box" in change) return applyToLedger(state.box, change.box);
  const name = "event" in change ? change.event : change.boom;
  state.seen.push(name);
  if ("boom" in change) throw new Error(`${name} goes off half-way`);
}

/** Which records the log says were aborted. */
async function abortsIn(fs: FileSystem): Promise<Set<number>> {
  const found = new Set<number>();
  for await (const { data } of MiniStore.replay<object>(PATH, { fs })) {
    if ("abort" in data) found.add(Number(data.abort));
  }
  return found;
}

type Manager = StateManager<State, Change>;
type Message = QueueMessage<string, { readonly box: LedgerEntry<string> }>;

/** A state that a queue is in. */
export class StateProgram implements Program {
  readonly name = "state";
  readonly #world: World;
  readonly #options: object;
  readonly #maxReceives: number;
  readonly #history: History;
  readonly #consumers: Consumers<{ readonly box: LedgerEntry<string> }>;
  #manager!: Manager;
  #names = 0;
  #readers = new AbortController();
  /** Messages that are one with an event, by the unit of that. */
  readonly #sends = new Map<Unit, string>();
  readonly #acks = new Map<Unit, string>();
  /** The state when the last process closed it. */
  #closedAs: string | undefined;

  constructor(world: World, history: History) {
    const { random } = world;
    this.#world = world;
    this.#history = history;
    this.#maxReceives = 2 + random.below(5);
    this.#consumers = new Consumers(world, history, this.#maxReceives);
    this.#options = {
      initial: () => ({ seen: [], box: emptyLedger<string>() }),
      apply,
      maxSegmentBytes: pick(random, [500, 3_000, 100_000]),
      keepSnapshots: 1 + random.below(3),
      ...(random.oneIn(3) && { snapshotEvery: 5 + random.below(20) }),
    };
  }

  #openAt(fs: FileSystem): Promise<Manager> {
    const options = { ...this.#options, fs } as Parameters<
      typeof StateManager.open<State, Change>
    >[1];
    return StateManager.open<State, Change>(DIR, options);
  }

  async open(): Promise<void> {
    const { clock, fs } = this.#world.process;
    const recorded = await abortsIn(new MemoryFileSystem(fs.snapshot()));
    const manager = await this.#openAt(fs);
    if (manager.recovery.aborted.some((seq) => !recorded.has(seq))) {
      this.#world.coverage.hit("abort: not on record, found on replay");
    }
    this.#manager = manager;
    this.#readers = new AbortController();
    const found = JSON.stringify(manager.state);
    const closedAs = this.#closedAs;
    this.#closedAs = undefined;
    if (closedAs !== undefined && found !== closedAs) {
      this.#world.trace.violation(`the state was ${closedAs}, and is ${found}`);
    }
    const queue = await MiniQueue.attach(manager, "box", {
      clock,
      maxReceives: this.#maxReceives,
      visibilityTimeoutMs: TIMEOUT_MS,
    });
    await this.#consumers.start(queue);
  }

  async check(isPowerCut: boolean): Promise<void> {
    const { units, trace, coverage } = this.#world;
    this.#history.crashed(isPowerCut);
    for (const row of rowsOfState(this.#manager.recovery)) coverage.hit(row);
    const wrong = units.recovered(this.#manager.state.seen, isPowerCut);
    if (wrong !== undefined) trace.violation(wrong);
    for (const [unit, message] of this.#sends) {
      const isThere = unit.standing === "durable";
      this.#history.enqueued(message, isThere ? "ok" : "failed");
    }
    for (const [unit, message] of this.#acks) {
      this.#history.decided(message, unit.standing === "durable");
    }
    this.#sends.clear();
    this.#acks.clear();
    await Promise.resolve();
  }

  async read(fs: FileSystem): Promise<string[]> {
    const manager = await this.#openAt(fs);
    for (const row of rowsOfState(manager.recovery)) {
      this.#world.coverage.hit(row);
    }
    return [...manager.state.seen];
  }

  step(): Promise<void> {
    return pick<() => Promise<void>>(this.#world.random, [
      () => this.#apply(1, true),
      () => this.#apply(1, false),
      () => this.#apply(2 + this.#world.random.below(2), true),
      () => this.#expect(),
      () => this.#transact(),
      () => this.#boom(),
      () => this.#send(),
      () => this.#done(),
      () => this.#consumers.enqueue(),
      () => this.#consumers.receive(),
      () => this.#consumers.receive(),
      () => this.#consumers.settle(),
      () => this.#consumers.extend(),
      () => this.#consumers.letTimePass(),
      () => this.#snapshot(),
      () => this.#compact(),
      () => this.#at(),
      () => this.#watch(),
      () => this.#readBeside(),
    ])();
  }

  #event(): string {
    const { random } = this.#world;
    const size = random.oneIn(4) ? 900 : 20;
    return `e${++this.#names}${"x".repeat(random.below(size))}`;
  }

  async #apply(count: number, durable: boolean): Promise<void> {
    const events = Array.from({ length: count }, () => this.#event());
    const changes = events.map((event): Change => ({ event }));
    await this.#write(
      "apply",
      events,
      () =>
        count === 1
          ? this.#manager.apply(changes[0]!, { durable })
          : this.#manager.applyAll(changes),
      durable,
    );
  }

  async #write(
    what: string,
    events: string[],
    write: () => Promise<number | undefined>,
    durable = true,
  ): Promise<{ unit: Unit; code?: string }> {
    const { units } = this.#world;
    const unit = units.issue(...events);
    const names = events.map((event) => event.slice(0, 5));
    const outcome = await attempt(
      this.#world,
      `${what} ${names}${durable ? "" : " lazily"}`,
      write,
      ["CONFLICT"],
    );
    unit.standing = stands(this.#world, outcome, durable);
    if (outcome.error !== undefined) return { unit, code: outcome.error.code };
    if (outcome.value === undefined) unit.standing = "refused";
    return { unit };
  }

  async #expect(): Promise<void> {
    const expectedSequence = this.#manager.sequence;
    const event = this.#event();
    await this.#write(
      `expect ${expectedSequence},`,
      [event],
      () => this.#manager.apply({ event }, { expectedSequence }),
    );
  }

  async #transact(): Promise<void> {
    const event = this.#event();
    await this.#write(
      "transact",
      [event],
      () =>
        this.#manager.transact((state) =>
          state.seen.length % 3 === 0 ? undefined : { event }
        ),
    );
  }

  /** Has no effect, now or ever. */
  async #boom(): Promise<void> {
    const boom = `b${++this.#names}`;
    const isAlone = this.#world.random.oneIn(2);
    const outcome = await attempt(
      this.#world,
      `apply ${boom}`,
      () =>
        isAlone
          ? this.#manager.apply({ boom })
          : this.#manager.applyAll([{ event: `${boom}+` }, { boom }]),
      ["ABORTED_MUTATION"],
    );
    if (outcome.error === undefined) {
      this.#world.trace.violation(`${boom} was applied`);
    }
  }

  /** An event and the message it sends, as one. */
  async #send(): Promise<void> {
    const name = this.#consumers.newName();
    const event = this.#event();
    // Its place in line is that of its record: it shares no group with those enqueued otherwise.
    const group = "sent";
    this.#history.invokeEnqueue(name, group);
    const { unit } = await this.#write(`send ${name} with`, [event], () => {
      const message = this.#consumers.queue.toEnqueue(name, { group });
      return this.#manager.applyAll([{ event }, message]);
    });
    if (unit.standing === "pending") this.#sends.set(unit, name);
    else {
      this.#history.enqueued(
        name,
        unit.standing === "durable" ? "ok" : "failed",
      );
    }
  }

  /** An event and the acknowledgement of the message that has caused it, as one. */
  async #done(): Promise<void> {
    const message = this.#consumers.take() as Message | undefined;
    if (message === undefined) return;
    const event = this.#event();
    const unit = this.#world.units.issue(event);
    const told = await this.#consumers.settling(
      message,
      "acked",
      undefined,
      `ack ${message.payload} with ${event.slice(0, 5)}`,
      () => this.#manager.applyAll([{ event }, message.toAck()]),
    );
    unit.standing = told === "ok"
      ? "durable"
      : told === "unknown"
      ? "pending"
      : "refused";
    if (told === "unknown") this.#acks.set(unit, message.payload);
  }

  async #snapshot(): Promise<void> {
    await attempt(
      this.#world,
      "snapshot",
      () => this.#manager.createSnapshot(),
    );
  }

  async #compact(): Promise<void> {
    await attempt(this.#world, "compact", () => this.#manager.compact());
  }

  /** The past is a beginning of the present. */
  async #at(): Promise<void> {
    const { random, trace, units, process } = this.#world;
    const seq = random.below(this.#manager.sequence + 1);
    const outcome = await attempt(
      this.#world,
      `at ${seq}`,
      () => this.#manager.at(seq),
      ["COMPACTED"],
    );
    if (outcome.error !== undefined || process.isDead) return;
    const { seen } = outcome.value;
    if (!units.isBeginning(seen)) {
      trace.violation(`at ${seq}: ${seen.map((name) => name.slice(0, 5))}`);
    }
  }

  /** Watches until the process ends: whatever comes is in order, and stays. */
  async #watch(): Promise<void> {
    const { trace, units, process } = this.#world;
    const { signal } = this.#readers;
    const events: string[] = [];
    const watch = async () => {
      for await (const { mutation } of this.#manager.watch({ signal })) {
        if ("event" in mutation) events.push(mutation.event);
      }
    };
    attempt(this.#world, "watch", watch, ["COMPACTED", "ABORTED"]).then(() => {
      if (process.isDead) return;
      const at = units.items.indexOf(events[0] ?? "");
      const wanted = units.items.slice(at, at + events.length);
      if (events.length === 0 || isSame(events, wanted)) return;
      trace.violation(`watched ${events.map((name) => name.slice(0, 5))}`);
    });
    await undefined;
  }

  async #readBeside(): Promise<void> {
    const { fs } = this.#world.process;
    await attempt(
      this.#world,
      "read beside",
      () => Array.fromAsync(MiniStore.replay(PATH, { fs })),
      ["COMPACTED"],
    );
  }

  async close(): Promise<void> {
    const { process } = this.#world;
    await this.#consumers.queue.close();
    await this.#manager.close();
    this.#readers.abort(Object.assign(new Error("over"), { code: "ABORTED" }));
    // What was under way when it was poisoned may be on the disk, and was never applied.
    if (process.isDead || this.#manager.failure !== undefined) return;
    this.#closedAs = JSON.stringify(this.#manager.state);
  }

  async end(): Promise<void> {
    await this.#consumers.end();
    for (const what of this.#history.violations) {
      this.#world.trace.violation(what);
    }
  }
}
