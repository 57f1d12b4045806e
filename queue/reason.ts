/** A reason is cut after so many characters: it is logged with the message. */
const MAX_CHARS = 1_000;

/** What went wrong, in words, whatever was thrown. */
export function describe(error: unknown): string {
  try {
    const text = error instanceof Error ? error.message : error;
    return String(text).slice(0, MAX_CHARS);
  } catch {
    return "what was thrown cannot be described";
  }
}

/** A reason that somebody gives. */
export function checkReason(reason: unknown): string | undefined {
  if (reason === undefined) return undefined;
  if (typeof reason === "string") return reason.slice(0, MAX_CHARS);
  throw new TypeError("reason must be a string");
}
