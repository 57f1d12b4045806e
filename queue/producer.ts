import { validateNew } from "../base/schema.ts";
import { awaitOutcome, outcomeOf } from "./ledger/dedupe_index.ts";
import type { NewMessage } from "./ledger/entry.ts";
import type { Home } from "./ledger_log.ts";
import {
  checkDelay,
  type CheckedOptions,
  type EnqueueResult,
  type MessageInput,
} from "./options.ts";

/** Puts messages into the queue. */
export class Producer<T, M> {
  readonly #home: Home<T, M>;
  readonly #options: CheckedOptions<T>;

  constructor(home: Home<T, M>, options: CheckedOptions<T>) {
    this.#home = home;
    this.#options = options;
  }

  /** Goes on behind the numbers that messages have had. */
  async start(): Promise<void> {
    const { numbers } = this.#home;
    const { nextId } = await this.#home.readable();
    numbers.next = Math.max(numbers.next, nextId);
  }

  /** Enqueues messages as one; what is given is taken as it is at the call. */
  async enqueue(
    messages: readonly MessageInput<T>[],
  ): Promise<EnqueueResult[]> {
    const enqueue = messages.map((message) => this.#newMessage(message));
    const before = this.#home.ifReadable();
    for (const { id, dedupe } of enqueue) {
      if (before && dedupe) awaitOutcome(before, id);
    }
    try {
      if (enqueue.length > 0) await this.#home.enqueue(enqueue);
    } catch (error) {
      // Nobody asks for these any more.
      for (const message of enqueue) if (before) outcomeOf(before, message);
      throw error;
    }
    const ledger = await this.#home.readable();
    return enqueue.map((message) => {
      const holder = outcomeOf(ledger, message);
      return { id: holder ?? message.id, deduplicated: holder !== undefined };
    });
  }

  /** The mutation of the state that enqueues a message. */
  enqueueMutation(message: MessageInput<T>): M {
    return this.#home.mutation({ enqueue: [this.#newMessage(message)] });
  }

  #newMessage(
    { payload, delayMs = 0, priority = 0, group, dedupeKey }: MessageInput<T>,
  ): NewMessage<T> {
    checkDelay("delayMs", delayMs);
    if (!Number.isFinite(priority)) {
      throw new RangeError(`priority must be a finite number, not ${priority}`);
    }
    checkName("group", group);
    checkName("dedupeKey", dedupeKey);
    const valid = validateNew(
      this.#options.schema,
      payload,
      "enqueue the message",
    );
    const due = this.#home.dueAfter(delayMs);
    return {
      id: this.#takeId(),
      payload: valid,
      ...(priority !== 0 && { priority }),
      ...(group !== undefined && { group }),
      ...(due !== 0 && { due }),
      ...(dedupeKey !== undefined && { dedupe: this.#heldUntil(dedupeKey) }),
    };
  }

  #heldUntil(key: string): NonNullable<NewMessage<T>["dedupe"]> {
    return { key, until: this.#home.dueAfter(this.#options.dedupeWindowMs) };
  }

  #takeId(): number {
    const { numbers } = this.#home;
    const id = Math.max(numbers.next, this.#home.ifReadable()?.nextId ?? 1);
    numbers.next = id + 1;
    return id;
  }
}

function checkName(what: string, name: string | undefined): void {
  if (name === undefined || typeof name === "string" && name !== "") return;
  throw new TypeError(`${what} must be a string, and not empty`);
}
