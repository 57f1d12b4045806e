import {
  MiniQueue,
  type QueueOptions,
  type ScheduleOptions,
} from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "./fake_clock.ts";

export const MINUTE: number = 60_000;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;
export const START: number = Date.UTC(2026, 0, 1);

/** Occurrences at every multiple of a time. */
export function grid(
  ms: number,
): { nextRun(after: Date): Date; calls: number } {
  return {
    calls: 0,
    nextRun(after) {
      this.calls++;
      return new Date((Math.floor(after.getTime() / ms) + 1) * ms);
    },
  };
}

/** Occurrences at every full hour. */
export const hourly: { nextRun(after: Date): Date } = grid(HOUR);

/** A queue in memory, opened again and again. */
export class Life {
  readonly fs: MemoryFileSystem = new MemoryFileSystem();
  readonly errors: unknown[] = [];
  clock: FakeClock;

  constructor(wall: number = START) {
    this.clock = new FakeClock(wall);
  }

  open(
    schedules?: Record<string, ScheduleOptions<string>>,
    options: QueueOptions<string> = {},
  ): Promise<MiniQueue<string>> {
    return MiniQueue.open<string>("/q", {
      fs: this.fs,
      clock: this.clock,
      onError: (error) => this.errors.push(error),
      ...(schedules && { schedules }),
      ...options,
    });
  }

  /** Another process, later. */
  restart(afterMs: number): void {
    this.clock = this.clock.restarted();
    this.clock.advance(afterMs);
  }
}

/** Receives and acknowledges all that is there: the occurrences, in milliseconds since the start. */
export async function drain(queue: MiniQueue<string>): Promise<number[]> {
  const times: number[] = [];
  for (;;) {
    const message = await queue.receive();
    if (message === undefined) return times;
    times.push(message.scheduledFor!.getTime() - START);
    await message.ack();
  }
}

/** Waits until everything that can happen without time has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => setTimeout(resolve));
  }
}
