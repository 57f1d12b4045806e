import type { Ledger } from "./ledger.ts";

/**
 * What a queue knows of time: the seam that tests put their own behind.
 *
 * @example A clock that tests set
 * ```ts
 * import { type Clock, MiniQueue, systemClock } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * let now = 0;
 * const clock: Clock = { ...systemClock, monotonic: () => now };
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
  /** Milliseconds since some moment, never going back. */
  monotonic(): number;
  /** Resolves after so many milliseconds, or once the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The longest that a timer can be set for. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clocks of the machine. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
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

/** No board that we run on left its factory before; a clock that says so was never set. */
const EARLIEST = Date.UTC(2020);

/** A drift is put on record once it has changed by so much. */
const DRIFT_STEP_MS = 1_000;

/**
 * The queue's time, by which delays and dedupe windows are counted: it goes on
 * from the last entry of the ledger, with the monotonic clock. The wall clock
 * says only how long the queue was closed, and only where it has a right to be
 * believed: it was set then, and has not gone back since.
 */
export class QueueTime {
  readonly #clock: Clock;
  readonly #offset: number;

  constructor(clock: Clock, ledger: Pick<Ledger, "at" | "drift">) {
    this.#clock = clock;
    this.#offset = start(clock.wall(), ledger) - clock.monotonic();
  }

  /** In milliseconds. */
  now(): number {
    return this.#clock.monotonic() + this.#offset;
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
