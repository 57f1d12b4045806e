import {
  MiniError,
  type MiniErrorCode,
  NEXT_COMMANDS,
} from "../base/errors.ts";
import { messageOf } from "../base/reason.ts";

/**
 * The thing to do about a finding.
 *
 * - `"salvage"`: opening refuses the log. `salvage` copies everything that is
 *   readable to a new place; `repair` goes back to the last good record.
 * - `"restore-copy"`: something is missing that another copy of the directory may
 *   hold: records at the end, records between a snapshot and the log, or the right
 *   file in the place of one from another log. Where `blocksOpen` is false, restore
 *   before anything opens the log: opening it continues without what is missing.
 * - `"reset-consumer"`: the position of a consumer is of no use. The consumer sets
 *   another one with `reset()`, or its file is removed.
 * - `"none"`: nothing in the files helps or has to. Where `blocksOpen` is false, a
 *   snapshot or the log stands for what is damaged; where it is true, `code` says
 *   why the file is refused: another version wrote it, or it has a record over the
 *   `maxRecordBytes` that was given.
 */
export type Remedy = "salvage" | "restore-copy" | "reset-consumer" | "none";

/** The place of a failure, as far as it has one. */
export interface Place {
  /** The file. */
  readonly path?: string;
  /** The line in the file, from 1. */
  readonly line?: number;
  /** The byte in the file at which that line starts, from 0. */
  readonly offset?: number;
  /** The number of the record. */
  readonly seq?: number;
}

/** A problem of a log, of its snapshots, of the positions of its consumers, or of what they are together. */
export interface Finding extends Place {
  /** The code that opening throws for it, or would if it refused. */
  readonly code: MiniErrorCode;
  /** The problem, in words. */
  readonly message: string;
  /** Whether opening refuses the log for it. */
  readonly blocksOpen: boolean;
  /** The thing to do about it. */
  readonly remedy: Remedy;
}

/** A failure of any kind, and its place. */
export interface Complaint extends Place {
  readonly code: MiniErrorCode | "MISUSE";
  readonly message: string;
}

/** The message of an error without the commands that help: a command names its own. */
export function bareMessage({ message }: Error): string {
  return message.replace(NEXT_COMMANDS, "");
}

/** The finding that an error is. */
export function findingOf(
  error: MiniError,
  blocksOpen: boolean,
  remedy: Remedy,
): Finding {
  const { code, path, line, offset, seq } = error;
  return {
    code,
    message: bareMessage(error),
    blocksOpen,
    remedy,
    ...(path !== undefined && { path }),
    ...(line !== undefined && { line }),
    ...(offset !== undefined && { offset }),
    ...(seq !== undefined && { seq }),
  };
}

/** Describes an error. */
export function explain(error: unknown): Complaint {
  // A path that is not there is a mistake of the call, as another operand would be.
  if (error instanceof MiniError && error.code !== "NOT_FOUND") {
    const { blocksOpen: _, remedy: __, ...told } = findingOf(
      error,
      false,
      "none",
    );
    return told;
  }
  const isMisuse = error instanceof MiniError || error instanceof TypeError ||
    error instanceof RangeError;
  return isMisuse
    ? { code: "MISUSE", message: error.message }
    : { code: "IO", message: messageOf(error) };
}
