import { MiniError, type MiniErrorOptions } from "../base/errors.ts";
import { messageOf } from "../base/reason.ts";

/** The codes of answers of JetStream that mean something here. */
export const API = {
  noMessage: 10037,
  tooLarge: 10054,
  nameInUse: 10058,
  noStream: 10059,
  storeFailed: 10077,
  wrongSequence: 10071,
  unknownSequence: 10164,
  duplicateInBatch: 10201,
  headerInBatch: 10177,
} as const;

/** An answer of JetStream that says no. */
export class ApiError extends Error {
  /** Which, of those in {@linkcode API} and many more. */
  readonly code: number;

  constructor(code: number, description: string) {
    super(`${description} (${code})`);
    this.code = code;
  }
}

/** The error of an operation that got no answer, or one that says no. */
export function failureOf(
  doing: string,
  cause: unknown,
  after: string,
): MiniError {
  if (cause instanceof MiniError) return cause;
  const because = reasonOf(cause);
  return isForbidden(cause)
    ? new MiniError(
      "PERMISSION",
      `Cannot ${doing}: the NATS user may not (${because}); ${after}`,
      { cause },
    )
    : new MiniError(
      "UNAVAILABLE",
      `Cannot ${doing}: JetStream does not answer (${because}); ${after}`,
      { cause },
    );
}

/** The reason in words. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error && cause.message !== ""
    ? cause.message
    : messageOf(cause);
}

/** Whether the servers refused because of the user. */
export function isForbidden(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /^(PermissionViolation|Authorization)Error$/.test(error.name) ||
    isForbidden(error.cause);
}

/** The error of a log whose content is not what its writers wrote. */
export function corrupt(
  stream: string,
  reason: string,
  options?: MiniErrorOptions,
): MiniError {
  return new MiniError(
    "CORRUPT",
    `The log in stream ${stream} is damaged: ${reason}; nothing was changed`,
    options,
  );
}

/** The error of an owner that is none any more. */
export function deposed(stream: string, why: string): MiniError {
  return new MiniError(
    "DEPOSED",
    `Cannot write to stream ${stream}: ${why}; what was not acknowledged was not written behind that`,
  );
}

/** The error of a reader that asks for records that compaction has removed. */
export function compacted(stream: string, seq: number): MiniError {
  return new MiniError(
    "COMPACTED",
    `Cannot read record ${seq} in stream ${stream}: it was removed by compaction`,
    { seq },
  );
}
