import { EARLIEST_MS, uptimeMs } from "../fs/system.ts";
import { pause } from "../base/deadline.ts";
import { isPromise } from "../base/promise.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { Moment } from "./ledger/ready_index.ts";

/**
 * The clocks of a queue: a seam for tests.
 *
 * @example A clock that tests set
 * ```ts
 * import { type Clock, MiniQueue, systemClock } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * let now = 0;
 * const clock: Clock = {
 *   ...systemClock,
 *   monotonic: () => now,
 *   uptime: () => now,
 * };
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir(), { clock });
 * await queue.enqueue("in an hour", { delayMs: 3_600_000 });
 * assertEquals(await queue.receive(), undefined);
 * now += 3_600_000;
 * assertEquals((await queue.receive())?.payload, "in an hour");
 * ```
 */
export interface Clock {
  /** The wall clock: milliseconds since 1970. May jump, and may be wrong. */
  wall(): number;
  /** The monotonic clock: milliseconds since some moment. Never goes back; may stop while the machine is suspended. */
  monotonic(): number;
  /**
   * Milliseconds since some moment, suspends included; `undefined` if unknown.
   * Tells a suspend, which counts as time, from a jump of the wall clock, which
   * does not. Without it neither counts while the queue is open: a suspend
   * lengthens delays and deduplication windows.
   */
  uptime?(): number | undefined;
  /** Resolves after `ms` milliseconds, or once the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * The clocks of the machine. Under Deno `uptime` needs `--allow-sys=osUptime`;
 * it never prompts for the permission.
 */
export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  uptime: uptimeMs,
  sleep(ms, signal) {
    if (signal.aborted) return Promise.resolve();
    return pause(ms, signal).catch(() => {});
  },
};

/** The same clock. A value that no clock gives throws, before it is logged or makes a caller wait without end. */
export function checkedClock(clock: Clock): Clock {
  const finite = (name: string, ms: number) => {
    if (Number.isFinite(ms)) return ms;
    throw new TypeError(
      `clock.${name}() must return a finite number, not ${String(ms)}`,
    );
  };
  const monotonic = () => finite("monotonic", clock.monotonic());
  return {
    wall: () => finite("wall", clock.wall()),
    monotonic,
    uptime: () => clock.uptime?.(),
    async sleep(ms, signal) {
      const until = monotonic() + ms;
      const slept = clock.sleep(ms, signal);
      if (!isPromise(slept)) {
        throw new TypeError("clock.sleep() must return a promise");
      }
      await slept;
      if (signal.aborted || monotonic() >= until) return;
      // A clock that keeps waking its caller early must not starve everything else.
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

/** Drift is recorded once it has changed by this much. */
const DRIFT_STEP_MS = 1_000;

/** Without a suspend, clocks that count whole seconds differ by less. */
const SUSPEND_STEP_MS = 2_000;

/** How often to look at clocks that may jump, as the wall clock does, or count a suspend. */
export const LOOK_EVERY_MS = 10_000;

/**
 * The time of a queue, which counts delays and deduplication windows. It
 * continues from the last entry of the ledger with the monotonic clock, and
 * counts suspends. The wall clock tells only how long the queue was closed, and
 * only if it is credible: it was set then, and has not gone back since.
 */
export class QueueTime {
  readonly #clock: Clock;
  #offset: number;
  /** The clocks at the last look for a suspend. */
  #looked: { readonly wall: number; readonly monotonic: number };
  /** The uptime minus the monotonic clock at that time. */
  #lead: number | undefined;

  constructor(clock: Clock, ledger: Pick<Ledger, "at" | "drift">) {
    this.#clock = clock;
    const [wall, monotonic] = [clock.wall(), clock.monotonic()];
    this.#offset = start(wall, ledger) - monotonic;
    this.#looked = { wall, monotonic };
    this.#lead = this.#leadAt(monotonic);
  }

  /** In milliseconds. */
  now(): number {
    return this.#look().now;
  }

  /** The same, and the wall clock minus it. */
  moment(): Moment {
    const { now, wall } = this.#look();
    return { now, drift: driftBetween(wall, now) };
  }

  #look(): { readonly now: number; readonly wall: number } {
    const [wall, monotonic] = [this.#clock.wall(), this.#clock.monotonic()];
    const passed = monotonic - this.#looked.monotonic;
    const jumped = Math.abs(wall - this.#looked.wall - passed);
    // Reading the uptime is a system call; reading the other two is cheap.
    if (jumped >= DRIFT_STEP_MS || passed >= LOOK_EVERY_MS) {
      this.#looked = { wall, monotonic };
      this.#countSuspend(monotonic);
    }
    return { now: monotonic + this.#offset, wall };
  }

  #countSuspend(monotonic: number): void {
    const lead = this.#leadAt(monotonic);
    if (lead === undefined) return;
    const suspendedMs = lead - (this.#lead ??= lead);
    if (suspendedMs < SUSPEND_STEP_MS) return;
    this.#offset += suspendedMs;
    this.#lead = lead;
  }

  #leadAt(monotonic: number): number | undefined {
    const uptime = this.#clock.uptime?.();
    return Number.isFinite(uptime) ? uptime! - monotonic : undefined;
  }

  /** How often to look at this clock when waiting for a time: timers stop during a suspend. */
  get lookEveryMs(): number {
    return this.#lead === undefined ? Infinity : LOOK_EVERY_MS;
  }

  /** The time fields of an entry, given the recorded drift. */
  stamp(recorded: number = Infinity): { at: number; drift?: number } {
    const { now, wall } = this.#look();
    const at = Math.round(now);
    const drift = driftBetween(wall, at);
    const isOnRecord = Math.abs(drift - recorded) < DRIFT_STEP_MS;
    return isOnRecord ? { at } : { at, drift };
  }
}

/** The wall clock minus the queue time, in milliseconds. */
function driftBetween(wall: number, now: number): number {
  // JSON does not keep the sign of -0.
  return Math.round(wall - now) + 0;
}

/** The queue time at opening. */
function start(
  wall: number,
  { at, drift }: Pick<Ledger, "at" | "drift">,
): number {
  if (at === 0) return Math.max(wall, 1);
  const last = at + drift;
  return last >= EARLIEST_MS && wall > last ? at + (wall - last) : at;
}
