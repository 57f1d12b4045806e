import { onAbort } from "../../base/abort.ts";
import { aSignal, assertOptions, checkCount } from "../../base/checks.ts";
import { hasCode, MiniError } from "../../base/errors.ts";
import { withResolvers } from "../../base/promise.ts";
import type { LoggedError } from "../ledger/entry.ts";
import type { Ledger, LedgerMessage } from "../ledger/ledger.ts";
import type { Told } from "./event.ts";
import type { EventHub, EventSource } from "./hub.ts";

/**
 * The end of a message, told apart by `state`.
 *
 * @typeParam R The result of its handler.
 *
 * @example Wait for the result, whatever it is
 * ```ts
 * import { type MessageOutcome, MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const say = (outcome: MessageOutcome | undefined) =>
 *   outcome?.state === "dead" ? outcome.reason : outcome?.state ?? "unknown";
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * const { id } = await queue.enqueue("hello");
 * const outcome = queue.outcome(id);
 * await (await queue.receive())?.deadLetter("nobody is there");
 * assertEquals([say(await outcome), say(await queue.outcome(99))], ["nobody is there", "unknown"]);
 * ```
 */
export type MessageOutcome<R = unknown> =
  | {
    /** It was acknowledged. */
    readonly state: "done";
    /** The result of its handler. */
    readonly result?: R;
    /** Why the result could not be kept. */
    readonly resultError?: MiniError;
  }
  | {
    /** It is a dead letter. */
    readonly state: "dead";
    /** Why. */
    readonly reason: string;
    /** The error that the handler of `work` threw. */
    readonly error?: LoggedError;
  }
  | {
    /** It was cancelled, or purged. */
    readonly state: "cancelled";
    /** Why; `"purged"` if all messages were purged. */
    readonly reason?: string;
  };

/** A result that is not on record, or why there is none. */
export interface GivenResult {
  readonly result?: unknown;
  readonly resultError?: MiniError;
}

/** Deliveries that are being acknowledged. */
export interface Acknowledged {
  /** Finds the result of a delivery that is not on record. */
  resultOf(delivery: Pick<LedgerMessage, "id" | "receipt">): GivenResult;
  /** Called with each. */
  onAcked: (delivery: Pick<LedgerMessage, "id" | "receipt">) => void;
}

/** A ledger that changes, and can be looked at in between. */
interface Source<T> extends EventSource<T> {
  /** Runs a task at once, or once the ledger can be read, before anything else changes it. */
  whenReadable<R>(task: (ledger: Ledger<T>) => R): Promise<R>;
}

/** Somebody who waits for what becomes of a message. */
interface Waiter<R> {
  /** The record after which the message had not ended. */
  readonly since: number;
  readonly resolve: (outcome: MessageOutcome<R> | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

/** Those who wait for what becomes of one message. */
interface Waiters<R> {
  readonly all: Set<Waiter<R>>;
  /** The result of a delivery that may have ended it. */
  result?: (GivenResult & { readonly receipt: number }) | undefined;
}

/** Tells how messages end to those who wait: one reader of the events for all of them. */
export class Outcomes<T, R> {
  readonly #hub: EventHub<T>;
  readonly #source: Source<T>;
  readonly #deliveries: Acknowledged;
  readonly #waiting = new Map<number, Waiters<R>>();
  /** Ends the reading once nobody waits. */
  #reading: AbortController | undefined;
  /** Ends the reading once all is read that is on record. */
  readonly #over = new AbortController();
  /** Resolves when nothing is read any more. */
  #read: Promise<unknown> = Promise.resolve();

  constructor(
    hub: EventHub<T>,
    source: Source<T>,
    deliveries: Acknowledged,
  ) {
    this.#hub = hub;
    this.#source = source;
    this.#deliveries = deliveries;
    deliveries.onAcked = (delivery) => this.#noteResult(delivery);
  }

  /** Notes the result of a delivery that is being acknowledged, while it is at hand. */
  #noteResult({ id, receipt }: Pick<LedgerMessage, "id" | "receipt">): void {
    const waiters = this.#waiting.get(id);
    if (waiters === undefined) return;
    waiters.result = { ...this.#deliveries.resultOf({ id, receipt }), receipt };
  }

  /** Resolves to what has become of a message, once it has ended; to `undefined` if the ledger does not know it. */
  async of(
    id: number,
    options: { readonly signal?: AbortSignal },
  ): Promise<MessageOutcome<R> | undefined> {
    checkCount("id", id);
    assertOptions("outcome()", options, { signal: aSignal });
    const { signal } = options;
    const { outcome } = await this.#source.whenReadable((ledger) => {
      signal?.throwIfAborted();
      const message = ledger.messages[id];
      return {
        outcome: message === undefined
          ? outcomeIn<R>(ledger, id)
          : this.#wait(message, signal),
      };
    });
    return await outcome;
  }

  /** Tells those who wait all that is on record, and the others that the queue was closed. */
  async end(): Promise<void> {
    this.#over.abort("closed");
    await this.#read;
  }

  #wait(
    delivery: Pick<LedgerMessage, "id" | "receipt">,
    signal: AbortSignal | undefined,
  ): Promise<MessageOutcome<R> | undefined> {
    const { promise, resolve, reject } = withResolvers<
      MessageOutcome<R> | undefined
    >();
    const { id } = delivery;
    const { sequence: since } = this.#source;
    const waiters: Waiters<R> = this.#waiting.get(id) ??
      { all: new Set() };
    const waiter = { since, resolve, reject };
    waiters.all.add(waiter);
    this.#waiting.set(id, waiters);
    // It may be being acknowledged.
    this.#noteResult(delivery);
    this.#follow();
    const letGo = onAbort(signal, () => reject(signal!.reason));
    return promise.finally(() => {
      letGo();
      this.#forget(id, waiter);
    });
  }

  #forget(id: number, waiter: Waiter<R>): void {
    const waiters = this.#waiting.get(id);
    waiters?.all.delete(waiter);
    if (waiters?.all.size === 0) this.#waiting.delete(id);
    if (this.#waiting.size > 0) return;
    this.#reading?.abort();
    this.#reading = undefined;
  }

  #follow(): void {
    if (this.#reading !== undefined) return;
    const { signal } = this.#reading = new AbortController();
    this.#read = this.#readAll(signal).catch((error) => {
      if (signal.aborted) return;
      this.#reading = undefined;
      for (const { all } of this.#waiting.values()) {
        for (const { reject } of all) reject(error);
      }
    });
  }

  async #readAll(signal: AbortSignal): Promise<void> {
    const { signal: over } = this.#over;
    for (let from = this.#source.sequence + 1;;) {
      try {
        for await (const record of this.#hub.read({ from, signal, over })) {
          for (const told of record.events) this.#settle(told);
        }
        throw new MiniError(
          "CLOSED",
          "Cannot wait for the outcome: the queue was closed",
        );
      } catch (error) {
        if (!hasCode(error, "COMPACTED")) throw error;
        from = await this.#source.whenReadable((ledger) => this.#look(ledger));
      }
    }
  }

  #settle({ event, receipt }: Told<T>): void {
    const waiters = this.#waiting.get(event.id);
    if (waiters === undefined) return;
    const { type } = event;
    if (type !== "done" && type !== "dead" && type !== "cancelled") return;
    const isNoted = type === "done" && event.result === undefined &&
      waiters.result?.receipt === receipt;
    const given = isNoted ? waiters.result : undefined;
    for (const { since, resolve } of waiters.all) {
      if (event.seq > since) resolve(outcomeOf({ ...event, ...given }));
    }
  }

  /** Finds out how each message has ended, where the events since are not known. Returns the next record. */
  #look(ledger: Ledger<T>): number {
    for (const [id, { all }] of this.#waiting) {
      if (ledger.messages[id] !== undefined) continue;
      for (const { resolve } of all) resolve(outcomeIn(ledger, id));
    }
    return this.#source.sequence + 1;
  }
}

/** The outcome of a message that has ended, if the ledger knows it. */
function outcomeIn<R>(
  { dead, finished }: Ledger,
  id: number,
): MessageOutcome<R> | undefined {
  const letter = dead[id];
  if (letter !== undefined) return outcomeOf({ ...letter, type: "dead" });
  const kept = finished?.[id];
  if (kept === undefined) return undefined;
  return outcomeOf({ ...kept, type: kept.as === "acked" ? "done" : kept.as });
}

/** An outcome of one's own. */
function outcomeOf<R>(
  { type, result, resultError, reason, error }: GivenResult & {
    readonly type: MessageOutcome["state"];
    readonly reason?: string | undefined;
    readonly error?: LoggedError | undefined;
  },
): MessageOutcome<R> {
  return {
    state: type,
    ...(result !== undefined && { result: structuredClone(result) }),
    ...(resultError !== undefined && { resultError }),
    ...(reason !== undefined && { reason }),
    ...(error !== undefined && { error: structuredClone(error) }),
  } as MessageOutcome<R>;
}
