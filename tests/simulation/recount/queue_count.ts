import type {
  DeadLetterMessage,
  EnqueueMessage,
  LeaseExpiredMessage,
  ProcessMessage,
  QueueMetrics,
  ReceiveMessage,
  SettleMessage,
  ToldDelivery,
} from "@mini/state/queue";
import type { Answers } from "./answers.ts";
import { same, sameNumbers } from "./compare.ts";
import type { Ended } from "./operations.ts";

/** Counts what an open queue tells, and says where that cannot be. */
export class QueueCount {
  readonly #wrong: (what: string) => void;
  /** The ids of messages, by what was done with them, as often as it was. */
  readonly #enqueued: number[] = [];
  readonly #scheduled: number[] = [];
  readonly #received: string[] = [];
  readonly #handled: string[] = [];
  readonly #settled: string[] = [];
  readonly #takenBack: string[] = [];
  readonly #cancelled: number[] = [];
  readonly #dead: number[] = [];
  readonly #expired: number[] = [];
  readonly #delivered = new Set<number>();
  #handlers = 0;

  constructor(wrong: (what: string) => void) {
    this.#wrong = wrong;
  }

  enqueueEnds(message: EnqueueMessage & Ended): void {
    if ("error" in message || message.by === "mutation") return;
    const ids = message.messages.map(({ id }) => id!);
    const list = message.by === "schedule" ? this.#scheduled : this.#enqueued;
    list.push(...ids);
  }

  receiveEnds({ deliveries, max, ...message }: ReceiveMessage & Ended): void {
    if ("error" in message) return;
    if (deliveries === undefined || deliveries.length > max) {
      return this.#wrong(
        `${deliveries?.length} deliveries, and at most ${max}`,
      );
    }
    for (const delivery of deliveries) this.#deliver(delivery, this.#received);
  }

  processStarts(message: ProcessMessage): void {
    this.#deliver(message, this.#handled);
    if (!(message.waitedMs >= 0)) this.#wrong(`${message.waitedMs} ms waited`);
  }

  #deliver({ id, attempt }: ToldDelivery, list: string[]): void {
    this.#delivered.add(id);
    list.push(`${id} ${attempt}`);
  }

  processEnds(message: ProcessMessage & Ended): void {
    this.#handlers++;
    const { id, outcome } = message;
    if (outcome !== undefined || "error" in message) return;
    this.#wrong(`no outcome of message ${id}`);
  }

  settleEnds(message: SettleMessage & Ended): void {
    if ("error" in message || message.by === "mutation") return;
    for (const { id, as } of message.settlements) {
      if (message.by === "cancel") this.#cancelled.push(id);
      else if (message.by === "queue") this.#takenBack.push(`${id} ${as}`);
      else {
        this.#settled.push(`${id} ${as}`);
        // One on its way to its consumer is given back when the queue is closed.
        if (as !== "retried" && !this.#delivered.has(id)) {
          this.#wrong(`message ${id} is settled, and was not delivered`);
        }
      }
    }
  }

  dies({ id }: DeadLetterMessage): void {
    this.#dead.push(id);
  }

  expires({ id }: LeaseExpiredMessage): void {
    this.#expired.push(id);
  }

  /** Compares what was told with the numbers of the queue itself. */
  compare(
    found: QueueMetrics,
    { enqueued, acked, sent, posted }: Answers,
  ): void {
    const ended = (as: string) =>
      [...this.#settled, ...this.#takenBack]
        .filter((told) => told.endsWith(` ${as}`)).length;
    const added = enqueued.filter(({ deduplicated }) => !deduplicated);
    const told = this.#received.length + this.#handled.length;
    const least = added.length + this.#scheduled.length + sent;
    sameNumbers("metrics of the queue", {
      ...found,
      handlerMs: found.handlerMs.count,
    }, {
      kind: "queue",
      // What an inbox takes in is told to nobody.
      enqueued: Math.min(Math.max(found.enqueued, least), least + posted),
      acked: ended("acked") + acked,
      retried: ended("retried"),
      dead: this.#dead.length,
      cancelled: this.#cancelled.length,
      expired: this.#expired.length,
      handlers: 0,
      handlerMs: this.#handlers,
    }, this.#wrong);
    same("the dead", ended("dead"), this.#dead.length, this.#wrong);
    if (found.delivered < told) {
      this.#wrong(`${found.delivered} are delivered, and ${told} were told`);
    }
  }

  /** Compares what was told with what the callers were answered. */
  compareAnswers(answers: Answers): void {
    const wrong = this.#wrong;
    const ids = answers.enqueued.map(({ id }) => id);
    same("enqueued", sorted(this.#enqueued), sorted(ids), wrong);
    same("received", sorted(this.#received), sorted(answers.received), wrong);
    same("handled", sorted(this.#handled), sorted(answers.handled), wrong);
    const cancelled = sorted(answers.cancelled);
    same("cancelled", sorted(this.#cancelled), cancelled, wrong);
    const settled = [...this.#settled];
    for (const each of answers.settled) {
      const [id, as] = each.split(" ");
      const at = settled.findIndex((told) =>
        as === "nacked"
          ? told === `${id} retried` || told === `${id} dead`
          : told === each
      );
      if (at < 0) wrong(`settled, and not told: ${each}`);
      else settled.splice(at, 1);
    }
    // A worker acknowledges what its handler has left.
    for (const each of settled) {
      const [id, as] = each.split(" ");
      // It is given back as the queue is closed.
      if (as === "retried") continue;
      const isLeft = as === "acked" &&
        this.#handled.some((handled) => handled.startsWith(`${id} `));
      if (!isLeft) wrong(`told to be settled, and by nobody: ${each}`);
    }
  }
}

function sorted<T>(list: readonly T[]): T[] {
  return list.map((each) => ({ each, key: String(each) }))
    .sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
    .map(({ each }) => each);
}
