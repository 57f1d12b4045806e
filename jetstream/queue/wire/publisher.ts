// deno-lint-ignore-file camelcase -- the names are the servers'
import type { JetStreamManager } from "@nats-io/jetstream";
import { headers as newHeaders, type MsgHdrs } from "@nats-io/nats-core";
import { MiniError } from "../../../queue/mod.ts";
import { API, ApiError } from "../../errors.ts";
import { type Calls, refusalOf } from "./calls.ts";
import { CALL, MESSAGE_ID, RESERVED_BYTES } from "./header.ts";

/** A message on its way to a stream. */
export interface Envelope {
  readonly subject: string;
  readonly body: Uint8Array;
  /** With the id by which a server knows the message if it comes again. */
  readonly headers: MsgHdrs;
}

/** The answer of a server to a message that it has stored, or had stored. */
interface Answer {
  readonly seq: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly description: string };
}

/** The place of a message that is stored. */
export interface Stored {
  readonly seq: number;
  /** Whether another message with the same id stands there. */
  readonly isOther: boolean;
}

const WRONG_LAST_ID = 10070;

const IN_DOUBT =
  "whether the servers have it is unknown: with a dedupeKey, it can be enqueued again";

/** Stores messages durably, and once, also where an answer is lost. */
export class Publisher {
  readonly #calls: Calls;
  readonly #jsm: JetStreamManager;
  readonly #stream: string;

  constructor(calls: Calls, jsm: JetStreamManager, stream: string) {
    this.#calls = calls;
    this.#jsm = jsm;
    this.#stream = stream;
  }

  /** Throws `TOO_LARGE` if no server would take a message, or its dead letter. */
  checkSize({ body, headers }: Envelope, doing: string): void {
    const max = this.#calls.nc.info?.max_payload ?? Infinity;
    let size = body.length + RESERVED_BYTES;
    for (const name of headers.keys()) {
      size += name.length + headers.get(name).length + ": \r\n".length;
    }
    if (size <= max) return;
    throw new MiniError(
      "TOO_LARGE",
      `Cannot ${doing}: it takes ${size} bytes with its headers, and the server takes ${max}; nothing was sent`,
    );
  }

  /** Stores one message. */
  store(message: Envelope, doing: string): Promise<Stored> {
    return this.#calls.patiently(doing, async (tries) => {
      const { seq, duplicate = false } = await this.#send(message);
      // After an answer that was lost, it may be this one.
      const isOther = duplicate &&
        (tries === 0 || (await this.#isOther(message, seq) ?? true));
      return { seq, isOther };
    }, { known: IN_DOUBT });
  }

  /** Stores all messages or none. Returns the place of the first one; the others follow it. */
  storeBatch(messages: readonly Envelope[], doing: string): Promise<number> {
    return this.#calls.patiently(doing, async (tries) => {
      try {
        return await this.#sendBatch(messages) - messages.length + 1;
      } catch (error) {
        if (refusalOf(error) !== API.duplicateInBatch) throw error;
        const found = tries > 0
          ? await this.#probe(messages.at(-1)!)
          : undefined;
        if (found === undefined) throw taken(doing, error);
        const isOther = await this.#isOther(messages.at(-1)!, found);
        if (isOther === undefined) throw unknown(doing, error);
        if (isOther) throw taken(doing, error);
        return found - messages.length + 1;
      }
    }, { known: IN_DOUBT });
  }

  async #send({ subject, body, headers }: Envelope): Promise<Answer> {
    const answer = await this.#calls.request(subject, body, { headers });
    return checked(answer.json<Answer>());
  }

  /** Whether another call has stored the message at `seq`; `undefined` if it has a key, and was consumed since. */
  async #isOther(
    { headers }: Envelope,
    seq: number,
  ): Promise<boolean | undefined> {
    const call = headers.get(CALL);
    if (headers.get(MESSAGE_ID) === ownId(call)) return false;
    const found = await this.#jsm.streams.getMessage(this.#stream, { seq });
    return found === null ? undefined : found.header.get(CALL) !== call;
  }

  /** Sends a batch. Returns the place of the last message. */
  async #sendBatch(messages: readonly Envelope[]): Promise<number> {
    const id = crypto.randomUUID();
    const last = messages.length - 1;
    let answer: Answer | undefined;
    for (const [at, { subject, body, headers }] of messages.entries()) {
      headers.set("Nats-Batch-Id", id);
      headers.set("Nats-Batch-Sequence", `${at + 1}`);
      if (at === last) headers.set("Nats-Batch-Commit", "1");
      if (at > 0 && at < last) {
        this.#calls.nc.publish(subject, body, { headers });
        continue;
      }
      const said = await this.#calls.request(subject, body, { headers });
      // The first one is answered by nothing.
      if (said.data.length > 0) answer = checked(said.json<Answer>());
    }
    return answer!.seq;
  }

  /** The place of the message with the same id, if the server has one. Stores nothing. */
  async #probe({ subject, headers }: Envelope): Promise<number | undefined> {
    const { nc } = this.#calls;
    const probe = newHeaders();
    probe.set(MESSAGE_ID, headers.get(MESSAGE_ID));
    // No message has that id: what is no duplicate is refused.
    probe.set("Nats-Expected-Last-Msg-Id", crypto.randomUUID());
    const timeout = this.#calls.requestTimeoutMs;
    const answer = await nc.request(subject, "", { headers: probe, timeout });
    const said = answer.json<Answer>();
    if (said.error?.err_code === WRONG_LAST_ID) return undefined;
    return checked(said).seq;
  }
}

function checked(answer: Answer): Answer {
  const { error } = answer;
  if (error === undefined) return answer;
  throw new ApiError(error.err_code ?? 0, error.description);
}

function taken(doing: string, cause: unknown): MiniError {
  return new MiniError(
    "CONFLICT",
    `Cannot ${doing}: the dedupeKey of one of them is taken; none was enqueued. Leave that one out, or enqueue them one by one`,
    { cause },
  );
}

function unknown(doing: string, cause: unknown): MiniError {
  return new MiniError(
    "UNAVAILABLE",
    `Cannot ${doing}: the answer was lost, and a message with the key of the last one was consumed since, which may be that one; ${IN_DOUBT}`,
    { cause },
  );
}

/** The id of a message without a key: that of its call. */
export function ownId(call: string): string {
  return `c.${call}`;
}
