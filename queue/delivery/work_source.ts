import type { ToldWork } from "../telemetry/process.ts";

/** A message that a worker has. */
export interface Workable {
  readonly id: number;
  readonly attempts: number;
}

/** How a delivery failed. */
export interface WorkFailure {
  /** How long the message cannot be received, in milliseconds. */
  readonly delayMs: number;
  readonly reason: string;
}

/** A queue as its workers see it. A delivery that a worker has does not time out until it is settled, taken back or left to run out. */
export interface WorkSource<D extends Workable> {
  /** Waits for the next message. `undefined` when the queue was closed, or with `untilEmpty` is empty. */
  next(signal: AbortSignal, untilEmpty: boolean): Promise<D | undefined>;
  /** Notes that a handler runs. Returns whether its delivery is still there. */
  attend(message: D, calls: {
    readonly onCancel: (why: unknown, as?: "cancelled" | "lost") => void;
    readonly onLost: (why: unknown) => void;
  }): boolean;
  /** Tells of the work on a message, which begins. Called if somebody listens. */
  told?(message: D): ToldWork;
  /** Notes how long a handler took, in milliseconds. */
  handled?(ms: number): void;
  /** Notes that a handler has ended, or is given up. */
  leave(message: D): void;
  /** Resolves when a message is cancelled, if it is being cancelled now. */
  cancelling(message: D): Promise<unknown> | undefined;
  /** Acknowledges a message. */
  done(message: D, result: unknown): Promise<void>;
  /** Gives a message back; the delivery does not count, where the queue can do that. */
  giveBack(message: D, failure?: Partial<WorkFailure>): Promise<void>;
  /** Gives a message back; the delivery counts. The last one makes it a dead letter, with its error. */
  retry(message: D, failure: WorkFailure, error: unknown): Promise<void>;
  /** Makes a message a dead letter. */
  bury(message: D, reason: string, error: unknown): Promise<void>;
  /** Takes the delivery of a message from its handler. Returns whether it was unsettled. */
  lose(message: D): boolean;
  /** Lets a message wait again whose delivery was lost; the delivery counts. */
  takeBack(message: D, failure: WorkFailure): Promise<void>;
  /** Times out a delivery that was lost: it is taken back when somebody receives next. */
  timeOut(message: D): void;
  /** Lets a delivery time out like any other, also while it is being settled. */
  letRunOut(message: D): void;
}
