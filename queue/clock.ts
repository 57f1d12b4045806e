import { uptimeMs } from "../fs/system.ts";
import { isPromise } from "../base/promise.ts";
import type { Ledger } from "./ledger/ledger.ts";

/**
 * What a queue knows of time: the seam that tests put their own behind.
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
  /** Milliseconds since 1970, as far as the machine knows; may jump, and may be wrong. */
  wall(): number;
  /** Milliseconds since some moment, never going back. May stand still while the machine is suspended. */
  monotonic(): number;
  /**
   * Milliseconds since some moment, those included for which the machine was
   * suspended; `undefined` where nobody knows. Tells a suspend, which counts as
   * time, from a jump of the wall clock, which does not. Without it neither
   * counts while the queue is open: a suspend stretches delays and dedupe
   * windows.
   */
  uptime?(): number | undefined;
  /** Resolves after so many milliseconds, or once the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The longest that a timer can be set for. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The clocks of the machine. Under Deno `uptime` needs `--allow-sys=osUptime`,
 * and asks nobody for it.
 */
export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  uptime: uptimeMs,
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      let timer: ReturnType<typeof setTimeout>;
      const wait = (leftMs: number) => {
        const more = () => wait(leftMs - MAX_TIMER_MS);
        timer = leftMs > MAX_TIMER_MS
          ? setTimeout(more, MAX_TIMER_MS)
          : setTimeout(done, leftMs);
      };
      wait(ms);
      signal.addEventListener("abort", done);
    });
  },
};

/** The same clock; what it says that no clock says is thrown, before it is on record or keeps anybody waiting for ever. */
export function checkedClock(clock: Clock): Clock {
  const finite = (name: string, ms: number) => {
    if (Number.isFinite(ms)) return ms;
    throw new TypeError(
      `clock.${name}() must give a finite number, not ${String(ms)}`,
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
        throw new TypeError("clock.sleep() must give a promise");
      }
      await slept;
      if (signal.aborted || monotonic() >= until) return;
      // Woken early again and again, who waits would leave nobody else a turn.
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

/** No board that we run on left its factory before; a clock that says so was never set. */
const EARLIEST = Date.UTC(2020);

/** A drift is put on record once it has changed by so much. */
const DRIFT_STEP_MS = 1_000;

/** Clocks that stand still, or count whole seconds, differ by less without a suspend. */
const SUSPEND_STEP_MS = 2_000;

/** So often it is looked whether there was a suspend, also where the wall clock shows none. */
const LOOK_EVERY_MS = 10_000;

/**
 * The queue's time, by which delays and dedupe windows are counted: it goes on
 * from the last entry of the ledger, with the monotonic clock, and the time that
 * the machine is suspended for. The wall clock says only how long the queue was
 * closed, and only where it has a right to be believed: it was set then, and has
 * not gone back since.
 */
export class QueueTime {
  readonly #clock: Clock;
  #offset: number;
  /** The clocks when it was last looked whether there was a suspend. */
  #looked: { readonly wall: number; readonly monotonic: number };
  /** How far the uptime was from the monotonic clock then. */
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
    const [wall, monotonic] = [this.#clock.wall(), this.#clock.monotonic()];
    const passed = monotonic - this.#looked.monotonic;
    const jumped = Math.abs(wall - this.#looked.wall - passed);
    // The uptime costs a call of the system; the other two cost next to nothing.
    if (jumped >= DRIFT_STEP_MS || passed >= LOOK_EVERY_MS) {
      this.#looked = { wall, monotonic };
      this.#countSuspend(monotonic);
    }
    return monotonic + this.#offset;
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

  /** For how long nobody need look at this clock who waits for a time: timers stand still during a suspend. */
  get lookEveryMs(): number {
    return this.#lead === undefined ? Infinity : LOOK_EVERY_MS;
  }

  /** What an entry says of its time, the drift that is on record being known. */
  stamp(recorded: number = Infinity): { at: number; drift?: number } {
    const at = Math.round(this.now());
    // Without the sign of a zero, which JSON does not keep.
    const drift = Math.round(this.#clock.wall() - at) + 0;
    const isOnRecord = Math.abs(drift - recorded) < DRIFT_STEP_MS;
    return isOnRecord ? { at } : { at, drift };
  }
}

/** The queue's time on opening. */
function start(
  wall: number,
  { at, drift }: Pick<Ledger, "at" | "drift">,
): number {
  if (at === 0) return Math.max(wall, 1);
  const last = at + drift;
  return last >= EARLIEST && wall > last ? at + (wall - last) : at;
}
