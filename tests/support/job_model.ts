import type { KeepLimits, QueueStats } from "@mini/state/queue";

export const MAX_ATTEMPTS = 3;
/** For how long a key keeps out other messages. */
export const WINDOW_MS = 2_000;

export interface Policy {
  readonly keepFinished?: KeepLimits;
  readonly keepDead?: Omit<KeepLimits, "bytes">;
}

export interface Input {
  readonly payload: string;
  readonly priority?: number;
  readonly group?: string;
  readonly delayMs?: number;
  /** In milliseconds from the wall clock as it is set. */
  readonly inMs?: number;
  readonly dedupeKey?: string;
  readonly headers?: Record<string, string>;
}

/** A command; `n` picks one of those that it can concern. */
export type Command =
  | { readonly do: "enqueue"; readonly input: Input }
  | { readonly do: "receive" | "pause" | "resume" | "purge all" }
  | { readonly do: "ack"; readonly n: number; readonly result?: number }
  | { readonly do: "nack"; readonly n: number; readonly delayMs: number }
  | {
    readonly do: "deadLetter" | "cancel" | "purge one";
    readonly n: number;
  }
  | {
    readonly do: "update";
    readonly n: number;
    readonly changes: {
      payload?: string;
      delayMs?: number;
      priority?: number;
    };
  }
  | {
    readonly do: "redrive";
    readonly which: "one" | "ids" | "filter" | "all";
    readonly n: number;
    readonly perSecond?: number;
  }
  | { readonly do: "wait" | "set the wall clock"; readonly ms: number }
  | {
    readonly do: "reopen";
    readonly policy: Policy;
    readonly compact: boolean;
  };

export interface Job {
  readonly id: number;
  readonly at: number;
  readonly group?: string | undefined;
  readonly headers?: Record<string, string> | undefined;
  payload: string;
  priority: number;
  order: number;
  due: number;
  when?: number | undefined;
  attempts: number;
  state: "waiting" | "inFlight" | "dead" | "done" | "cancelled" | "gone";
  endedAt: number;
  result?: number | undefined;
}

/** A queue as one would explain it: a list, and rules. */
export class Model {
  jobs: Job[] = [];
  keys: { key: string; id: number; until: number }[] = [];
  policy: Policy = {};
  isPaused = false;
  #orders = 0;

  constructor(public now: number, public wall: number) {}

  in(...states: Job["state"][]): Job[] {
    return this.jobs.filter(({ state }) => states.includes(state));
  }

  holderOf(key: string | undefined): number | undefined {
    return this.keys.find((each) => each.key === key && each.until > this.now)
      ?.id;
  }

  enqueue(id: number, input: Input): void {
    const { payload, priority = 0, group, delayMs = 0, inMs } = input;
    const { dedupeKey: key, headers } = input;
    if (key !== undefined) {
      this.keys.push({ key, id, until: this.now + WINDOW_MS });
    }
    this.jobs.push({
      id,
      at: this.now,
      group,
      headers,
      payload,
      priority,
      order: this.#orders++,
      due: this.now + delayMs,
      when: inMs === undefined ? undefined : this.wall + inMs,
      attempts: 0,
      state: "waiting",
      endedAt: 0,
    });
  }

  delayOf({ due, when }: Job): number {
    return Math.max(
      0,
      when === undefined ? due - this.now : when - this.wall,
    );
  }

  isBlocked({ group, order }: Job): boolean {
    return group !== undefined &&
      this.in("waiting", "inFlight").some((other) =>
        other.group === group && other.order < order
      );
  }

  #order = (a: Job, b: Job): number =>
    this.delayOf(a) - this.delayOf(b) || b.priority - a.priority ||
    a.order - b.order;

  receive(): Job | undefined {
    if (this.isPaused) return undefined;
    const [next] = this.in("waiting")
      .filter((job) => !this.isBlocked(job) && this.delayOf(job) === 0)
      .sort(this.#order);
    if (next === undefined) return undefined;
    next.state = "inFlight";
    next.attempts++;
    next.when = undefined;
    return next;
  }

  /** In which order they will be delivered; nobody overtakes within a group. */
  peek(): number[] {
    let rest = this.in("waiting", "inFlight");
    const ids: number[] = [];
    while (rest.length > 0) {
      const [next] = rest.filter(({ group, order }) =>
        group === undefined ||
        !rest.some((other) => other.group === group && other.order < order)
      ).sort(this.#order);
      if (next!.state === "waiting") ids.push(next!.id);
      rest = rest.filter((job) => job !== next);
    }
    return ids;
  }

  end(job: Job, state: "done" | "cancelled" | "dead", result?: number): void {
    const isLost = state !== "dead" && this.policy.keepFinished === undefined;
    Object.assign(job, {
      state: isLost ? "gone" : state,
      endedAt: this.now,
      result,
    });
  }

  giveBack(job: Job, delayMs: number): void {
    if (job.attempts >= MAX_ATTEMPTS) return this.end(job, "dead");
    Object.assign(job, { state: "waiting", due: this.now + delayMs });
  }

  redrive(job: Job, afterMs: number): void {
    job.state = "waiting";
    job.order = this.#orders++;
    job.due = this.now + afterMs;
    job.attempts = 0;
  }

  purge(): void {
    for (const job of this.jobs) job.state = "gone";
    this.keys = [];
  }

  trim(): void {
    const { keepFinished = { count: 0 }, keepDead = {} } = this.policy;
    this.#trim(this.in("done", "cancelled"), keepFinished);
    this.#trim(this.in("dead"), keepDead);
  }

  #trim(ended: Job[], limits: KeepLimits): void {
    const { count = Infinity, bytes = Infinity, ageMs = Infinity } = limits;
    ended.sort((a, b) => a.endedAt - b.endedAt || a.id - b.id);
    const sum = () => ended.reduce((total, job) => total + sizeOf(job), 0);
    while (
      ended.length > count || sum() > bytes ||
      ended.some(({ endedAt }) => endedAt + ageMs <= this.now)
    ) ended.shift()!.state = "gone";
  }

  stats(): QueueStats {
    const waiting = this.in("waiting");
    const first = waiting.filter((job) => !this.isBlocked(job));
    const delayed = first.filter((job) => this.delayOf(job) > 0).length;
    return {
      ready: first.length - delayed,
      blocked: waiting.length - first.length,
      delayed,
      inFlight: this.in("inFlight").length,
      dead: this.in("dead").length,
      paused: this.isPaused,
    };
  }

  stateOf(job: Job): string | undefined {
    if (job.state === "gone") return undefined;
    if (job.state !== "waiting") return job.state;
    if (this.isBlocked(job)) return "blocked";
    return this.delayOf(job) > 0 ? "delayed" : "ready";
  }
}

/** The size of a finished message, in characters of JSON. */
function sizeOf(job: Job): number {
  const { id, at, endedAt, attempts, payload, priority } = job;
  const { group, headers, result, state } = job;
  const as = state === "done" ? "acked" : state;
  return JSON.stringify({
    ...{ id, as, at, endedAt, attempts, payload, priority },
    ...{ group, headers, result },
  }).length;
}
