import {
  MiniError,
  type MiniErrorCode,
  type MiniErrorOptions,
} from "../base/errors.ts";
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

/** The codes of what the servers, or the account, cannot do. */
export const LIMITS: Readonly<Record<number, MiniErrorCode>> = {
  10002: "NO_SPACE", // limits of the account
  10023: "NO_SPACE", // limits of the server
  10028: "NO_SPACE",
  10047: "NO_SPACE",
  10039: "UNSUPPORTED", // the account has no JetStream
  10076: "UNSUPPORTED", // the server has none
  10074: "UNSUPPORTED", // replicas without a cluster
};

/** The codes of refusals that no later try changes, and after which nothing is in doubt. */
const FINAL: Readonly<Record<number, MiniErrorCode>> = {
  ...LIMITS,
  10065: "UNSUPPORTED_FORMAT", // another stream has the subjects
};

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
  const [code, why] = isForbidden(cause)
    ? ["PERMISSION", "the NATS user may not"] as const
    : cause instanceof ApiError
    ? [FINAL[cause.code] ?? "UNAVAILABLE", "JetStream refuses"] as const
    : ["UNAVAILABLE", "JetStream does not answer"] as const;
  const message = `Cannot ${doing}: ${why} (${because}); ${after}`;
  return new MiniError(code, message, { cause });
}

/** Whether no later try changes the answer. */
export function isFinal(error: unknown): boolean {
  return isForbidden(error) ||
    error instanceof ApiError && error.code in FINAL;
}

/** The reason in words. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error && cause.message !== ""
    ? cause.message
    : messageOf(cause);
}

/** Whether the servers refused because of the user. */
function isForbidden(error: unknown): boolean {
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
