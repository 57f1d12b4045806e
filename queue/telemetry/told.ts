import { quietly } from "../../base/telemetry/tracing.ts";
import type { LedgerHost } from "../ledger_host.ts";
import { headersOf, type MessageInput } from "../options.ts";
import {
  ENQUEUE,
  type EnqueueMessage,
  type OutgoingMessage,
  SETTLE,
  type SettleMessage,
  type ToldDelivery,
  type ToldQueue,
  type ToldSettlement,
} from "./messages.ts";

/** The parts of a message that tell which queue it is about. */
export function toldQueue(
  { journalPath, logId }: Pick<
    LedgerHost<unknown, unknown>,
    "journalPath" | "logId"
  >,
  name?: string,
): ToldQueue {
  return {
    ...(journalPath !== undefined && { path: journalPath }),
    ...(logId !== undefined && { logId }),
    ...(name !== undefined && { name }),
  };
}

/** The parts of a message that tell a delivery. */
export function toldDelivery({ id, attempts, headers }: {
  readonly id: number;
  readonly attempts: number;
  readonly headers: Readonly<Record<string, string>>;
}): ToldDelivery {
  return { id, attempt: attempts, headers: { ...headers } };
}

/** Gives the message to enqueue. From here on it does not change. */
let seal: <T>(message: Outgoing<T>) => MessageInput<T>;

/** A message that is being enqueued while somebody listens. None of its members gives its payload. */
class Outgoing<T> implements OutgoingMessage {
  readonly #input: MessageInput<T>;
  /** Its headers, if those that it was given are headers. */
  #headers: Readonly<Record<string, string>> | undefined;
  #isChanged = false;
  #isSealed = false;
  id?: number;

  static {
    seal = (message) => message.#seal();
  }

  constructor(input: MessageInput<T>) {
    this.#input = input;
    this.#headers = headersOf(input);
  }

  get headers(): Readonly<Record<string, string>> | undefined {
    return this.#headers;
  }

  setHeader(name: string, value: string): void {
    if (this.#isSealed) {
      throw new TypeError(
        `Cannot set the header "${name}": only a subscriber of start may, before the message is enqueued`,
      );
    }
    if (typeof name !== "string" || typeof value !== "string") {
      throw new TypeError("the name and the value of a header must be strings");
    }
    this.#headers = { ...this.#headers, [name]: value };
    this.#isChanged = true;
  }

  #seal(): MessageInput<T> {
    this.#isSealed = true;
    // One with other flaws stays as it is, to be refused for them.
    return this.#isChanged && headersOf(this.#input, {}) !== undefined
      ? { ...this.#input, headers: this.#headers! }
      : this.#input;
  }
}

/** Enqueues messages, and tells of it. What is enqueued may have other headers. */
export function enqueueTold<T, R extends { readonly id: number }>(
  about: ToldQueue,
  by: EnqueueMessage["by"],
  given: readonly MessageInput<T>[],
  run: (messages: readonly MessageInput<T>[]) => Promise<R[]>,
): Promise<R[]> {
  // What is no array is refused.
  if (!ENQUEUE.isObserved || !Array.isArray(given)) return run(given);
  const messages = given.map((message: MessageInput<T>) =>
    new Outgoing(message)
  );
  // A subscriber may change the list that it is given.
  const list = [...messages];
  return ENQUEUE.run(
    () => ({ ...about, by, messages: list }),
    () => run(messages.map(seal)),
    (_, enqueued) => {
      enqueued.forEach(({ id }, index) => quietly(setId, messages[index]!, id));
    },
  );
}

function setId(message: { id?: number }, id: number): void {
  message.id = id;
}

/** Makes the mutation that enqueues a message, and tells of it. */
export function mutationTold<T, M>(
  about: ToldQueue,
  given: MessageInput<T>,
  make: (message: MessageInput<T>) => { id: number; mutation: M },
): M {
  if (!ENQUEUE.isObserved) return make(given).mutation;
  const message = new Outgoing(given);
  const messages = [message];
  return ENQUEUE.runSync(() => ({ ...about, by: "mutation", messages }), () => {
    const { id, mutation } = make(seal(message));
    quietly(setId, message, id);
    return mutation;
  });
}

/** Settles deliveries, and tells of it. */
export function settleTold<R>(
  about: ToldQueue,
  { by, durable, settlements }: Pick<
    SettleMessage,
    "by" | "durable" | "settlements"
  >,
  run: () => Promise<R>,
  complete?: (message: SettleMessage, result: R) => void,
): Promise<R> {
  return SETTLE.run(
    () => ({ ...about, by, durable, settlements: settlements.map(ended) }),
    run,
    complete,
  );
}

/** Makes the mutation that acknowledges a delivery, and tells of it. */
export function ackTold<M>(about: ToldQueue, id: number, make: () => M): M {
  return SETTLE.runSync(() => {
    const settlements = [{ id, as: "acked" }] as const;
    return { ...about, by: "mutation", durable: false, settlements };
  }, make);
}

function ended({ id, as }: ToldSettlement): ToldSettlement {
  return { id, as };
}
