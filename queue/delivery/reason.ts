import {
  causesOf,
  field,
  fieldText,
  MAX_CAUSES,
  messageOf,
  nameOf,
} from "../../base/reason.ts";
import type { LoggedError } from "../ledger/entry.ts";

/** A reason is cut after so many characters: it is logged with the message. */
const MAX_CHARS = 1_000;

/** What went wrong, in words, whatever was thrown; what a handler throws on purpose is told by its message alone. */
export function describe(error: unknown): string {
  return messageOf(error).replace(/^(DeadLetterError|RetryLaterError): /, "");
}

/** A stack is cut after so many characters. */
const MAX_STACK_CHARS = 2_000;

/** What was thrown, as it is logged. */
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

/** The stack of what was thrown, without the name and the message before it, which may be long. */
function framesOf(thrown: unknown): string | undefined {
  const stack = field(thrown, "stack");
  const message = field(thrown, "message");
  if (typeof stack !== "string" || typeof message !== "string") {
    return undefined;
  }
  const at = stack.indexOf("\n", stack.indexOf(message) + message.length);
  return stack.slice(at + 1, at + 1 + MAX_STACK_CHARS);
}

/** A reason that somebody gives. */
export function checkReason(reason: unknown): string | undefined {
  if (reason === undefined || reason === "") return undefined;
  if (typeof reason === "string") return reason.slice(0, MAX_CHARS);
  throw new TypeError("reason must be a string");
}
