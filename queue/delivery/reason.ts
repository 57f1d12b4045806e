import {
  causesOf,
  field,
  fieldText,
  MAX_CAUSES,
  messageOf,
  nameOf,
} from "../../base/reason.ts";
import type { LoggedError } from "../ledger/entry.ts";

/** The longest reason that is logged, in characters. */
const MAX_CHARS = 1_000;

/** The reason that a thrown value gives; for the errors that a handler throws on purpose, their message. */
export function describe(error: unknown): string {
  return messageOf(error).replace(/^(DeadLetterError|RetryLaterError): /, "");
}

/** The longest stack that is logged, in characters. */
const MAX_STACK_CHARS = 2_000;

/** A thrown value, as it is logged. */
export function loggedError(
  thrown: unknown,
  above: readonly unknown[] = [],
): LoggedError {
  const all = [...above, thrown];
  const [cause] = causesOf(thrown).filter((cause) => !all.includes(cause));
  const stack = framesOf(thrown);
  return {
    name: nameOf(thrown) ?? typeof thrown,
    message: fieldText(thrown, "message") ?? messageOf(thrown),
    ...(stack !== undefined && { stack }),
    ...(cause !== undefined && above.length < MAX_CAUSES && {
      cause: loggedError(cause, all),
    }),
  };
}

/** The stack of a thrown value, without the name and the message that it starts with: they may be long. */
function framesOf(thrown: unknown): string | undefined {
  const stack = field(thrown, "stack");
  const message = field(thrown, "message");
  if (typeof stack !== "string" || typeof message !== "string") {
    return undefined;
  }
  const at = stack.indexOf("\n", stack.indexOf(message) + message.length);
  return stack.slice(at + 1, at + 1 + MAX_STACK_CHARS);
}

/** The reason that a caller gives, cut to its limit. */
export function checkReason(reason: unknown): string | undefined {
  if (reason === undefined || reason === "") return undefined;
  if (typeof reason === "string") return reason.slice(0, MAX_CHARS);
  throw new TypeError("reason must be a string");
}
