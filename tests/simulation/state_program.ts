import {
  type LedgerEntry,
  MiniQueue,
  type QueueMessage,
} from "@mini/state/queue";
import type { FileSystem } from "@mini/state/store";
import type { History } from "../support/history.ts";
import { Consumers, TIMEOUT_MS } from "./consumers.ts";
import { letTimePass } from "./occurrences.ts";
import { type Facts, factsOfState } from "./recount/facts.ts";
import { noteSnapshotFailure } from "./recount/watch.ts";
import { RollBack } from "./roll_back.ts";
import {
  type Event,
  type Keeping,
  keepingOf,
  type Manager,
  openState,
} from "./state_model.ts";
import { StateReaders } from "./state_readers.ts";
import { rowsOfState } from "./state_rows.ts";
import { StateViews } from "./state_views.ts";
import type { Unit } from "./units.ts";
import { attempt, pick, type Program, stands, type World } from "./world.ts";

type Message = QueueMessage<
  string,
  unknown,
  { readonly box: LedgerEntry<string> }
>;

/** A state that a queue is in. */
export class StateProgram implements Program {
  readonly name = "state";
  readonly #world: World;
  readonly #keeping: Keeping;
  readonly #rollBack: RollBack;
  readonly #maxAttempts: number;
  readonly #history: History;
  readonly #consumers: Consumers<{ readonly box: LedgerEntry<string> }>;
  #manager!: Manager;
  #names = 0;
  /** How many things are being done. */
  #underWay = 0;
  /** Whether older code does nothing but look. */
  #isLooking = false;
  #readers!: StateReaders;
  readonly #views: StateViews;
  /** Messages that are one with an event, by the unit of that. */
  readonly #sends = new Map<Unit, string>();
  readonly #acks = new Map<Unit, string>();
  /** The state when the last process closed it. */
  #closedAs: string | undefined;

  constructor(world: World, history: History) {
    const { random } = world;
    this.#world = world;
    this.#history = history;
    this.#maxAttempts = 2 + random.below(5);
    this.#consumers = new Consumers(world, history, this.#maxAttempts);
    const onSnapshotFailure = noteSnapshotFailure;
    this.#keeping = { ...keepingOf(random), onSnapshotFailure };
    this.#rollBack = new RollBack(world, this.#keeping);
    this.#views = new StateViews(world, this.#keeping);
  }

  async open(isRough: boolean): Promise<void> {
    const { random, process: { clock } } = this.#world;
    this.#views.move();
    const manager = await this.#rollBack.open(isRough, this.#views);
    const { isOlder } = this.#rollBack;
    this.#isLooking = isOlder && random.oneIn(2);
    if (manager.recovery.undecided.length > 0) {
      this.#world.coverage.hit("abort: not on record, found on replay");
    }
    this.#manager = manager;
    this.#readers = new StateReaders(this.#world, manager, this.#rollBack);
    const found = JSON.stringify(manager.state);
    const closedAs = this.#closedAs;
    this.#closedAs = undefined;
    const isLess = isOlder && manager.recovery.undecided.length > 0;
    if (closedAs !== undefined && found !== closedAs && !isLess) {
      this.#world.trace.violation(`the state was ${closedAs}, and is ${found}`);
    }
    const queue = await MiniQueue.attach(manager, "box", {
      clock,
      maxAttempts: this.#maxAttempts,
      visibilityTimeoutMs: TIMEOUT_MS,
    });
    await this.#consumers.start(queue);
  }

  async check(isPowerCut: boolean): Promise<void> {
    const { trace, coverage } = this.#world;
    this.#history.crashed(isPowerCut);
    for (const row of rowsOfState(this.#manager.recovery)) coverage.hit(row);
    const wrong = await this.#rollBack.check(isPowerCut);
    if (wrong !== undefined) trace.violation(wrong);
    await this.#views.check(this.#manager, this.#rollBack.isOlder);
    for (const [unit, message] of this.#sends) {
      const isThere = unit.standing === "durable";
      this.#history.enqueued(message, isThere ? "ok" : "failed");
    }
    for (const [unit, message] of this.#acks) {
      this.#history.decided(message, unit.standing === "durable");
    }
    this.#sends.clear();
    this.#acks.clear();
  }

  async read(fs: FileSystem): Promise<string[]> {
    const manager = await openState(fs, this.#keeping);
    for (const row of rowsOfState(manager.recovery)) {
      this.#world.coverage.hit(row);
    }
    return [...manager.state.seen];
  }

  async step(): Promise<void> {
    const { random } = this.#world;
    const looks = [
      () => this.#readers.at(),
      () => this.#readers.watch(),
      () => this.#readers.readBeside(),
      () => this.#views.look(),
      () => letTimePass(this.#world),
    ];
    const deeds = [
      () => this.#apply(1, true),
      () => this.#apply(1, false),
      () => this.#apply(2 + random.below(2), true),
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
      () => this.#readers.snapshot(),
      () => this.#readers.compact(),
    ];
    this.#underWay++;
    await pick(random, this.#isLooking ? looks : [...looks, ...deeds])();
    this.#underWay--;
  }

  #event(): Event {
    const { random } = this.#world;
    const size = random.oneIn(4) ? 1_500 : 20;
    return { event: `e${++this.#names}${"x".repeat(random.below(size))}` };
  }

  /** An event that older code may not know. */
  #anyEvent(): Event {
    const event = this.#event();
    return this.#world.random.oneIn(2) ? { ...event, isNovel: true } : event;
  }

  async #apply(count: number, durable: boolean): Promise<void> {
    const events = Array.from({ length: count }, () => this.#anyEvent());
    await this.#write(
      "apply",
      events,
      () =>
        count === 1
          ? this.#manager.apply(events[0]!, { durable })
          : this.#manager.applyBatch(events),
      durable,
    );
  }

  async #write(
    what: string,
    events: Event[],
    write: () => Promise<number | undefined>,
    durable = true,
    mutations = events.length,
  ): Promise<Unit> {
    const { units, trace } = this.#world;
    const unit = units.issue(...events.map(({ event }) => event));
    unit.isPassedOver = this.#rollBack.isOlder &&
      events.some(({ isNovel }) => isNovel);
    if (this.#underWay === 1) unit.proves = this.#rollBack.proof;
    const acknowledged = this.#rollBack.begun();
    const names = events.map(({ event, isNovel }) =>
      `${event.slice(0, 5)}${isNovel ? " (novel)" : ""}`
    );
    const outcome = await attempt(
      this.#world,
      `${what} ${names}${durable ? "" : " lazily"}`,
      write,
      unit.isPassedOver ? ["CONFLICT", "ABORTED_MUTATION"] : ["CONFLICT"],
    );
    unit.standing = stands(this.#world, outcome, durable);
    if (outcome.error !== undefined) {
      this.#rollBack.failed(outcome.error, unit);
    } else if (outcome.value === undefined) unit.standing = "refused";
    else {
      const { answers } = this.#world.process.recount;
      const seq = outcome.value;
      answers.written.push({ seq, count: mutations, isDurable: durable });
      if (unit.isPassedOver) trace.violation(`${names} was applied`);
      else if (durable) acknowledged();
    }
    return unit;
  }

  async #expect(): Promise<void> {
    const expectedSequence = this.#manager.sequence;
    const event = this.#anyEvent();
    await this.#write(
      `expect ${expectedSequence},`,
      [event],
      () => this.#manager.apply(event, { expectedSequence }),
    );
  }

  async #transact(): Promise<void> {
    const event = this.#anyEvent();
    await this.#write(
      "transact",
      [event],
      () =>
        this.#manager.transact((state) =>
          state.seen.length % 3 === 0 ? undefined : event
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
          : this.#manager.applyBatch([{ event: `${boom}+` }, { boom }]),
      ["ABORTED_MUTATION"],
    );
    if (outcome.error !== undefined) {
      this.#rollBack.failed(outcome.error);
      const isAborted = outcome.error.code === "ABORTED_MUTATION";
      if (isAborted && this.#keeping.immutable) {
        this.#world.coverage.hit("abort: of a state that no code changes");
      }
    } else this.#world.trace.violation(`${boom} was applied`);
  }

  /** An event and the message it sends, as one. */
  async #send(): Promise<void> {
    const name = this.#consumers.newName();
    const event = this.#event();
    // Its place in line is that of its record: it shares no group with those enqueued otherwise.
    const group = "sent";
    this.#history.invokeEnqueue(name, group);
    const unit = await this.#write(
      `send ${name} with`,
      [event],
      () => {
        const message = this.#consumers.queue.enqueueMutation(name, { group });
        return this.#manager.applyBatch([event, message]);
      },
      true,
      2,
    );
    if (unit.standing === "durable") {
      this.#world.process.recount.answers.sent++;
    }
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
    const unit = this.#world.units.issue(event.event);
    const told = await this.#consumers.settling(
      message,
      "acked",
      undefined,
      `ack ${message.payload} with ${event.event.slice(0, 5)}`,
      () => this.#manager.applyBatch([event, message.ackMutation()]),
    );
    unit.standing = told === "ok"
      ? "durable"
      : told === "unknown"
      ? "pending"
      : "refused";
    if (told === "ok") this.#world.process.recount.answers.acked++;
    if (told === "unknown") this.#acks.set(unit, message.payload);
  }

  facts(): Promise<Facts> {
    return factsOfState(this.#manager, this.#consumers.queue, "box");
  }

  async close(): Promise<void> {
    const { process } = this.#world;
    await this.#consumers.queue.close();
    await this.#manager.close();
    this.#readers.end();
    const { units } = this.#world;
    // What was under way when it was poisoned may be on the disk, and was never applied.
    if (process.isDead || this.#manager.failure !== undefined) return;
    units.prove(this.#rollBack.proof);
    if (units.passedOver.length > 0) return;
    this.#closedAs = JSON.stringify(this.#manager.state);
  }

  async end(): Promise<void> {
    await this.#consumers.end();
    await this.#views.end();
    for (const what of this.#history.violations) {
      this.#world.trace.violation(what);
    }
  }
}
