import type {
  CancelResult,
  MessageInput,
  MiniQueue,
  QueueMessage,
} from "@mini/state/queue";
import type { History } from "../support/history.ts";
import { nameOf, type Occurrence, type Occurrences } from "./occurrences.ts";
import { noted } from "./recount/noted_queue.ts";
import { attempt, type Outcome, pick, type World } from "./world.ts";

export const TIMEOUT_MS = 1_000;

/** The producers and consumers of a queue, wherever its ledger is. */
export class Consumers<M> {
  readonly #world: World;
  readonly #history: History;
  readonly #maxAttempts: number;
  readonly #messages = new Map<string, QueueMessage<string, unknown, M>>();
  /** Those that were received, and that the history does not have yet: if one is dead by now, it died after that. */
  #arriving: string[] = [];
  #names = 0;
  readonly #resultOf: (name: string) => unknown;
  readonly #occurrences: Occurrences | undefined;
  /** The ids of the messages of which a producer was told. */
  readonly ids: Map<string, number> = new Map();
  /** Called with each delivery. */
  onDelivered: (message: QueueMessage<string, unknown, M>) => void = () => {};
  /** Called with messages that are in the ledger. */
  onSeen: (messages: readonly Occurrence[]) => void = () => {};
  queue!: MiniQueue<string, unknown, M>;

  constructor(
    world: World,
    history: History,
    maxAttempts: number,
    resultOf: (name: string) => unknown = () => undefined,
    occurrences?: Occurrences,
  ) {
    this.#world = world;
    this.#history = history;
    this.#maxAttempts = maxAttempts;
    this.#resultOf = resultOf;
    this.#occurrences = occurrences;
  }

  /** A queue that was opened; nobody has anything of it yet. */
  async start(queue: MiniQueue<string, unknown, M>): Promise<void> {
    this.queue = noted(queue, this.#world.process.recount.answers);
    this.#messages.clear();
    this.#arriving = [];
    await this.#lookAtDead();
  }

  /** The names of messages that are there. Nobody has enqueued an occurrence: it is known from here on. */
  #namesOf(messages: readonly Occurrence[]): string[] {
    this.onSeen(messages);
    for (const message of this.#occurrences?.saw(messages) ?? []) {
      this.#history.invokeEnqueue(nameOf(message), undefined);
      this.#history.enqueued(nameOf(message), "ok");
    }
    return messages.map(nameOf);
  }

  /** A name that no message has had. */
  newName(): string {
    return `m${++this.#names}`;
  }

  async enqueue(): Promise<void> {
    const { random } = this.#world;
    const messages = Array.from({ length: 1 + random.below(3) }, () => {
      const isGrouped = random.oneIn(2);
      return {
        payload: this.newName(),
        ...(isGrouped && { group: `g${random.below(3)}` }),
        ...(random.oneIn(5) && { delayMs: random.below(3_000) }),
        ...(!isGrouped && random.oneIn(3) && { priority: random.below(3) }),
        ...(random.oneIn(6) && { dedupeKey: `k${random.below(3)}` }),
      } satisfies MessageInput<string>;
    });
    for (const { payload, group } of messages) {
      this.#history.invokeEnqueue(payload, group);
    }
    const outcome = await attempt(
      this.#world,
      `enqueue ${messages.map(({ payload }) => payload)}`,
      () => this.queue.enqueueBatch(messages),
    );
    for (const [index, { payload }] of messages.entries()) {
      if (outcome.error === undefined) {
        const { id, deduplicated } = outcome.value[index]!;
        if (!deduplicated) this.ids.set(payload, id);
        this.#history.enqueued(payload, deduplicated ? "failed" : "ok");
      } else if (this.#isKnown(outcome)) {
        this.#history.enqueued(payload, "failed");
      }
    }
  }

  /** Whether an error says that nothing has happened. */
  #isKnown({ error }: Outcome<unknown>): boolean {
    return !this.#world.process.isDead &&
      ["NO_SPACE", "CLOSED"].includes(error?.code ?? "");
  }

  #isCancelled(name: string): boolean {
    return this.#history.endOf(name) === "cancelled";
  }

  async receive(): Promise<void> {
    const { random, process } = this.#world;
    const max = 1 + random.below(3);
    const waitMs = random.oneIn(3) ? 400 : 0;
    const began = process.clock.monotonic();
    const names = [...this.ids.keys()];
    const gone = new Set(names.filter((name) => this.#isCancelled(name)));
    const outcome = await attempt(
      this.#world,
      `receive ${max}`,
      () => this.queue.receiveBatch(max, { waitMs }),
    );
    if (outcome.error !== undefined || process.isDead) return;
    await this.arrive(outcome.value, began, gone);
  }

  /** Takes note of messages that somebody was handed, who asked for them at `began`, when some were cancelled. */
  async arrive(
    messages: readonly QueueMessage<string, unknown, M>[],
    began: number,
    gone: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    const { process, trace } = this.#world;
    this.#arriving.push(...this.#namesOf(messages));
    // What has run out for the last time is dead without anybody being told.
    await this.#lookAtDead();
    if (process.isDead) return;
    for (const message of messages) {
      const { receipt, attempts } = message;
      const name = nameOf(message);
      this.#arriving.splice(this.#arriving.indexOf(name), 1);
      trace.note(`has ${name}, delivery ${receipt}`);
      // One that was cancelled on the way to its consumer.
      if (this.#isCancelled(name) && !gone.has(name)) continue;
      const now = process.clock.monotonic();
      // When the lease has begun nobody knows: it lasts at least so long.
      const leftMs = began + TIMEOUT_MS - now;
      this.onDelivered(message);
      this.#history.delivered({ name, receipt, attempts }, now, leftMs);
      this.#messages.set(`${name} ${receipt}`, message);
    }
  }

  /** A delivery that somebody has, perhaps of the past; nobody else settles it meanwhile. */
  take(): QueueMessage<string, unknown, M> | undefined {
    const all = [...this.#messages.values()];
    const message = all[this.#world.random.below(all.length)];
    if (message === undefined) return undefined;
    this.takeOut(message);
    return message;
  }

  /** Takes a delivery, unless nobody has it. */
  takeOut(message: QueueMessage<string, unknown, M>): boolean {
    return this.#messages.delete(`${nameOf(message)} ${message.receipt}`);
  }

  /** Settles a delivery; says whether it is sure that it did. */
  async settle(
    message: QueueMessage<string, unknown, M> | undefined = this.take(),
  ): Promise<boolean> {
    const { random } = this.#world;
    if (message === undefined) return false;
    const how = pick(random, [
      "ack",
      "ack",
      "ack",
      "nack",
      "nack",
      "deadLetter",
    ]);
    const isLast = message.attempts >= this.#maxAttempts;
    const as = how === "ack"
      ? "acked"
      : how === "deadLetter" || isLast
      ? "dead"
      : "retried";
    const delayMs = random.below(2) * 500;
    const began = this.#world.process.clock.monotonic();
    const told = await this.settling(
      message,
      as,
      began,
      `${how} ${nameOf(message)}`,
      () =>
        how === "ack"
          ? message.ack(this.#resultOf(nameOf(message)))
          : how === "deadLetter"
          ? message.deadLetter("no")
          : message.nack({ delayMs }),
    );
    return told === "ok";
  }

  /** Leaves a delivery to others, who may acknowledge it or not. */
  leave(message: QueueMessage<string, unknown, M>): void {
    this.takeOut(message);
    const held = { name: nameOf(message), receipt: message.receipt, until: 0 };
    this.#history.settled(held, "acked", "unknown", 0);
  }

  /** Settles a delivery in some way; says what became of it. */
  async settling(
    message: QueueMessage<string, unknown, M>,
    as: "acked" | "dead" | "retried",
    began: number | undefined,
    what: string,
    settle: () => Promise<unknown>,
  ): Promise<"ok" | "expired" | "failed" | "unknown"> {
    const { receipt } = message;
    const name = nameOf(message);
    const { process } = this.#world;
    this.#history.settling(name, receipt, as);
    const outcome = await attempt(this.#world, what, settle, [
      "RECEIPT_EXPIRED",
      "ABORTED_MUTATION",
    ]);
    const code = outcome.error?.code;
    const told = code === undefined
      ? "ok"
      : process.isDead
      ? "unknown"
      : code === "RECEIPT_EXPIRED" || code === "ABORTED_MUTATION"
      ? "expired"
      : this.#isKnown(outcome)
      ? "failed"
      : "unknown";
    const now = began ?? process.clock.monotonic();
    this.#history.settled({ name, receipt, until: 0 }, as, told, now);
    if (told === "failed") this.#messages.set(`${name} ${receipt}`, message);
    return told;
  }

  /** A message that was enqueued, whatever has become of it. */
  any(): [name: string, id: number] | undefined {
    const all = [...this.ids];
    // Of those that are long gone there is little to see.
    return all[all.length - 1 - this.#world.random.below(8)];
  }

  async cancel(): Promise<void> {
    const [name, id] = this.any() ?? [];
    if (name !== undefined) await this.#cancel(name, id!);
  }

  /** Says what the answer was, if there was one. */
  async #cancel(name: string, id: number): Promise<CancelResult | undefined> {
    this.#history.cancelling(name);
    const outcome = await attempt(
      this.#world,
      `cancel ${name}`,
      () => this.queue.cancel(id, `no ${name}`),
    );
    const found = outcome.error === undefined
      ? ["cancelled", "stopping"].includes(outcome.value) ? "cancelled" : "not"
      : this.#isKnown(outcome)
      ? "failed"
      : "unknown";
    this.#history.cancelled(name, found);
    return outcome.error === undefined ? outcome.value : undefined;
  }

  /** Cancels a delivery and acknowledges it, in either order: one of the two has won. */
  async race(): Promise<void> {
    const { random, coverage, process, trace } = this.#world;
    const message = this.take();
    if (message === undefined) return;
    const { id } = message;
    const name = nameOf(message);
    const ack = () =>
      this.settling(
        message,
        "acked",
        process.clock.monotonic(),
        `ack ${name}`,
        () => message.ack(this.#resultOf(name)),
      );
    const cancel = () => this.#cancel(name, id);
    const isAckFirst = random.oneIn(2);
    const ends = isAckFirst ? [ack(), cancel()] : [cancel(), ack()];
    const told = await Promise.all(ends);
    const isAcked = told.includes("ok");
    if (isAcked) coverage.hit("job: acknowledged before its cancel");
    if (isAcked && !isAckFirst && told[0] !== undefined) {
      trace.violation(`${name} was acknowledged after its cancel was called`);
    }
    if (told.includes("cancelled")) {
      coverage.hit("job: cancelled before its ack");
    }
  }

  /** Holds a delivery for longer, or a shorter time. */
  async extend(): Promise<void> {
    const { random, process } = this.#world;
    const message = this.take();
    if (message === undefined) return;
    const { receipt } = message;
    const name = nameOf(message);
    this.#messages.set(`${name} ${receipt}`, message);
    const ms = random.below(2_000);
    const now = process.clock.monotonic();
    const outcome = await attempt(
      this.#world,
      `extend ${name} by ${ms}`,
      () => message.extend(ms),
      ["RECEIPT_EXPIRED"],
    );
    if (outcome.error !== undefined) return;
    this.#history.extended({ name, receipt, until: 0 }, now + ms);
  }

  async #lookAtDead(): Promise<void> {
    const look = () => this.queue.deadLetters();
    const outcome = await attempt(this.#world, "look at the dead", look);
    if (outcome.error !== undefined || this.#world.process.isDead) return;
    for (const name of this.#namesOf(outcome.value)) {
      if (!this.#arriving.includes(name)) this.#history.sawDead(name);
    }
  }

  /** Receives what is left, and checks that all of it comes in its time. */
  async end(): Promise<void> {
    const { process: { clock }, trace } = this.#world;
    const left = new Set(this.#namesOf(await this.queue.peek(1_000_000)));
    const dead = this.#namesOf(await this.queue.deadLetters());
    this.#history.end(left, new Set(dead));
    for (let round = 0; left.size > 0 && round < 500; round++) {
      clock.advance(5_000);
      const messages = await this.queue.receiveBatch(100);
      for (const name of this.#namesOf(messages)) left.delete(name);
      for (const message of messages) await message.ack();
    }
    if (left.size > 0) trace.violation(`${left.size} messages never come`);
    this.#namesOf(await this.queue.peek(1_000_000));
  }
}
