import { MiniError } from "../../base/errors.ts";
import { Tries } from "../clock.ts";
import { API, ApiError, failureOf } from "../errors.ts";
import {
  checkVersion,
  ensure,
  KEEPS,
  type Making,
  type Rules,
} from "../settings.ts";
import type {
  Expectation,
  NatsClient,
  NewMessage,
  Published,
  Stream,
} from "../stream.ts";
import {
  type Forwarded,
  messageOf,
  recordIn,
  type SendableRecord,
} from "./message.ts";

/** Something that is tried again. */
export class Interruption {
  /** The failure; `undefined` if somebody else was quicker. */
  readonly error: MiniError | undefined;

  constructor(error?: MiniError) {
    this.error = error;
  }
}

/** The end of a log's own subject. */
export interface SubjectEnd {
  /** The last record of the log; `undefined` if there is none. */
  readonly last: Forwarded | undefined;
  /** The number of the last message, also of somebody else; 0 if there is none. */
  readonly at: number;
}

const {
  "max_msgs": _messages,
  "mirror_direct": _mirrors,
  republish: _republished,
  ...lossless
} = KEEPS;

/** The settings that decide whether a message is lost or hidden; all others are the operator's. */
const RULES: Rules = {
  ...lossless,
  // The first value is that of a new stream.
  "allow_atomic": [true, false, undefined],
  "allow_direct": [false, true, undefined],
};

/** Looks back from a message in steps that double, this one first. */
const FIRST_STEP = 1;

/** The stream, and in it the subject of one log. */
export class Target {
  readonly #nc: NatsClient;
  readonly #stream: Stream;
  readonly #log: string;
  readonly #subject: string;
  #takesBatches = false;
  /** Whether the server refuses batches whose messages have ids, as 2.12.0 does. */
  #refusesIds = false;
  /** Whether the last batch was refused, and perhaps for ids that the server knows of messages that are gone. */
  #wasRefused = false;

  constructor(nc: NatsClient, stream: Stream, { subject, log }: {
    readonly subject: string;
    readonly log: string;
  }) {
    this.#nc = nc;
    this.#stream = stream;
    this.#log = log;
    this.#subject = `${subject}.${log}`;
  }

  /** The size of the largest record. */
  get maxBytes(): number {
    return this.#stream.maxBodyBytes;
  }

  /** Whether it takes several records at once. */
  get takesBatches(): boolean {
    return this.#takesBatches;
  }

  /** Makes the stream if it is missing; throws `UNSUPPORTED_FORMAT` if it would lose records. */
  async prepare(
    making: Making & { readonly maxBytes?: number | undefined },
  ): Promise<void> {
    const { maxBytes } = making;
    const subject = this.#subject;
    const isMade = `${subject.slice(0, subject.lastIndexOf("."))}.*`;
    await this.#ask("prepare", () => checkVersion(this.#nc, new Tries(making)));
    const { config } = await this.#ask("prepare", () =>
      ensure({
        stream: this.#stream,
        subjects: [isMade],
        needs: subject,
        rules: RULES,
        maxBytes,
      }, making));
    this.#takesBatches = config.allow_atomic === true;
  }

  /** Reads the end of the subject. */
  async end(): Promise<SubjectEnd> {
    const message = await this.#ask(
      "read",
      () => this.#stream.lastOf(this.#subject),
    );
    if (message === undefined) return { last: undefined, at: 0 };
    const { seq: at } = message;
    const last = recordIn(message, this.#log) ?? await this.#lastBefore(at);
    return { last, at };
  }

  /** The last record before a message that somebody else has sent. */
  async #lastBefore(end: number): Promise<Forwarded | undefined> {
    for (let step = FIRST_STEP;; step *= 2) {
      const from = Math.max(1, end - step);
      const found = await this.#lastWithin(from, end);
      if (found !== undefined || from === 1) return found;
    }
  }

  async #lastWithin(
    from: number,
    end: number,
  ): Promise<Forwarded | undefined> {
    let found: Forwarded | undefined;
    for (let at = from;;) {
      const message = await this.#ask(
        "read",
        () => this.#stream.next(at, this.#subject),
      );
      if (message?.seq === end) return found;
      // A server that does not have the end may not have all before it.
      if (message === undefined || message.seq > end) throw new Interruption();
      found = recordIn(message, this.#log) ?? found;
      at = message.seq + 1;
    }
  }

  /** Stores records, all or none, if message `at` is the last of the subject. Resolves to the number of the last that was stored. */
  async send(records: readonly SendableRecord[], at: number): Promise<number> {
    const hasId = !this.#wasRefused &&
      !(this.#refusesIds && records.length > 1);
    const place = { subject: this.#subject, log: this.#log, hasId };
    const messages = records.map((record) => messageOf(record, place));
    const answer = await this.#ask(
      "write to",
      () => this.#publish(messages, { lastOfSubject: at }),
    );
    this.#wasRefused = answer === "moved";
    if (answer === "moved") throw new Interruption();
    if (!(answer instanceof MiniError)) return answer.seq;
    throw answer.code === "NO_SPACE" ? new Interruption(answer) : answer;
  }

  #publish(
    messages: readonly NewMessage[],
    expected: Expectation,
  ): Promise<Published> {
    const [first] = messages;
    return messages.length === 1
      ? this.#stream.publish(first!, expected)
      : this.#stream.publishBatch(messages, expected);
  }

  async #ask<T>(verb: string, ask: () => Promise<T>): Promise<T> {
    const { name, isClosed } = this.#stream;
    const doing = `${verb} stream ${name}`;
    if (isClosed) {
      const message =
        `Cannot ${doing}: the connection was closed; what the stream does not have stays in the log`;
      throw new MiniError("CLOSED", message);
    }
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ApiError && error.code === API.headerInBatch) {
        this.#refusesIds = true;
        throw new Interruption();
      }
      const failure = failureOf(doing, error, "it is tried again");
      // It is known what becomes of it when the stream is read again.
      const isPassing = ["UNAVAILABLE", "NO_SPACE"].includes(failure.code);
      if (isPassing) throw new Interruption(failure);
      throw failure;
    }
  }
}
