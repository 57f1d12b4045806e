import type { JetStreamManager } from "@nats-io/jetstream";
import { given } from "../../base/promise.ts";
import { checkCount } from "../../base/checks.ts";
import { boundsOf, loggedError } from "../../queue/internal.ts";
import type {
  DeadLetter,
  DeadLetterChoice,
  LoggedError,
  PageOptions,
} from "../../queue/mod.ts";
import type { Calls } from "./wire/calls.ts";
import {
  ATTEMPTS,
  encoded,
  ENQUEUED,
  ERROR,
  headerOf,
  headersOf,
  MESSAGE_ID,
  ownHeaders,
  REASON,
} from "./wire/header.ts";
import type { Buried } from "./message.ts";
import type { Names } from "./wire/names.ts";
import type { Envelope, Publisher } from "./wire/publisher.ts";
import type { Receipts } from "./receipts.ts";

/** A dead letter, and its place in its stream. */
interface Found<T> {
  readonly seq: number;
  readonly letter: DeadLetter<T>;
  readonly body: Uint8Array;
}

/** The largest error that a dead letter carries, in bytes. */
const MAX_ERROR_BYTES = 5_000;

/** How many dead letters are redriven at a time. */
const CHUNK = 32;

const ALL = 1_000;

/** The dead letters, which have a stream of their own: each under its id as a message. */
export class DeadLetters<T> {
  readonly #calls: Calls;
  readonly #jsm: JetStreamManager;
  readonly #names: Names;
  readonly #publisher: Publisher;
  readonly #receipts: Receipts;

  constructor(
    { calls, jsm, names, receipts }: {
      readonly calls: Calls;
      readonly jsm: JetStreamManager;
      readonly names: Names;
      readonly receipts: Receipts;
    },
    publisher: Publisher,
  ) {
    this.#calls = calls;
    this.#jsm = jsm;
    this.#names = names;
    this.#publisher = publisher;
    this.#receipts = receipts;
  }

  /** Stores the dead letter of a delivery, then acknowledges the message. A crash in between repeats it, which stores it once. */
  readonly bury = async (
    { hold, attempts, body, headers, enqueuedAt }: Buried,
    reason: string,
    error?: unknown,
  ): Promise<void> => {
    const doing = `make a dead letter of message ${hold.id}`;
    const thrown = error === undefined
      ? undefined
      : JSON.stringify(loggedError(error));
    const isShort = thrown !== undefined &&
      encoded(thrown).length <= MAX_ERROR_BYTES;
    await this.#publisher.store({
      subject: this.#names.dead(hold.id),
      body,
      headers: headersOf(headers, {
        [MESSAGE_ID]: `${this.#names.stream}.${hold.id}`,
        [REASON]: wellFormed(reason),
        [ATTEMPTS]: `${attempts}`,
        [ENQUEUED]: enqueuedAt.toISOString(),
        [ERROR]: isShort ? thrown : undefined,
      }),
    }, doing);
    await this.#receipts.tell(hold, "+ACK", "acknowledge");
  };

  /** A page of dead letters, in the order of their ids. */
  async list(page: PageOptions): Promise<DeadLetter<T>[]> {
    const [after, limit] = boundsOf(page);
    const ids = (await this.#ids()).filter((id) => id > after);
    const letters: DeadLetter<T>[] = [];
    for (const id of ids) {
      if (letters.length >= limit) break;
      const found = await this.#find(id);
      if (found !== undefined) letters.push(found.letter);
    }
    return letters;
  }

  async count(): Promise<number> {
    const { deadStream } = this.#names;
    const { state } = await this.#calls.patiently(
      "count the dead letters",
      () => this.#jsm.streams.info(deadStream),
    );
    return state.messages;
  }

  /** Enqueues dead letters again, and removes them. Returns how many there were. */
  async redrive(
    which: DeadLetterChoice<T>,
    again: (
      letter: DeadLetter<T>,
      at: { readonly body: Uint8Array; readonly index: number; key: string },
    ) => Envelope,
    jobs: Publisher,
  ): Promise<number> {
    const chosen = await this.#chosen(which);
    let count = 0;
    for (let start = 0; start < chosen.length; start += CHUNK) {
      const ids = chosen.slice(start, start + CHUNK);
      const done = await Promise.all(ids.map(async (id, at) => {
        const found = await this.#find(id);
        if (found === undefined) return 0;
        const { letter, body, seq } = found;
        const index = start + at;
        // Another message may have died under this number since.
        const key = `${this.#names.deadStream}.${seq}`;
        const doing = `redrive dead letter ${id}`;
        await jobs.store(again(letter, { body, index, key }), doing);
        await this.#remove(id);
        return 1;
      }));
      for (const one of done) count += one;
    }
    return count;
  }

  /** Removes one, or all. Returns how many there were. */
  async purge(which: number | "all"): Promise<number> {
    if (which !== "all") {
      checkCount("id", which);
      return await this.#remove(which);
    }
    const { deadStream } = this.#names;
    const { purged } = await this.#calls.patiently(
      "purge the dead letters",
      () => this.#jsm.streams.purge(deadStream),
    );
    return purged;
  }

  async #remove(id: number): Promise<number> {
    const { deadStream, dead } = this.#names;
    const { purged } = await this.#calls.patiently(
      `remove dead letter ${id}`,
      () => this.#jsm.streams.purge(deadStream, { filter: dead(id) }),
    );
    return purged;
  }

  async #chosen(which: DeadLetterChoice<T>): Promise<number[]> {
    if (which === "all") return await this.#ids();
    if (typeof which !== "function") {
      const ids = [...new Set([which].flat())];
      for (const id of ids) checkCount("id", id);
      return ids.sort((a, b) => a - b);
    }
    const ids: number[] = [];
    for (let after = 0;;) {
      const page = await this.list({ after, limit: ALL });
      if (page.length === 0) return ids;
      after = page.at(-1)!.id;
      for (const letter of page) {
        if (given("filter", which(letter), true)) ids.push(letter.id);
      }
    }
  }

  async #ids(): Promise<number[]> {
    const { deadStream, dead, deadId } = this.#names;
    const { state } = await this.#calls.patiently(
      "list the dead letters",
      () => this.#jsm.streams.info(deadStream, { subjects_filter: dead("*") }),
    );
    return Object.keys(state.subjects ?? {}).map(deadId)
      .sort((a, b) => a - b);
  }

  async #find(id: number): Promise<Found<T> | undefined> {
    const { deadStream, dead } = this.#names;
    const found = await this.#calls.patiently(
      `read dead letter ${id}`,
      () =>
        this.#jsm.streams.getMessage(deadStream, { last_by_subj: dead(id) }),
    );
    if (found === null) return undefined;
    const { header, data, seq, time } = found;
    const headers = ownHeaders(header);
    const error = headerOf(header, ERROR);
    const letter: DeadLetter<T> = {
      id,
      payload: payloadOf<T>(data),
      enqueuedAt: new Date(headerOf(header, ENQUEUED) ?? time),
      priority: 0,
      attempts: Number(headerOf(header, ATTEMPTS)),
      ...(Object.keys(headers).length > 0 && { headers }),
      reason: headerOf(header, REASON) ?? "no reason was given",
      ...(error !== undefined && { error: JSON.parse(error) as LoggedError }),
      diedAt: time,
    };
    return { seq, letter, body: data };
  }
}

/** Text with another character for each half of a surrogate pair, which no header takes: handlers throw any text. */
function wellFormed(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** The payload in a message; what is no JSON as the text that it is. */
export function payloadOf<T>(body: Uint8Array): T {
  const text = new TextDecoder().decode(body);
  try {
    return JSON.parse(text);
  } catch {
    return text as T;
  }
}
