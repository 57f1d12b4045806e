import { toJson } from "../../base/json.ts";
import { validateNew } from "../../base/schema.ts";
import { checkMessage } from "../../queue/internal.ts";
import type {
  DeadLetter,
  EnqueueResult,
  MessageInput,
} from "../../queue/mod.ts";
import { CALL, ENQUEUED, headersOf, MESSAGE_ID } from "./wire/header.ts";
import { SCHEDULE, scheduleOf } from "./look.ts";
import type { Names } from "./wire/names.ts";
import type { CheckedOptions } from "./options.ts";
import { type Envelope, ownId, type Publisher } from "./wire/publisher.ts";
import type { Settings } from "./streams.ts";
import { unsupported } from "./wire/unsupported.ts";

/** The most messages that the servers take as one batch. */
const MAX_BATCH = 1_000;

/** The last year that the servers read. */
const LAST_YEAR = 9_999;

/** Enqueues messages. */
export class Producer<T> {
  readonly #publisher: Publisher;
  readonly #names: Names;
  readonly #options: CheckedOptions<T>;
  readonly #settings: Settings;

  constructor(
    publisher: Publisher,
    { names, options, settings }: {
      readonly names: Names;
      readonly options: CheckedOptions<T>;
      readonly settings: Settings;
    },
  ) {
    this.#publisher = publisher;
    this.#names = names;
    this.#options = options;
    this.#settings = settings;
  }

  /** Enqueues a message; with an `id` in place of a key, once for each id. */
  async enqueue(
    message: MessageInput<T>,
    id?: string,
  ): Promise<EnqueueResult> {
    const doing = "enqueue the message";
    const outgoing = this.#outgoing(message, doing, id);
    const { seq, isOther } = await this.#publisher.store(outgoing, doing);
    return { id: seq, deduplicated: isOther };
  }

  /** Enqueues all messages or none. */
  async enqueueBatch(
    messages: readonly MessageInput<T>[],
  ): Promise<EnqueueResult[]> {
    if (messages.length === 0) return [];
    if (messages.length > MAX_BATCH) {
      throw unsupported(
        `batch of ${messages.length} messages`,
        `enqueue at most ${MAX_BATCH} at a time`,
      );
    }
    const doing = `enqueue ${messages.length} messages`;
    const all = messages.map((message) => this.#outgoing(message, doing));
    const first = await this.#publisher.storeBatch(all, doing);
    return all.map((_, at) => ({ id: first + at, deduplicated: false }));
  }

  /** A dead letter as it is enqueued again, after a delay in milliseconds. */
  again(
    { headers = {}, enqueuedAt }: DeadLetter<T>,
    { body, key, delayMs }: {
      readonly body: Uint8Array;
      readonly key: string;
      readonly delayMs: number;
    },
  ): Envelope {
    const at = delayMs > 0 ? this.#dueAt(delayMs) : undefined;
    return this.#addressed(body, headers, {
      [MESSAGE_ID]: `d.${key}`,
      [ENQUEUED]: enqueuedAt.toISOString(),
    }, at);
  }

  #outgoing(
    message: MessageInput<T>,
    doing: string,
    id?: string,
  ): Envelope {
    checkMessage(message);
    const { group, priority = 0, delayMs = 0, at, dedupeKey, headers = {} } =
      message;
    if (group !== undefined) {
      throw unsupported(
        "groups",
        "use a MiniQueue, whose messages relay() can move here in the order of their groups",
      );
    }
    if (priority !== 0) {
      throw unsupported("priorities", "open one queue for each");
    }
    const valid = validateNew(this.#options.schema, message.payload, doing);
    const body = new TextEncoder().encode(toJson(valid, Infinity));
    const due = delayMs > 0 ? this.#dueAt(delayMs) : at;
    const isLater = due !== undefined && due.getTime() > Date.now();
    const call = crypto.randomUUID();
    const outgoing = this.#addressed(
      body,
      headers,
      {
        [MESSAGE_ID]: id ??
          (dedupeKey === undefined ? ownId(call) : `k.${dedupeKey}`),
        [CALL]: call,
        [ENQUEUED]: isLater ? new Date().toISOString() : undefined,
      },
      isLater ? due : undefined,
    );
    this.#publisher.checkSize(outgoing, doing);
    return outgoing;
  }

  /** A message for those who receive, now or at a time. */
  #addressed(
    body: Uint8Array,
    own: Readonly<Record<string, string>>,
    ours: Readonly<Record<string, string | undefined>>,
    at: Date | undefined,
  ): Envelope {
    const { jobs, later } = this.#names;
    if (at === undefined) {
      return { subject: jobs, body, headers: headersOf(own, ours) };
    }
    if (!this.#settings.hasDelays) {
      throw unsupported(
        "delays if it has maxBytes",
        "open a queue without maxBytes for them",
      );
    }
    if (at.getUTCFullYear() > LAST_YEAR) {
      throw new RangeError("The time of a message is beyond the year 9999");
    }
    const headers = headersOf(own, {
      ...ours,
      [SCHEDULE]: scheduleOf(at),
      "Nats-Schedule-Target": jobs,
    });
    // Of two schedules with one subject the second would replace the first.
    return { subject: later(crypto.randomUUID()), body, headers };
  }

  #dueAt(delayMs: number): Date {
    const at = new Date(Date.now() + delayMs);
    if (Number.isFinite(at.getTime())) return at;
    throw new RangeError(
      `delayMs must be a time that a Date can tell, not ${delayMs}`,
    );
  }
}
