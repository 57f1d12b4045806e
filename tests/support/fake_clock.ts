import type { Clock } from "@mini/state/queue";

/** Clocks that stand still until a test moves them. */
export class FakeClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #suspended = 0;
  #sleepers: { until: number; wake: () => void }[] = [];

  constructor(wall: number = Date.UTC(2026, 0, 1)) {
    this.#wall = wall;
  }

  wall(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  uptime(): number | undefined {
    return this.#monotonic + this.#suspended;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((wake) => {
      // A timer of no length ends although no time passes.
      if (signal.aborted || ms <= 0) return wake();
      const sleeper = { until: this.#monotonic + ms, wake };
      this.#sleepers.push(sleeper);
      signal.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        wake();
      });
    });
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
    const due = this.#sleepers.filter(({ until }) => until <= this.#monotonic);
    this.#sleepers = this.#sleepers.filter((other) => !due.includes(other));
    for (const { wake } of due) wake();
  }

  /** Lets time pass while the machine is suspended: timers stand still with the monotonic clock. */
  suspend(ms: number): void {
    this.#wall += ms;
    this.#suspended += ms;
  }

  /** Sets the wall clock, as somebody does who corrects it, or gets it wrong. */
  setWall(wall: number): void {
    this.#wall = wall;
  }

  /** The clocks of another process on the same machine. */
  restarted(): FakeClock {
    return new FakeClock(this.#wall);
  }
}
