// deno-lint-ignore-file camelcase -- the names are the servers'
import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { checkCount } from "../../base/checks.ts";
import type { PendingMessage, QueueStats } from "../../queue/mod.ts";
import type { Calls } from "./wire/calls.ts";
import type { DeadLetters } from "./dead_letters.ts";
import { payloadOf } from "./dead_letters.ts";
import { ENQUEUED, headerOf, ownHeaders } from "./wire/header.ts";
import type { Names } from "./wire/names.ts";

/** When a message is due, as the servers read it. */
export const SCHEDULE = "Nats-Schedule";
const AT = "@at ";

/** Shows a queue without receiving from it. */
export class Look<T> {
  readonly #calls: Calls;
  readonly #jsm: JetStreamManager;
  readonly #names: Names;
  readonly #dead: DeadLetters<T>;

  constructor(
    calls: Calls,
    jsm: JetStreamManager,
    names: Names,
    dead: DeadLetters<T>,
  ) {
    this.#calls = calls;
    this.#jsm = jsm;
    this.#names = names;
    this.#dead = dead;
  }

  async stats(): Promise<QueueStats> {
    const { stream, jobs } = this.#names;
    const { num_pending, num_ack_pending, paused } = await this.#consumer();
    const { state } = await this.#calls.patiently(
      "count the messages",
      () => this.#jsm.streams.info(stream, { subjects_filter: jobs }),
    );
    const due = state.subjects?.[jobs] ?? 0;
    return {
      ready: num_pending,
      blocked: 0,
      delayed: state.messages - due,
      inFlight: num_ack_pending,
      dead: await this.#dead.count(),
      paused: paused ?? false,
    };
  }

  /** Whether nothing is ready or in flight. */
  readonly isEmpty = async (): Promise<boolean> => {
    const { num_pending, num_ack_pending } = await this.#consumer();
    return num_pending + num_ack_pending === 0;
  };

  #consumer() {
    const { stream, consumer } = this.#names;
    return this.#calls.patiently(
      "look at the consumer",
      () => this.#jsm.consumers.info(stream, consumer),
    );
  }

  /** Up to `limit` messages that were never delivered: those that are ready, then those that are delayed. */
  async peek(limit: number): Promise<PendingMessage<T>[]> {
    checkCount("limit", limit);
    const { jobs, later } = this.#names;
    const { delivered } = await this.#consumer();
    const ready = await this.#read(jobs, delivered.stream_seq + 1, limit);
    const rest = limit - ready.length;
    const delayed = rest > 0 ? await this.#read(later("*"), 1, rest) : [];
    delayed.sort((a, b) => a.delayMs - b.delayMs);
    return [...ready, ...delayed];
  }

  async #read(
    subject: string,
    from: number,
    limit: number,
  ): Promise<PendingMessage<T>[]> {
    const found: PendingMessage<T>[] = [];
    for (let seq = from; found.length < limit;) {
      // The first one from there on; the types of the client have no name for it.
      const next = { seq, next_by_subj: subject };
      const message = await this.#calls.patiently(
        "look at a message",
        () => this.#jsm.streams.getMessage(this.#names.stream, next),
      );
      if (message === null) break;
      found.push(pendingOf(message));
      seq = message.seq + 1;
    }
    return found;
  }
}

function pendingOf<T>(
  { seq, header, data, time }: StoredMsg,
): PendingMessage<T> {
  const headers = ownHeaders(header);
  const due = headerOf(header, SCHEDULE)?.slice(AT.length);
  const delayMs = due === undefined ? 0 : Date.parse(due) - Date.now();
  return {
    id: seq,
    payload: payloadOf<T>(data),
    enqueuedAt: new Date(headerOf(header, ENQUEUED) ?? time),
    priority: 0,
    attempts: 0,
    ...(Object.keys(headers).length > 0 && { headers }),
    delayMs: Math.max(0, delayMs),
  };
}

/** The header of a message that waits until a time. */
export function scheduleOf(at: Date): string {
  return AT + at.toISOString();
}
