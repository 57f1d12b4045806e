import { messageOf } from "../store/reason.ts";

/** A reason is cut after so many characters: it is logged with the message. */
const MAX_CHARS = 1_000;

/** What went wrong, in words, whatever was thrown; what a handler throws on purpose is told by its message alone. */
export function describe(error: unknown): string {
  return messageOf(error).replace(/^(DeadLetter|RetryLater): /, "");
}

/** A reason that somebody gives. */
export function checkReason(reason: unknown): string | undefined {
  if (reason === undefined || reason === "") return undefined;
  if (typeof reason === "string") return reason.slice(0, MAX_CHARS);
  throw new TypeError("reason must be a string");
}
