import type { Msg } from "@nats-io/nats-core";
import { childOf } from "../../base/abort.ts";
import { validate } from "../../base/schema.ts";
import { describe } from "../../queue/internal.ts";
import {
  MiniError,
  type ReceiveOptions,
  systemClock,
} from "../../queue/mod.ts";
import type { Calls } from "./wire/calls.ts";
import { ENQUEUED, headerOf, ownHeaders } from "./wire/header.ts";
import {
  type Buried,
  JetStreamMessage,
  type Settler,
  timesOf,
} from "./message.ts";
import type { CheckedOptions } from "./options.ts";
import type { Puller } from "./wire/puller.ts";

const now = () => systemClock.monotonic();

/** How long one request waits: a server that is gone never answers it, and the end of a pause wakes none. */
const WAIT_MS = 2_000;
/** How often to see whether the queue is empty. */
const LOOK_MS = 250;
/** Between two requests that nobody answers. */
const RETRY_MS = 150;

/** How `work` receives. */
interface Work {
  /** Whether the delivery is kept until it is settled. */
  readonly isKept: boolean;
  /** Tells whether nothing is left, if the waiting ends then. */
  readonly isEmpty?: (() => Promise<boolean>) | undefined;
}

/** Receives messages, and makes those that nobody can handle dead letters. */
export class Intake<T> {
  readonly #calls: Calls;
  readonly #puller: Puller;
  readonly #settler: Settler;
  readonly #options: CheckedOptions<T>;
  readonly #closed: AbortSignal;

  constructor(
    { calls, puller, settler, options }: {
      readonly calls: Calls;
      readonly puller: Puller;
      readonly settler: Settler;
      readonly options: CheckedOptions<T>;
    },
    closed: AbortSignal,
  ) {
    this.#calls = calls;
    this.#puller = puller;
    this.#settler = settler;
    this.#options = options;
    this.#closed = closed;
  }

  /** Receives up to `max` messages. Waits for the first one only; none when the time is over, or the queue is closed or empty. */
  async receive(
    max: number,
    { waitMs = 0, signal }: ReceiveOptions,
    { isKept, isEmpty }: Work = { isKept: false },
  ): Promise<JetStreamMessage<T>[]> {
    signal?.throwIfAborted();
    const stop = childOf(signal, this.#closed);
    const until = now() + waitMs;
    let heardAt = now();
    let isAllowed = false;
    try {
      for (let longest = 0;;) {
        const ms = Math.max(0, Math.min(until - now(), longest));
        const count = ms === 0 ? max : 1;
        const pulled = await this.#pull(count, ms, stop.signal, isKept);
        if (pulled.isAnswered) heardAt = now();
        const rest = pulled.messages.length > 0 && count < max
          ? await this.#pull(max - 1, 0, stop.signal, isKept)
          : undefined;
        const messages = [...pulled.messages, ...rest?.messages ?? []];
        if (stop.signal.aborted) {
          await this.#giveBack(messages);
          if (!this.#closed.aborted) signal?.throwIfAborted();
          return [];
        }
        if (messages.length > 0) return messages;
        // Those that came were dead.
        if (pulled.hadSome) continue;
        if (!pulled.isAnswered) {
          if (!isAllowed) await this.#puller.assertAllowed();
          isAllowed = true;
          await this.#wait(heardAt, stop.signal);
        } else if (now() >= until || await isEmpty?.()) return [];
        longest = isEmpty === undefined ? WAIT_MS : LOOK_MS;
      }
    } finally {
      stop.letGo();
    }
  }

  /** Waits a moment, because nobody answers. */
  async #wait(heardAt: number, signal: AbortSignal): Promise<void> {
    this.#calls.checkOpen("receive", "what is there stays there");
    const silentMs = now() - heardAt;
    if (silentMs >= this.#options.doubtMs) {
      throw new MiniError(
        "UNAVAILABLE",
        `Cannot receive: no server has answered for ${
          Math.round(silentMs)
        } ms; what is there stays there`,
      );
    }
    await systemClock.sleep(RETRY_MS, signal);
  }

  async #pull(
    max: number,
    waitMs: number,
    signal: AbortSignal,
    isKept: boolean,
  ): Promise<
    {
      readonly messages: readonly JetStreamMessage<T>[];
      readonly hadSome: boolean;
      readonly isAnswered: boolean;
    }
  > {
    const { receipts } = this.#settler;
    const { messages, isAnswered } = await this.#puller.pull(max, {
      waitMs,
      signal,
      late: (message) => message.respond("-NAK"),
    });
    const taken = messages.map((message) => {
      const hold = receipts.take(message.reply!);
      if (isKept) receipts.keep(hold, Infinity);
      return { message, hold };
    });
    const alive: JetStreamMessage<T>[] = [];
    for (const { message, hold } of taken) {
      const one = await this.#open({
        hold,
        attempts: hold.attempts,
        body: message.data,
        headers: ownHeaders(message.headers),
        enqueuedAt: enqueuedAt(message, hold.storedAt),
      });
      if (one !== undefined) alive.push(one);
    }
    return { messages: alive, hadSome: messages.length > 0, isAnswered };
  }

  /** The message of a delivery; `undefined` for one that is dead. */
  async #open(delivery: Buried): Promise<JetStreamMessage<T> | undefined> {
    const { hold: { id }, attempts } = delivery;
    if (attempts > this.#options.maxAttempts) {
      // Nobody is given this one.
      const given = attempts - 1;
      const counted = { ...delivery, attempts: given };
      return await this.#bury(counted, timesOf(given));
    }
    try {
      const text = new TextDecoder().decode(delivery.body);
      const doing = `deliver message ${id}`;
      const payload = validate(this.#options.schema, JSON.parse(text), doing);
      return new JetStreamMessage(this.#settler, delivery, payload);
    } catch (error) {
      return await this.#bury(delivery, describe(error));
    }
  }

  async #bury(delivery: Buried, reason: string): Promise<undefined> {
    const { receipts } = this.#settler;
    const { hold } = delivery;
    await receipts.settle(
      hold,
      "deadLetter",
      () => this.#settler.bury(delivery, reason),
    ).catch((error) => {
      // It is delivered again, and the next delivery tries again.
      receipts.letRunOut(hold);
      this.#options.onError(error);
    });
  }

  async #giveBack(messages: readonly JetStreamMessage<T>[]): Promise<void> {
    for (const message of messages) await message[Symbol.asyncDispose]();
  }
}

function enqueuedAt({ headers }: Msg, storedAt: Date): Date {
  const told = headerOf(headers, ENQUEUED);
  return told === undefined ? storedAt : new Date(told);
}
