import { headers as newHeaders, type MsgHdrs, nuid } from "@nats-io/nats-core";
import { MiniError } from "../base/errors.ts";
import { API, ApiError, failureOf, isFinal, reasonOf } from "./errors.ts";
import { type Patience, Tries } from "./clock.ts";
import { direct, type RawMessage, stored } from "./answer.ts";
import type { Headers, StoredMessage } from "./log/message.ts";

/**
 * The part of a NATS connection that is used: those of `@nats-io/transport-node`,
 * `@nats-io/transport-deno` and `wsconnect` of `@nats-io/nats-core` have it.
 */
export interface NatsClient {
  /** The server that it is connected to. */
  readonly info?: { readonly version: string; readonly "max_payload": number };
  /** Whether it was closed. */
  isClosed(): boolean;
  /** Sends a request. Resolves to its answer. */
  request(
    subject: string,
    payload: Uint8Array,
    options: { timeout: number },
  ): Promise<{ json<T>(): T }>;
  /** Sends a request that has many answers. Resolves to those that arrive within `maxWait` milliseconds. */
  requestMany(
    subject: string,
    payload: Uint8Array,
    options: { strategy: "timer"; maxWait: number; noMux: boolean },
  ): Promise<
    AsyncIterable<
      {
        readonly data: Uint8Array;
        readonly headers?: Iterable<readonly [name: string, values: string[]]>;
      }
    >
  >;
  /** Sends a message. */
  publish(
    subject: string,
    payload: Uint8Array,
    options?: { headers?: object },
  ): void;
  /** Calls back with each message to a subject. */
  subscribe(
    subject: string,
    options: { callback: () => void },
  ): { unsubscribe(): void };
}

/** The settings of a stream, as JetStream calls them. */
export interface StreamConfig {
  readonly name: string;
  readonly description?: string;
  readonly subjects?: readonly string[];
  readonly [setting: string]: unknown;
}

/** The state of a stream. */
export interface StreamFacts {
  readonly config: StreamConfig;
  /** The numbers of the first and the last message; the first is `last + 1` if there is none. */
  readonly first: number;
  readonly last: number;
  /** The subjects that were asked for, and how many messages each has. */
  readonly subjects: Readonly<Record<string, number>>;
}

/** The answer to a message: its number; `"moved"` if what was expected is not so; an error if it was refused, and is not stored. */
export type Published = { readonly seq: number } | "moved" | MiniError;

/** The conditions under which a message is stored. */
export interface Expectation {
  /** The number of the last message of the stream. */
  readonly last?: number;
  /** The number of the last message of the subject, 0 if there is none. */
  readonly lastOfSubject?: number;
}

/** A message that is to be stored. */
export interface NewMessage {
  readonly subject: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The size of what a message has beside its body, at most. */
export const OVERHEAD_BYTES = 512;

/** The answers that say that what was expected is not so. */
const MOVED: readonly number[] = [
  API.wrongSequence,
  API.unknownSequence,
  API.duplicateInBatch,
];

const encoder = new TextEncoder();

const NOTHING = new Uint8Array(0);

/**
 * One stream, by the requests that JetStream answers. What rejects has got no
 * answer, or one that says nothing about whether it was done.
 */
export class Stream {
  readonly name: string;
  readonly #nc: NatsClient;
  readonly #patience: Patience;
  #maxPayload = 1024 * 1024;

  constructor(nc: NatsClient, name: string, patience: Patience) {
    this.name = name;
    this.#nc = nc;
    this.#patience = patience;
  }

  /** The size of the largest body. */
  get maxBodyBytes(): number {
    // A connection that looks for another server knows none.
    this.#maxPayload = this.#nc.info?.max_payload ?? this.#maxPayload;
    return this.#maxPayload - OVERHEAD_BYTES;
  }

  /** Whether nothing will be answered any more. */
  get isClosed(): boolean {
    return this.#nc.isClosed();
  }

  /** Stores a message if what is expected is so. */
  async publish(
    message: NewMessage,
    expected: Expectation = {},
  ): Promise<Published> {
    return await this.#store(message, this.#headersOf(message, expected));
  }

  /** Stores messages, at most 1,000, or none of them, if what is expected is so of the first. */
  async publishBatch(
    messages: readonly NewMessage[],
    expected: Expectation = {},
  ): Promise<Published> {
    const id = nuid.next();
    const batch = messages.map((message, index) => {
      const headers = this.#headersOf(message, index === 0 ? expected : {});
      headers.set("Nats-Batch-Id", id);
      headers.set("Nats-Batch-Sequence", `${index + 1}`);
      return { message, headers };
    });
    const last = batch.pop()!;
    for (const { message: { subject, body }, headers } of batch) {
      this.#nc.publish(subject, body, { headers });
    }
    last.headers.set("Nats-Batch-Commit", "1");
    return await this.#store(last.message, last.headers);
  }

  #headersOf({ headers }: NewMessage, expected: Expectation): MsgHdrs {
    const { last, lastOfSubject } = expected;
    const all = newHeaders();
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    all.set("Nats-Expected-Stream", this.name);
    if (last !== undefined) all.set("Nats-Expected-Last-Sequence", `${last}`);
    if (lastOfSubject !== undefined) {
      all.set("Nats-Expected-Last-Subject-Sequence", `${lastOfSubject}`);
    }
    return all;
  }

  async #store(
    { subject, body }: NewMessage,
    headers: MsgHdrs,
  ): Promise<Published> {
    try {
      const { seq, duplicate } = await this.#request<
        { readonly seq: number; readonly duplicate?: boolean }
      >(subject, body, headers);
      // One with the same id is there, or was: it was not stored again.
      return duplicate ? "moved" : { seq };
    } catch (error) {
      return this.#refusalOf(error);
    }
  }

  /** Says how a message was refused; throws if it is not certain that it was. */
  #refusalOf(error: unknown): Published {
    const doing = `write to stream ${this.name}`;
    const after = "nothing was written";
    if (isFinal(error)) return failureOf(doing, error, after);
    if (!(error instanceof ApiError)) throw error;
    const { code, message } = error;
    if (MOVED.includes(code)) return "moved";
    const refused = code === API.tooLarge
      ? "TOO_LARGE"
      // Other failures of the store have the same code, and leave it in doubt.
      : code === API.storeFailed && /maximum (bytes|messages)/.test(message)
      ? "NO_SPACE"
      : undefined;
    if (refused === undefined) throw error;
    const words = `Cannot ${doing}: ${message}; ${after}`;
    return new MiniError(refused, words, { cause: error });
  }

  /** Reads the message with a number; `undefined` if the server that answers has none, which may be behind the others. */
  get(seq: number): Promise<StoredMessage | undefined> {
    return this.#get({ seq });
  }

  /** Reads the first message from a number on, of a subject. */
  next(seq: number, subject = ">"): Promise<StoredMessage | undefined> {
    return this.#get({ seq, "next_by_subj": subject });
  }

  /**
   * Reads messages in a row, from a number on, up to about `maxBytes` of them, by
   * one request. Any of the servers answers, also one that is behind the others or
   * none: then some are missing at the end, or all.
   */
  async row(
    seq: number,
    count: number,
    maxBytes: number,
  ): Promise<StoredMessage[]> {
    const row: StoredMessage[] = [];
    const query = { seq, batch: count, "max_bytes": maxBytes };
    try {
      const answers = await this.#nc.requestMany(
        `$JS.API.DIRECT.GET.${this.name}`,
        jsonOf({ ...query, "next_by_subj": ">" }),
        {
          strategy: "timer",
          maxWait: this.#patience.requestTimeoutMs,
          noMux: true,
        },
      );
      for await (const answer of answers) {
        const message = direct(answer);
        // What is not the next one is the end, or comes after a hole.
        if (message.seq !== seq + row.length) break;
        row.push(message);
      }
    } catch {
      // What is missing will be asked for in another way, which says why.
    }
    return row;
  }

  /** Reads the last message of a subject. */
  lastOf(subject: string): Promise<StoredMessage | undefined> {
    return this.#get({ "last_by_subj": subject });
  }

  async #get(query: object): Promise<StoredMessage | undefined> {
    try {
      const { message } = await this.#call<{ message: RawMessage }>(
        "MSG.GET",
        query,
      );
      return stored(message);
    } catch (error) {
      if (error instanceof ApiError && error.code === API.noMessage) return;
      throw error;
    }
  }

  /** Removes messages: those before a number, or those of a subject. */
  async purge(
    which: { readonly seq: number } | { readonly filter: string },
  ): Promise<void> {
    await this.#call("PURGE", which);
  }

  /** Reads settings and state; `undefined` if there is no such stream. */
  async facts(subjects?: string): Promise<StreamFacts | undefined> {
    try {
      const filter = subjects && { "subjects_filter": subjects };
      return factsOf(await this.#call<RawInfo>("INFO", filter || undefined));
    } catch (error) {
      if (error instanceof ApiError && error.code === API.noStream) return;
      throw error;
    }
  }

  /** Makes the stream, or changes its settings. */
  async configure(
    verb: "CREATE" | "UPDATE",
    config: StreamConfig,
  ): Promise<void> {
    await this.#call(verb, config);
  }

  /** Calls back whenever something is published to the subject, perhaps before it is stored. Returns how to end that. */
  onPublished(subject: string, call: () => void): () => void {
    const subscription = this.#nc.subscribe(subject, { callback: call });
    return () => {
      if (!this.#nc.isClosed()) subscription.unsubscribe();
    };
  }

  /** Asks again until there is an answer. Only for what may be done twice. */
  async surely<T>(
    doing: string,
    ask: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const tries = new Tries(this.#patience, signal);
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof MiniError) throw error;
        const isOver = isFinal(error) || this.isClosed;
        if (!isOver && await tries.again()) continue;
        throw failureOf(
          `${doing} stream ${this.name}`,
          error,
          "nothing was changed",
        );
      }
    }
  }

  #call<T>(verb: string, body: object | undefined): Promise<T> {
    const bytes = body === undefined ? NOTHING : jsonOf(body);
    return this.#request<T>(`$JS.API.STREAM.${verb}.${this.name}`, bytes);
  }

  async #request<T>(
    subject: string,
    body: Uint8Array,
    headers?: object,
  ): Promise<T> {
    const { requestTimeoutMs: timeout } = this.#patience;
    const options = { timeout, ...(headers && { headers }) };
    const answer = await this.#nc.request(subject, body, options);
    const said = answer.json<T & { error?: RawError }>();
    if (said.error === undefined) return said;
    const { err_code: code = 0, description = reasonOf(said.error) } =
      said.error;
    throw new ApiError(code, description);
  }
}

/** An error, as JetStream sends it. */
interface RawError {
  readonly "err_code"?: number;
  readonly description?: string;
}

/** The state of a stream, as JetStream sends it. */
interface RawInfo {
  readonly config: StreamConfig;
  readonly state: {
    readonly "first_seq": number;
    readonly "last_seq": number;
    readonly messages: number;
    readonly subjects?: Readonly<Record<string, number>>;
  };
}

function factsOf({ config, state }: RawInfo): StreamFacts {
  const { first_seq: first, last_seq: last, messages, subjects = {} } = state;
  return { config, first: messages === 0 ? last + 1 : first, last, subjects };
}

function jsonOf(body: object): Uint8Array {
  return encoder.encode(JSON.stringify(body));
}
