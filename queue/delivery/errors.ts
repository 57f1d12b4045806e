import { MiniError } from "../../base/errors.ts";
import { checkDelay } from "../options.ts";

/**
 * Thrown by a handler to have the message delivered again later. This delivery
 * does not count.
 *
 * @example Try again when the network is back
 * ```ts
 * import { RetryLaterError } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new RetryLaterError(5_000).delayMs, 5_000);
 * ```
 */
export class RetryLaterError extends Error {
  /** The delay, in milliseconds. */
  readonly delayMs: number;

  /**
   * Creates the error.
   *
   * @param delayMs The delay, in milliseconds.
   * @param reason Why the message is retried later.
   */
  constructor(delayMs: number, reason: string = "to be retried later") {
    checkDelay("delayMs", delayMs);
    super(reason);
    this.name = "RetryLaterError";
    this.delayMs = delayMs;
  }
}

/**
 * Thrown by a handler to make the message a dead letter, whatever attempts are
 * left.
 *
 * @example Give up what can never succeed
 * ```ts
 * import { DeadLetterError } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new DeadLetterError("no such address").message, "no such address");
 * ```
 */
export class DeadLetterError extends Error {
  /**
   * Creates the error.
   *
   * @param reason Why the message is dead.
   */
  constructor(reason: string) {
    super(reason);
    this.name = "DeadLetterError";
  }
}

/** Whether an error is of a class. Handlers may throw a proxy that throws when it is tested. */
export function isA<E>(
  error: unknown,
  kind: new (...args: never[]) => E,
): error is E {
  try {
    return error instanceof kind;
  } catch {
    return false;
  }
}

/** Whether settling failed because the delivery is not the current one. */
export function isReceiptExpired(error: unknown): boolean {
  if (!(error instanceof MiniError)) return false;
  const { code, cause } = error;
  return code === "RECEIPT_EXPIRED" ||
    code === "ABORTED_MUTATION" && isReceiptExpired(cause);
}
