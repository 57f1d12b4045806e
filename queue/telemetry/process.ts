import { isPromise, withResolvers } from "../../base/promise.ts";
import { Once } from "../../base/telemetry/once.ts";
import {
  PROCESS,
  type ProcessMessage,
  type ProcessOutcome,
} from "./messages.ts";

/** The telling of the work on a delivery. */
export interface ToldWork {
  /** The message of its event. */
  readonly message: ProcessMessage;
  /** How it ended, given how it did if its consumer has not settled it. */
  outcome(ended: ProcessOutcome | undefined): ProcessOutcome;
}

/** The event of a handler that runs, if somebody listens. */
export interface ProcessEvent {
  /** Its message. */
  told?: ProcessMessage | undefined;
  /** Ends it: nobody waits for the handler any longer. */
  giveUp?: () => void;
  /** How the delivery has ended, if its consumer has not settled it. */
  ended?: ProcessOutcome | undefined;
}

/** Handles a message, and tells of it. */
export function processTold(
  work: () => ToldWork | undefined,
  event: ProcessEvent,
  handle: () => Promise<void>,
): Promise<void> {
  const told = PROCESS.isObserved ? work() : undefined;
  if (told === undefined) return handle();
  const givenUp = withResolvers<void>();
  event.told = told.message;
  event.giveUp = givenUp.resolve;
  return PROCESS.run(
    () => told.message,
    () => Promise.race([handle(), givenUp.promise]),
    (message) => {
      message.outcome = told.outcome(event.ended);
    },
  );
}

/**
 * Calls a handler through a function of a subscriber, and returns what the
 * handler returns: it is called once, whatever that function does.
 */
export function callWithin<R>(
  within: ProcessMessage["within"],
  call: () => R,
  onError: (error: unknown) => void,
): R {
  if (within === undefined) return call();
  const once = new Once(call);
  try {
    // What is not the promise of the handler is nobody's.
    isPromise(within(() => once.result()));
  } catch (error) {
    if (!once.hasThrown(error)) onError(error);
  }
  return once.result();
}
