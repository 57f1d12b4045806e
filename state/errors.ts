import { MiniError } from "../base/errors.ts";
import { messageOf } from "../base/reason.ts";

/** Throws if a snapshot belongs to another log. */
export function assertSame(
  seq: number,
  snapshot: string | undefined,
  log: string | undefined,
): void {
  if (snapshot === undefined || log === undefined || snapshot === log) return;
  throw new MiniError(
    "CORRUPT",
    `Cannot rebuild the state: the snapshot at record ${seq} belongs to the log ${snapshot}, and the log here is ${log}; nothing was changed: restore files that belong together`,
    { seq },
  );
}

export function gap(
  code: "CORRUPT" | "COMPACTED",
  upTo: number,
  seq: number,
  firstSequence: number,
): MiniError {
  const start = `the log starts with record ${firstSequence}`;
  const snapshot = seq === 0
    ? "there is no snapshot up to that record"
    : `the newest snapshot up to that record is at record ${seq}`;
  return new MiniError(
    code,
    code === "CORRUPT"
      ? `Cannot rebuild the state: the newest snapshot is at record ${seq}, and ${start}; nothing was changed`
      : `Cannot rebuild the state as of record ${upTo}: ${start}, and ${snapshot}; nothing was changed`,
    { seq: seq + 1 },
  );
}

export function replayFailed(seq: number, cause: unknown): MiniError {
  return new MiniError(
    "REPLAY_FAILED",
    `Cannot rebuild the state: apply throws for record ${seq}, which was applied before (${
      messageOf(cause)
    }): the code has changed; nothing was changed on disk: run the code that wrote the record, or code that can apply it, or leave it out for good with onReplayThrow: "abort"`,
    { seq, cause },
  );
}

/** Whether `apply` says, by an error of this package, that it does not know such a record. By name, for it may come from another copy. */
export function isUnreadable(error: unknown): error is MiniError {
  const { name } = Object(error);
  return name === "MiniError [UNSUPPORTED_FORMAT]" ||
    name === "MiniError [CORRUPT]";
}

/** The same error, with the number of the record if it has none. */
export function withNumber(error: unknown, seq: number): unknown {
  if (!isUnreadable(error) || error.seq !== undefined) return error;
  return new MiniError(
    error.code,
    `Cannot rebuild the state of record ${seq}: ${error.message}`,
    { cause: error, seq },
  );
}

/** The error of a mutation whose `apply` threw, and why that could not be recorded, if it could not. */
export function abortedMutation(
  seq: number,
  cause: unknown,
  failure: unknown,
): MiniError {
  const recorded = failure === undefined
    ? "it is recorded as aborted and has no effect"
    : `it has no effect; that could not be recorded yet: ${messageOf(failure)}`;
  return new MiniError(
    "ABORTED_MUTATION",
    `apply threw for record ${seq}: ${messageOf(cause)}; ${recorded}`,
    { cause, seq },
  );
}

/** The error of a state that could not be rebuilt. */
export function noState(seq: number, cause: unknown): MiniError {
  return new MiniError(
    "POISONED",
    `Cannot use the state any more: apply threw for record ${seq}, and rebuilding the state failed: ${
      messageOf(cause)
    }; nothing that was logged is lost: close the state and open it again`,
    { cause, seq },
  );
}

/** The error of a batch in a journal of the Rust program. */
export function notInRust(): MiniError {
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    "Cannot apply several mutations as one: a journal of the Rust crate ministore has no batches; nothing was logged",
  );
}
