import { assertOptions, checkCount } from "../base/checks.ts";
import { toJsonOnce } from "../base/json.ts";
import { validateNew } from "../base/schema.ts";
import { hadEffect } from "./effect_of.ts";
import { awaitOutcome, outcomeOf } from "./ledger/dedupe_index.ts";
import type { NewMessage } from "./ledger/entry.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { type LedgerLog, MAX_LIST_DEPTH } from "./ledger_log.ts";
import {
  CHANGE_CHECKS,
  type CheckedOptions,
  checkMessage,
  type EnqueueOptions,
  type EnqueueResult,
  type MessageChanges,
  type MessageInput,
  messageOf,
} from "./options.ts";
import { enqueueTold, mutationTold } from "./telemetry/told.ts";

/** Enqueues messages. */
export class Producer<T, M> {
  readonly #log: LedgerLog<T, M>;
  readonly #options: CheckedOptions<T>;

  constructor(log: LedgerLog<T, M>, options: CheckedOptions<T>) {
    this.#log = log;
    this.#options = options;
  }

  /** Enqueues messages in one entry; they are taken as they are at the call. */
  enqueue(messages: readonly MessageInput<T>[]): Promise<EnqueueResult[]> {
    return enqueueTold(
      this.#log.about,
      "enqueue",
      messages,
      (messages) => this.#enqueue(messages),
    );
  }

  async #enqueue(
    messages: readonly MessageInput<T>[],
  ): Promise<EnqueueResult[]> {
    const enqueue = messages.map((message) => this.newMessage(message));
    const before = this.#log.ifReadable();
    for (const { id, dedupe } of enqueue) {
      if (before && dedupe) awaitOutcome(before, id);
    }
    try {
      if (enqueue.length > 0) await this.#log.enqueue(enqueue);
    } catch (error) {
      // Nobody asks for these outcomes now.
      for (const message of enqueue) if (before) outcomeOf(before, message);
      throw error;
    }
    const ledger = this.#log.ifReadable() ?? await this.#log.readable();
    return enqueue.map((message) => {
      const holder = outcomeOf(ledger, message);
      return { id: holder ?? message.id, deduplicated: holder !== undefined };
    });
  }

  /**
   * Enqueues the messages of a file of the inbox in one entry. Throws, before
   * anything is written, if they cannot be enqueued.
   */
  enqueuePosted(
    from: string,
    messages: readonly MessageInput<T>[],
  ): Promise<unknown> {
    const enqueue = messages.map((message) => ({
      ...this.newMessage(message),
      from,
    }));
    return this.#log.enqueue(enqueue);
  }

  /** Changes a message that waits. Returns whether it did. */
  async update(id: number, changes: MessageChanges<T>): Promise<boolean> {
    checkCount("id", id);
    assertOptions("MiniQueue.update()", changes, CHANGE_CHECKS);
    const { payload, delayMs, priority } = changes;
    const update = {
      id,
      ...(payload !== undefined && { payload: this.#valid(payload, "update") }),
      ...(delayMs !== undefined && { due: this.#log.dueAfter(delayMs) }),
      ...(priority !== undefined && { priority }),
    };
    if (Object.keys(update).length === 1) {
      throw new TypeError("update needs a payload, delayMs or priority");
    }
    const isWaiting = ({ messages }: Ledger) =>
      messages[id]?.inFlight === false;
    if (!isWaiting(await this.#log.readable())) return false;
    // A delivery that is logged after the change would pass it over.
    const release = this.#log.hold(id);
    try {
      return await hadEffect(
        this.#log,
        { update: [update] },
        { type: "updated", id, isDue: isWaiting, isLikely: true },
      );
    } finally {
      release();
    }
  }

  #valid(payload: T, doing: string): T {
    return validateNew(this.#options.schema, payload, `${doing} the message`);
  }

  /** The mutation of the state that enqueues a message. */
  enqueueMutation(payload: T, options: EnqueueOptions): M {
    const message = messageOf("enqueueMutation()", payload, options);
    return mutationTold(this.#log.about, message, (message) => {
      const enqueue = this.newMessage(message);
      return {
        id: enqueue.id,
        mutation: this.#log.mutation({ enqueue: [enqueue] }),
      };
    });
  }

  /** A copy of a message that is enqueued again and again, checked as `doing` would. */
  constant(message: MessageInput<T>, doing: string): MessageInput<T> {
    checkMessage(message);
    const payload = validateNew(this.#options.schema, message.payload, doing);
    return JSON.parse(
      toJsonOnce({ ...message, payload }, Infinity, MAX_LIST_DEPTH),
    );
  }

  /** The message, checked, as an entry enqueues it. */
  newMessage(
    message: MessageInput<T>,
  ): NewMessage<T> {
    checkMessage(message);
    const { payload, delayMs = 0, priority = 0, group, dedupeKey } = message;
    const { at, headers } = message;
    const valid = this.#valid(payload, "enqueue");
    const due = this.#log.dueAfter(delayMs);
    return {
      id: this.#log.takeId(),
      payload: valid,
      ...(priority !== 0 && { priority }),
      ...(group !== undefined && { group }),
      ...(due !== 0 && { due }),
      ...(at !== undefined && { when: at.getTime() }),
      ...(headers !== undefined && { headers }),
      ...(dedupeKey !== undefined && { dedupe: this.#heldUntil(dedupeKey) }),
    };
  }

  #heldUntil(key: string): NonNullable<NewMessage<T>["dedupe"]> {
    return { key, until: this.#log.dueAfter(this.#options.dedupeWindowMs) };
  }
}
