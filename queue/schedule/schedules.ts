import { hasCode } from "../../base/errors.ts";
import { Mutex } from "../../base/mutex.ts";
import { messageOf } from "../../base/reason.ts";
import { EARLIEST_MS } from "../../fs/system.ts";
import { LOOK_EVERY_MS } from "../clock.ts";
import type { Fired } from "../ledger/entry.ts";
import { dateOf, recordOf } from "./record.ts";
import type { LedgerLog } from "../ledger_log.ts";
import type { CheckedOptions, MessageInput } from "../options.ts";
import type { Producer } from "../producer.ts";
import { type Source, whileWaiting } from "../source.ts";
import { enqueueTold } from "../telemetry/told.ts";
import type { ScheduleOptions, ScheduleStatus } from "./options.ts";
import { changesOf, Plan, type Times } from "./plan.ts";

/** The most characters of messages in one entry, or one message. */
const MAX_ENTRY_CHARS = 1024 * 1024;

/** Enqueues messages by the clock, while somebody receives or works: also while all workers are busy, as what is due then may have to be passed over. */
export class Schedules<T, M> implements Source {
  readonly #log: LedgerLog<T, M>;
  readonly #producer: Producer<T, M>;
  readonly #options: CheckedOptions<T>;
  readonly #plans: readonly Plan<T>[];
  readonly #mutex = new Mutex();
  /** The last complaint, until a look succeeds. */
  #trouble: string | undefined;
  #isEnded = false;
  #next = -Infinity;
  readonly wait: () => () => void = whileWaiting((signal) => this.#run(signal));

  constructor(
    schedules: Readonly<Record<string, ScheduleOptions<T>>>,
    { log, producer, options }: {
      readonly log: LedgerLog<T, M>;
      readonly producer: Producer<T, M>;
      readonly options: CheckedOptions<T>;
    },
  ) {
    this.#log = log;
    this.#producer = producer;
    this.#options = options;
    this.#plans = Object.entries(schedules).map(([name, schedule]) => {
      const { payload, priority, group, headers } = schedule;
      const message = producer.constant({
        payload,
        ...(priority !== undefined && { priority }),
        ...(group !== undefined && { group }),
        ...(headers !== undefined && { headers }),
      }, `enqueue the messages of the schedule "${name}"`);
      return new Plan(name, schedule, message, options.onError);
    });
  }

  get next(): number {
    return this.#next;
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }

  /** Logs which schedules are new, and which are gone. */
  async open(): Promise<void> {
    await this.#attempt(() => this.#note());
  }

  async look(): Promise<void> {
    const isFine = await this.#attempt(async () => {
      await this.#note();
      await this.#fire();
      this.#next = this.#now() + await this.#untilNextMs();
    });
    if (!isFine) this.#next = this.#now() + LOOK_EVERY_MS;
  }

  end(): Promise<void> {
    this.#isEnded = true;
    return this.#mutex.run(() => {});
  }

  /** Runs a task that logs something. Returns whether it succeeded. */
  #attempt(task: () => Promise<void>): Promise<boolean> {
    return this.#mutex.run(async () => {
      if (this.#isEnded || this.#log.failure !== undefined) return false;
      try {
        await task();
        this.#trouble = undefined;
        return true;
      } catch (error) {
        this.#complain(error);
        return false;
      }
    });
  }

  /** Logs what is new about the schedules themselves. */
  async #note(): Promise<void> {
    const ledger = await this.#log.readable();
    const schedule = [...changesOf(ledger, this.#plans, this.#times())];
    if (schedule.length > 0) await this.#log.enter({ schedule }, true);
  }

  /** Fires what is due. One record holds that an occurrence has fired, and its message. */
  async #fire(): Promise<void> {
    const index = await this.#log.readyIndex();
    const ledger = await this.#log.readable();
    const times = this.#times();
    const due = this.#plans.flatMap((plan) => {
      const { name, message } = plan;
      const state = plan.stateIn(ledger);
      const now = times[plan.clock];
      if (state === undefined || now === undefined) return [];
      const isBusy = () => index.scheduled(name) > 0;
      return plan.decide(state, now, isBusy)
        .map(({ fires, ...decision }) => ({
          fired: { name, ...decision },
          ...(fires && { message }),
        }));
    });
    const messages = due.flatMap(({ message }) => message ?? []);
    const enter = async (messages: readonly MessageInput<T>[]) => {
      const rest = messages.values();
      const fired = due.map(({ fired, message }): Fired<T> => ({
        ...fired,
        ...(message && {
          message: this.#producer.newMessage(rest.next().value!),
        }),
      }));
      for (const fire of inEntries(fired)) {
        const isDurable = fire.some(({ message }) => message !== undefined);
        await this.#log.enter({ fire }, isDurable);
      }
      return fired.flatMap(({ message }) => message ?? []);
    };
    if (messages.length === 0) await enter(messages);
    else await enqueueTold(this.#log.about, "schedule", messages, enter);
  }

  #times(): Times {
    const wall = Math.floor(this.#options.clock.wall());
    const queue = Math.round(this.#log.now());
    return { wall: wall < EARLIEST_MS ? undefined : wall, queue };
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        await this.look();
        await this.#options.clock.sleep(
          Math.max(0, this.#next - this.#now()),
          signal,
        );
      }
    } catch (error) {
      this.#complain(error);
    }
  }

  /** How long until something may be due, in milliseconds. */
  async #untilNextMs(): Promise<number> {
    const ledger = await this.#log.readable();
    const times = this.#times();
    let untilMs = LOOK_EVERY_MS;
    for (const plan of this.#plans) {
      const state = plan.stateIn(ledger);
      const now = times[plan.clock];
      if (state === undefined || now === undefined) continue;
      untilMs = Math.min(untilMs, plan.nextAt(state, now) - now);
    }
    return Math.max(0, Math.ceil(untilMs));
  }

  /** Why schedules fire no more. */
  get stopped(): readonly Error[] {
    return this.#plans.flatMap(({ failure }) => failure ?? []);
  }

  /** The status of each schedule. */
  async status(): Promise<ScheduleStatus[]> {
    const ledger = await this.#log.readable();
    const times = this.#times();
    return this.#plans.map((plan): ScheduleStatus => {
      const { name, clock } = plan;
      const state = plan.stateIn(ledger);
      if (state === undefined) {
        return { name, next: undefined, last: undefined, missed: 0 };
      }
      const at = plan.nextAt(state, times[clock] ?? 0);
      return {
        ...recordOf(ledger, state),
        next: at < Infinity ? dateOf(ledger, state, at) : undefined,
        ...(plan.failure && { failure: plan.failure }),
      };
    });
  }

  /** Tells why nothing can be fired for now, unless that was told. */
  #complain(error: unknown): void {
    const message = messageOf(error);
    const isEnd = hasCode(error, "CLOSED");
    if (isEnd || this.#trouble === message) return;
    this.#trouble = message;
    this.#options.onError(error);
  }
}

/** The same, in entries that are not too long. */
function* inEntries<T>(
  all: readonly Fired<T>[],
): Generator<Fired<T>[], void, undefined> {
  let entry: Fired<T>[] = [];
  let chars = 0;
  for (const one of all) {
    const length = JSON.stringify(one).length;
    if (entry.length > 0 && chars + length > MAX_ENTRY_CHARS) {
      yield entry;
      entry = [];
      chars = 0;
    }
    entry.push(one);
    chars += length;
  }
  if (entry.length > 0) yield entry;
}
