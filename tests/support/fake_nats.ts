import type {
  Msg,
  NatsConnection,
  Payload,
  RequestOptions,
} from "@nats-io/nats-core";
import type { Random } from "@mini/state/testing";
import {
  bytesOf,
  failed,
  type FakeStream,
  fits,
  found,
  infoOf,
  lastOf,
  purge,
  rowOf,
  statusOf,
} from "./fake_stream.ts";

/** A message that is to be kept. */
interface NewMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: RequestOptions["headers"];
}

/** How often requests go wrong: once in this many times; 0 is never. */
export interface NatsFaults {
  /** A request gets lost. */
  readonly lost?: number;
  /** An answer gets lost. */
  readonly unanswered?: number;
  /** A request is done long after its sender has given up. */
  readonly late?: number;
  /** A request is done twice, the second time late. */
  readonly repeated?: number;
  /** Nobody answers for the subject. */
  readonly away?: number;
  /** A publisher is told that its expectation is not so, although it is. */
  readonly refused?: number;
  /** A publisher is told that the stream is full. */
  readonly full?: number;
  /** A reader asks a server that lacks the last messages. */
  readonly stale?: number;
}

/** Servers in memory that answer as JetStream does, or fail to. */
export class FakeNats {
  readonly streams: Map<string, FakeStream> = new Map();
  readonly #late: (() => void)[] = [];
  /** How often something went wrong. */
  faults = 0;
  /** The batches that are not complete, by their ids. */
  readonly #batches: Map<string, NewMessage[]> = new Map();
  /** The subjects that were asked, in order. */
  readonly asked: string[] = [];

  /** A connection whose requests go wrong at random. */
  connect(random?: Random, faults: NatsFaults = {}): NatsConnection {
    let isClosed = false;
    const connection: Partial<NatsConnection> = {
      info: { version: "2.15.1", "max_payload": 1024 * 1024 } as never,
      isClosed: () => isClosed,
      close: () => {
        isClosed = true;
        return Promise.resolve();
      },
      subscribe: () => ({ unsubscribe: () => {} }) as never,
      publish: (subject, payload = "", { headers } = {}) => {
        // Most of a batch arrives, or few batches would.
        const isLost = faults.lost && random!.oneIn(faults.lost * 10);
        if (isLost) this.faults++;
        else this.#publish(subject, bytesOf(payload).slice(), headers);
      },
      request: (subject, payload, options) =>
        this.#request(subject, payload, options, random, faults),
      requestMany: (subject, payload) =>
        this.#requestMany(subject, payload, random, faults),
    };
    return connection as NatsConnection;
  }

  /** Does everything that is late. */
  settle(): void {
    for (const act of this.#late.splice(0)) act();
  }

  /** Stores a message of somebody else. */
  publish(subject: string, text: string): void {
    this.#store(subject, "", new TextEncoder().encode(text));
  }

  async #request(
    subject: string,
    payload: Payload = "",
    { headers }: Partial<RequestOptions> = {},
    random: Random | undefined,
    faults: NatsFaults,
  ): Promise<Msg> {
    const bytes = bytesOf(payload).slice();
    const act = (isStale = false) =>
      this.#answer(subject, bytes, headers, isStale);
    this.asked.push(subject);
    const goesWrong = this.#dice(random, faults);
    // Answers overtake each other.
    const turns = random?.below(4) ?? 0;
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    // What is late comes at any time.
    if (this.#late.length > 0 && random?.oneIn(5)) {
      this.#late.splice(random.below(this.#late.length), 1)[0]!();
    }
    if (goesWrong("lost")) throw new Error("timeout");
    if (goesWrong("away")) throw new Error("no responders");
    if (goesWrong("late")) {
      this.#late.push(() => void act());
      throw new Error("timeout");
    }
    const isPublished = headers?.has("Nats-Expected-Last-Sequence");
    if (isPublished && goesWrong("refused")) return answer(wrongSequence());
    if (isPublished && goesWrong("full")) {
      return answer(failed(10077, "maximum bytes exceeded"));
    }
    if (goesWrong("repeated")) this.#late.push(() => void act());
    const answered = act(goesWrong("stale"));
    if (goesWrong("unanswered")) throw new Error("timeout");
    return answer(answered);
  }

  /** Says whether a fault happens now. */
  #dice(random: Random | undefined, faults: NatsFaults) {
    return (fault: keyof NatsFaults): boolean => {
      const oneIn = faults[fault] ?? 0;
      const does = oneIn > 0 && random!.oneIn(oneIn);
      if (does) this.faults++;
      return does;
    };
  }

  /** Answers with a row of messages, as far as it does not get lost. */
  async #requestMany(
    subject: string,
    payload: Payload = "",
    random: Random | undefined,
    faults: NatsFaults,
  ): Promise<AsyncIterable<Msg>> {
    this.asked.push(subject);
    const goesWrong = this.#dice(random, faults);
    const name = /^\$JS\.API\.DIRECT\.GET\.([^.]+)$/.exec(subject)![1]!;
    const stream = this.streams.get(name);
    const query = JSON.parse(new TextDecoder().decode(bytesOf(payload)));
    const turns = random?.below(4) ?? 0;
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    return (async function* () {
      const isAway = stream?.config.allow_direct !== true || goesWrong("away");
      if (isAway) throw new Error("no responders");
      for (const answer of rowOf(stream, query, goesWrong("stale"))) {
        if (goesWrong("lost")) continue;
        if (goesWrong("unanswered")) return;
        yield answer;
      }
      yield statusOf(204, "EOB");
    })();
  }

  #answer(
    subject: string,
    bytes: Uint8Array,
    headers: RequestOptions["headers"],
    isStale: boolean,
  ): object {
    const [, verb, name] = /^\$JS\.API\.STREAM\.(.+)\.([^.]+)$/.exec(subject) ??
      [];
    if (verb === undefined) return this.#publish(subject, bytes, headers);
    const text = new TextDecoder().decode(bytes);
    const body = text === "" ? {} : JSON.parse(text);
    const stream = this.streams.get(name!);
    if (verb === "CREATE") return this.#create(name!, body);
    if (stream === undefined) return failed(10059, "stream not found");
    if (verb === "UPDATE") stream.config = body;
    if (verb === "MSG.GET") return found(stream, body, isStale);
    if (verb === "PURGE") purge(stream, body);
    return infoOf(stream, body);
  }

  #create(name: string, config: FakeStream["config"]): object {
    if (this.streams.has(name)) {
      return failed(10058, "stream name already in use");
    }
    const stream = { config, messages: new Map(), first: 1, last: 0 };
    this.streams.set(name, stream);
    return infoOf(stream, {});
  }

  #publish(
    subject: string,
    data: Uint8Array,
    headers: RequestOptions["headers"],
  ): object {
    const expects = (name: string) => {
      const text = headers?.get(`Nats-Expected-Last-${name}`);
      return text ? Number(text) : undefined;
    };
    const batch = this.#batchOf({ subject, data, headers });
    if (batch === undefined) return failed(10176, "batch is incomplete");
    if (batch.length === 0) return {};
    ({ subject, headers } = batch[0]!);
    const stream = this.#streamOf(subject);
    const expected = expects("Sequence") ?? stream.last;
    const last = lastOf(stream, subject)?.seq ?? 0;
    const expectedOfSubject = expects("Subject-Sequence") ?? last;
    if (expected !== stream.last || expectedOfSubject !== last) {
      return wrongSequence();
    }
    let answered = {};
    for (const { subject, headers, data } of batch) {
      const lines = [...headers?.keys() ?? []]
        .map((name) => `${name}: ${headers!.get(name)}\r\n`);
      const hdrs = `NATS/1.0\r\n${lines.join("")}\r\n`;
      answered = this.#store(subject, hdrs, data);
    }
    return answered;
  }

  /** The messages that one completes: itself, if it is of no batch; none, if more are to come; `undefined` if one is missing. */
  #batchOf(message: NewMessage): NewMessage[] | undefined {
    const { headers } = message;
    const id = headers?.get("Nats-Batch-Id");
    if (!id) return [message];
    const batch = this.#batches.get(id) ?? [];
    this.#batches.set(id, batch);
    batch.push(message);
    if (headers!.get("Nats-Batch-Commit") !== "1") return [];
    this.#batches.delete(id);
    const number = Number(headers!.get("Nats-Batch-Sequence"));
    return number === batch.length ? batch : undefined;
  }

  #store(subject: string, hdrs: string, data: Uint8Array): object {
    const stream = this.#streamOf(subject);
    const seq = ++stream.last;
    if (stream.config.max_msgs_per_subject === 1) {
      const before = lastOf(stream, subject);
      if (before) stream.messages.delete(before.seq);
    }
    stream.messages.set(seq, { subject, hdrs, data });
    return { stream: stream.config.name, seq };
  }

  #streamOf(subject: string): FakeStream {
    for (const stream of this.streams.values()) {
      if (stream.config.subjects?.some((each) => fits(subject, each))) {
        return stream;
      }
    }
    throw new Error("no responders");
  }
}

function wrongSequence(): object {
  return failed(10071, "wrong last sequence");
}

function answer(said: object): Msg {
  const text = JSON.stringify(said);
  return { json: () => JSON.parse(text) } as Msg;
}
