import { messageOf } from "../../base/reason.ts";
import { decidedTo, scheduleIn } from "../ledger/schedules.ts";
import type { ScheduleChange } from "../ledger/entry.ts";
import type { Ledger, ScheduleState } from "../ledger/ledger.ts";
import type { MessageInput } from "../options.ts";
import { decide, type Decision, mayFire } from "./decide.ts";
import {
  dueBetween,
  type Next,
  nextEvery,
  nextOf,
  unfired,
} from "./occurrences.ts";
import type { ScheduleOptions } from "./options.ts";

/** A schedule continues from now if the wall clock has gone back further than this. */
const MAX_BACK_MS = 24 * 60 * 60 * 1_000;

/** The times by both clocks; `undefined` for a wall clock that was never set. */
export type Times = Readonly<Record<"wall" | "queue", number | undefined>>;

/** Which occurrences of a schedule fire, and when. Stops at the first failure of `nextRun`. */
export class Plan<T> {
  readonly name: string;
  readonly message: MessageInput<T>;
  /** The clock of the schedule. */
  readonly clock: "wall" | "queue";
  readonly #onFailure: (error: Error) => void;
  readonly #missed: "once" | "skip" | "all";
  readonly #overlap: "skip" | "allow";
  readonly #nextIn: (state: ScheduleState) => Next;
  /** The first occurrence after `from`, as computed last. */
  #first: { readonly from: number; readonly at: number } | undefined;
  /** Why the schedule has stopped. */
  failure: Error | undefined;

  constructor(
    name: string,
    { when, everyMs = 0, missed = "once", overlap = "skip" }: Omit<
      ScheduleOptions<T>,
      "payload"
    >,
    message: MessageInput<T>,
    onFailure: (error: Error) => void,
  ) {
    this.name = name;
    this.message = message;
    this.#onFailure = onFailure;
    this.#missed = missed;
    this.#overlap = overlap;
    if (when === undefined) {
      this.clock = "queue";
      this.#nextIn = ({ since }) => nextEvery(everyMs, since);
    } else {
      this.clock = "wall";
      const next = nextOf(when);
      this.#nextIn = (state) => unfired(next, state);
    }
  }

  /** The schedule, as it is on record. */
  stateIn(ledger: Pick<Ledger, "schedules">): ScheduleState | undefined {
    const state = scheduleIn(ledger, this.name);
    return state?.clock === this.clock ? state : undefined;
  }

  /** The first occurrence that is not decided; `Infinity` if there is none. */
  nextAt(state: ScheduleState, now: number): number {
    const from = decidedTo(state, now);
    if (this.#first?.from !== from) {
      const at = this.#guarded(() => this.#nextIn(state)(from)) ?? Infinity;
      this.#first = { from, at };
    }
    return this.failure === undefined ? this.#first.at : Infinity;
  }

  /**
   * Decides what becomes of the occurrences that are due.
   *
   * @param isBusy Whether a message of an earlier one waits or is in flight.
   */
  decide(
    state: ScheduleState,
    now: number,
    isBusy: () => boolean,
  ): readonly Decision[] {
    if (this.nextAt(state, now) > now) return [];
    const from = decidedTo(state, now);
    const max = mayFire(this.#missed);
    const due = this.#guarded(() =>
      dueBetween(this.#nextIn(state), from, now, max)
    );
    if (due === undefined) return [];
    const isInTheWay = this.#overlap === "skip" && isBusy();
    return decide(due, now, this.#missed, isInTheWay);
  }

  /** The answer of a task that asks `nextRun`; nothing if that fails. */
  #guarded<R>(task: () => R): R | undefined {
    try {
      return task();
    } catch (cause) {
      this.failure = new Error(
        `The schedule "${this.name}" has stopped until the queue is opened again: ${
          messageOf(cause)
        }`,
        { cause },
      );
      this.#onFailure(this.failure);
      return undefined;
    }
  }
}

/** The changes of the schedules themselves that are to be logged. */
export function* changesOf<T>(
  ledger: Pick<Ledger, "schedules">,
  plans: readonly Plan<T>[],
  times: Times,
): Generator<ScheduleChange, void, undefined> {
  const known = new Set(plans.map((plan) => plan.stateIn(ledger)));
  for (const state of ledger.schedules ?? []) {
    // By another clock, the times on record mean nothing.
    if (!known.has(state)) yield { name: state.name, gone: true };
  }
  for (const plan of plans) {
    const { name, clock } = plan;
    const now = times[clock];
    if (now === undefined) continue;
    const state = plan.stateIn(ledger);
    const isNew = state === undefined ||
      now < decidedTo(state, now) - MAX_BACK_MS;
    if (isNew) yield { name, clock, since: now };
  }
}
