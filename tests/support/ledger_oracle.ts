// A ledger as docs/FORMAT.md explains it: lists, searched from end to end.
import type { KeepPolicy, MessageStatus, QueueStats } from "@mini/state/queue";

export interface OracleMessage {
  readonly id: number;
  readonly at: number;
  readonly group?: string;
  readonly headers?: Record<string, string>;
  payload: unknown;
  priority: number;
  order: number;
  due: number;
  when?: number | undefined;
  attempts: number;
  receipt: number;
  reason?: string | undefined;
  progress?: unknown;
  result?: unknown;
  state: "waiting" | "inFlight" | "dead" | "done" | "cancelled";
  endedAt: number;
}

export type NewOracleMessage =
  & Pick<OracleMessage, "id" | "payload" | "group" | "headers" | "when">
  & {
    readonly priority?: number;
    readonly due?: number;
    readonly dedupe?: { readonly key: string; readonly until: number };
  };

export class LedgerOracle {
  /** Those that the ledger knows. */
  messages: OracleMessage[] = [];
  keys: { readonly key: string; readonly until: number }[] = [];
  policy: KeepPolicy = {};
  isPaused = false;
  nextId = 1;
  at = 0;
  #orders = 0;

  /** An entry: what it does, and then the limits. */
  enter(at: number, change: () => void): void {
    this.at = Math.max(this.at, at);
    this.keys = this.keys.filter(({ until }) => until > this.at);
    change();
    this.#trim();
  }

  find(id: number): OracleMessage | undefined {
    return this.messages.find((message) => message.id === id);
  }

  in(...states: OracleMessage["state"][]): OracleMessage[] {
    return this.messages.filter(({ state }) => states.includes(state));
  }

  enqueue({ dedupe, ...message }: NewOracleMessage): void {
    if (this.find(message.id) !== undefined) return;
    this.nextId = Math.max(this.nextId, message.id + 1);
    if (dedupe !== undefined) {
      if (this.keys.some(({ key }) => key === dedupe.key)) return;
      if (dedupe.until > this.at) this.keys.push(dedupe);
    }
    this.messages.push({
      priority: 0,
      due: 0,
      ...message,
      at: this.at,
      order: this.#orders++,
      attempts: 0,
      receipt: 0,
      state: "waiting",
      endedAt: 0,
    });
  }

  deliver(message: OracleMessage): void {
    message.state = "inFlight";
    message.attempts++;
    message.receipt++;
    message.when = undefined;
  }

  retry(message: OracleMessage, due: number, isRefund: boolean): void {
    message.state = "waiting";
    message.due = due;
    if (isRefund) message.attempts--;
  }

  end(message: OracleMessage, as: "done" | "cancelled" | "dead"): void {
    message.state = as;
    message.endedAt = this.at;
  }

  redrive(message: OracleMessage, due: number): void {
    message.state = "waiting";
    message.due = due;
    message.attempts = 0;
    message.reason = undefined;
    message.order = this.#orders++;
  }

  purge(): void {
    this.messages = [];
    this.keys = [];
  }

  /** Removes what is beyond the limits, the first that ended first. */
  #trim(): void {
    const { finished = { count: 0 }, dead = {} } = this.policy;
    this.#trimTo(finished, "done", "cancelled");
    this.#trimTo(dead, "dead");
  }

  #trimTo(
    { count = Infinity, bytes = Infinity, ageMs = Infinity }: {
      count?: number;
      bytes?: number;
      ageMs?: number;
    },
    ...states: OracleMessage["state"][]
  ): void {
    const kept = this.in(...states)
      .sort((a, b) => a.endedAt - b.endedAt || a.id - b.id);
    const sizeOf = () =>
      kept.reduce((sum, message) => sum + sizeInLedger(message), 0);
    while (
      kept.length > 0 &&
      (kept.length > count || sizeOf() > bytes ||
        kept[0]!.endedAt + ageMs <= this.at)
    ) {
      const { id } = kept.shift()!;
      this.messages = this.messages.filter((message) => message.id !== id);
    }
  }

  #isBlocked({ group, order }: OracleMessage): boolean {
    return group !== undefined &&
      this.in("waiting", "inFlight").some((other) =>
        other.group === group && other.order < order
      );
  }

  /** The message that the next consumer gets. */
  next(now: number): OracleMessage | undefined {
    return this.in("waiting")
      .filter((message) =>
        delayOf(message, now) === 0 && !this.#isBlocked(message)
      )
      .sort((a, b) => b.priority - a.priority || a.order - b.order)[0];
  }

  /** The ids of those that wait, in the order of delivery: each group in order, and those in flight lead theirs. */
  order(now: number): number[] {
    const left = this.in("waiting", "inFlight");
    const ids: number[] = [];
    while (left.length > 0) {
      const [first] = left
        .filter((message) =>
          message.group === undefined ||
          !left.some((other) =>
            other.group === message.group && other.order < message.order
          )
        )
        .sort((a, b) =>
          delayOf(a, now) - delayOf(b, now) || b.priority - a.priority ||
          a.order - b.order
        );
      left.splice(left.indexOf(first!), 1);
      if (first!.state === "waiting") ids.push(first!.id);
    }
    return ids;
  }

  stats(now: number): QueueStats {
    const waiting = this.in("waiting");
    const first = waiting.filter((message) => !this.#isBlocked(message));
    const delayed = first.filter((message) => delayOf(message, now) > 0).length;
    return {
      ready: first.length - delayed,
      blocked: waiting.length - first.length,
      delayed,
      inFlight: this.in("inFlight").length,
      dead: this.in("dead").length,
      paused: this.isPaused,
    };
  }

  /** The status that `get` shows, where the wall clock shows queue time. */
  status(id: number, now: number): MessageStatus | undefined {
    const message = this.find(id);
    if (message === undefined) return undefined;
    const { payload, at, priority, group, attempts } = message;
    const { headers, progress, reason, result, state } = message;
    const info = {
      id,
      payload,
      enqueuedAt: new Date(at),
      priority,
      ...(group !== undefined && { group }),
      attempts,
      ...(headers !== undefined && { headers }),
      ...(progress !== undefined && { progress }),
    };
    const endedAt = new Date(message.endedAt);
    const failure = reason === undefined ? {} : { lastFailure: reason };
    switch (state) {
      case "waiting": {
        const delayMs = delayOf(message, now);
        const free = delayMs > 0 ? "delayed" : "ready";
        const waiting = this.#isBlocked(message) ? "blocked" : free;
        return { ...info, state: waiting, delayMs, ...failure };
      }
      case "inFlight":
        return { ...info, state, ...failure };
      case "dead":
        return { ...info, state, reason: reason!, diedAt: endedAt };
      case "done":
        return {
          ...info,
          state,
          endedAt,
          ...(result !== undefined && { result }),
        };
      case "cancelled":
        return {
          ...info,
          state,
          endedAt,
          ...(reason !== undefined && { reason }),
        };
    }
  }
}

function delayOf({ due, when = due }: OracleMessage, now: number): number {
  return Math.max(0, when - now);
}

/** The characters of JSON of a finished message. */
function sizeInLedger(message: OracleMessage): number {
  const { id, state, at, endedAt, attempts, payload, priority } = message;
  const { group, headers, progress, result, reason } = message;
  return JSON.stringify({
    id,
    as: state === "done" ? "acked" : "cancelled",
    at,
    endedAt,
    attempts,
    payload,
    priority,
    group,
    headers,
    progress,
    result,
    reason: state === "cancelled" ? reason : undefined,
  }).length;
}
