/**
 * Why an operation failed. Codes are part of the contract; messages are not.
 *
 * | code | when |
 * |---|---|
 * | `CLOSED` | used after `close()` |
 * | `NOT_FOUND` | a reader was given a path where there is no log |
 * | `LOCKED` | another handle or process has the log open for writing |
 * | `CORRUPT` | a record or header that had been durable is damaged or missing |
 * | `POISONED` | a write or fsync failed in a way that leaves the disk unknown; reopen to continue |
 * | `NO_SPACE` | disk full, quota or file-size limit; nothing of the record was kept and the log still works |
 * | `COMPACTED` | asked for a sequence number that compaction has removed, which is `seq` |
 * | `REWRITTEN` | records that a reader has read are not there any more, or others stand in their place: the writer took back what was not durable, or the log was repaired, reset or restored; those before `seq` are unchanged |
 * | `REPLAY_FAILED` | opening a state: `apply` throws for a mutation that was applied before; nothing was changed |
 * | `UNSUPPORTED_FORMAT` | written by a newer version, of the format or of the caller's code, or not a journal at all |
 * | `UNSERIALIZABLE` | the value would not survive JSON unchanged |
 * | `TOO_LARGE` | a record over `maxRecordBytes` |
 * | `INVALID` | refused by the caller's schema; `issues` says why |
 * | `CONFLICT` | `expectedSequence` does not match |
 * | `ABORTED_MUTATION` | `apply` threw: the mutation is recorded as aborted and has no effect |
 * | `RECEIPT_EXPIRED` | ack, nack or extend with a receipt that is no longer the current one |
 * | `DEPOSED` | another owner has taken over the log; nothing more is accepted here |
 * | `UNAVAILABLE` | no server, or no quorum of servers, answered in time; the message says what is known |
 * | `BUSY` | a synchronous append while a commit, a rotation, a compaction or another task touches the files; nothing was written, and nothing is lost |
 * | `UNSUPPORTED` | the engine underneath cannot do that; nothing was done, and the message names another way |
 * | `PERMISSION` | the runtime or the operating system refused access |
 * | `IO` | the operating system failed in another way; nothing that was durable changed |
 */
export type MiniErrorCode =
  | "CLOSED"
  | "NOT_FOUND"
  | "LOCKED"
  | "CORRUPT"
  | "POISONED"
  | "NO_SPACE"
  | "COMPACTED"
  | "REWRITTEN"
  | "REPLAY_FAILED"
  | "UNSUPPORTED_FORMAT"
  | "UNSERIALIZABLE"
  | "TOO_LARGE"
  | "INVALID"
  | "CONFLICT"
  | "ABORTED_MUTATION"
  | "RECEIPT_EXPIRED"
  | "DEPOSED"
  | "UNAVAILABLE"
  | "BUSY"
  | "UNSUPPORTED"
  | "PERMISSION"
  | "IO";

/** One objection of a schema. */
export interface SchemaIssue {
  /** The objection, in words. */
  readonly message: string;
  /** The place in the value. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/** Where a {@linkcode MiniError} happened, and what caused it. */
export interface MiniErrorOptions {
  /** The error underneath, usually the operating system's. */
  cause?: unknown;
  /** The file. */
  path?: string;
  /** The line in the file, from 1. */
  line?: number;
  /** The byte in the file at which that line starts, from 0. */
  offset?: number;
  /** The record's sequence number. */
  seq?: number;
  /** The objections of the caller's schema. */
  issues?: readonly SchemaIssue[];
}

/** The end of the message of every `CORRUPT`. */
export const NEXT_COMMANDS =
  "; mini verify lists all damage, and mini salvage copies everything readable to a new place";

/**
 * The error of every condition that a caller may want to handle.
 *
 * Compare `code` rather than using `instanceof`: the same package reached
 * through JSR and through npm gives two classes. Misuse by the caller is a bare
 * `TypeError` or `RangeError` instead.
 *
 * @example Tell a lock from other failures
 * ```ts
 * import { type MiniError, MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using first = await MiniStore.open(path);
 * const code = await MiniStore.open(first.path).then(
 *   () => "opened",
 *   (error: MiniError) => error.code,
 * );
 * assertEquals(code, "LOCKED");
 * ```
 */
export class MiniError extends Error {
  /** Why it failed. */
  readonly code: MiniErrorCode;
  /** The file, if the failure is about one. */
  declare readonly path?: string;
  /** The line in that file, from 1. */
  declare readonly line?: number;
  /** The byte in that file at which the line starts, from 0. */
  declare readonly offset?: number;
  /** The sequence number of the record. */
  declare readonly seq?: number;
  /** The objections of the caller's schema, with code `INVALID`. */
  declare readonly issues?: readonly SchemaIssue[];

  /**
   * Creates an error.
   *
   * @param code Why it failed.
   * @param message What failed, where, and what is true now. Of `CORRUPT` the
   * commands that help are added.
   * @param options Where it happened, and what caused it.
   */
  constructor(
    code: MiniErrorCode,
    message: string,
    options: MiniErrorOptions = {},
  ) {
    const { cause, ...place } = options;
    super(
      code === "CORRUPT" ? message + NEXT_COMMANDS : message,
      cause === undefined ? undefined : { cause },
    );
    // Of what nobody catches Deno prints name and message, and no field.
    this.name = `MiniError [${code}]`;
    this.code = code;
    Object.assign(this, place);
  }
}

/** Whether an error is one of this package with this code. */
export function hasCode(
  error: unknown,
  code: MiniErrorCode,
): error is MiniError {
  return error instanceof MiniError && error.code === code;
}
