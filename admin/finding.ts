import { MiniError, NEXT_COMMANDS } from "../base/errors.ts";
import { messageOf } from "../base/reason.ts";

/** A failure, its place, and what to do next. */
export interface Complaint {
  readonly exitCode: 1 | 2;
  readonly code: string;
  readonly message: string;
  readonly next?: string;
  readonly path?: string;
  readonly line?: number;
  readonly offset?: number;
  readonly seq?: number;
}

/** The remedy for each code. */
const NEXT: Readonly<Record<string, string>> = {
  CORRUPT:
    "mini verify lists the damage in each segment; mini salvage copies everything readable to a new place, for a state or a queue with its newest snapshot; mini repair goes back to the last good record, and keeps the original",
  LOCKED:
    "stop that program first; mini backup and the commands that only read run beside it",
  COMPACTED: "mini stat shows which records are left",
  TOO_LARGE:
    "set --max-record-bytes to the maxRecordBytes of the program that wrote it",
  UNSUPPORTED_FORMAT:
    "use the version that wrote it; remove an unfinished backup or copy, and make it again",
  UNSERIALIZABLE: "mini dump --to reads the records before it",
};

/** The message of an error without the commands that help: a command names its own. */
export function bareMessage({ message }: Error): string {
  return message.replace(NEXT_COMMANDS, "");
}

/** Describes an error. */
export function explain(error: unknown): Complaint {
  // A path that is not there is a mistake of the call, as another operand would be.
  if (error instanceof MiniError && error.code === "NOT_FOUND") {
    return { exitCode: 2, code: "MISUSE", message: error.message };
  }
  if (error instanceof MiniError) {
    const { code, path, line, offset, seq } = error;
    const next = NEXT[code];
    return {
      exitCode: 1,
      code,
      message: bareMessage(error),
      ...(next !== undefined && { next }),
      ...(path !== undefined && { path }),
      ...(line !== undefined && { line }),
      ...(offset !== undefined && { offset }),
      ...(seq !== undefined && { seq }),
    };
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    return { exitCode: 2, code: "MISUSE", message: error.message };
  }
  return { exitCode: 1, code: "IO", message: messageOf(error) };
}
