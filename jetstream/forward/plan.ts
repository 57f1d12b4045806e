import { MiniError } from "../../base/errors.ts";
import { count, span } from "../../base/text.ts";
import type { Forwarded } from "./message.ts";

/** A log and a consumer of it. */
export interface LogFacts {
  /** The log's name, for messages. */
  readonly path: string;
  /** The first record that is present; one after the last if there is none. */
  readonly first: number;
  /** The last record. */
  readonly sequence: number;
  /** The last record that the consumer has committed. */
  readonly position: number;
}

/** Where to continue. */
export interface Plan {
  /** The last record that is not sent, because the stream has it or nobody has. */
  readonly after: number;
  /** The position that the consumer needs. */
  readonly reset: number | undefined;
  /** The error for records that neither the log nor the stream has, if there are any. */
  readonly lost: MiniError | undefined;
}

/**
 * Decides where a log continues in a stream that holds a record of it as its
 * last: after that, whatever the consumer says. The consumer may be behind,
 * because it was killed before it committed, and ahead, because the stream was
 * purged, or its servers have lost what they had acknowledged.
 *
 * Throws `REWRITTEN` if the stream holds records that the log does not have.
 */
export function planOf(
  last: Forwarded | undefined,
  { path, first, sequence, position }: LogFacts,
): Plan {
  const sent = last?.seq ?? 0;
  if (sent > sequence) {
    const message =
      `Cannot forward "${path}": the stream has record ${sent} of this log, which ends with record ${sequence}: the log was reset, or restored from an older copy; nothing was sent`;
    throw new MiniError("REWRITTEN", message, { path, seq: sequence + 1 });
  }
  const after = Math.max(sent, first - 1);
  // A new consumer of a log that was compacted before stands where the log begins.
  const isBeginning = sent === 0 && position >= after;
  const lost = after > sent && !isBeginning
    ? gone(path, sent + 1, after)
    : undefined;
  const reset = position > after
    ? after
    : position < first - 1
    ? first - 1
    : undefined;
  return { after, reset, lost };
}

function gone(path: string, from: number, to: number): MiniError {
  const message = `Cannot forward ${
    span("record", from, to)
  } of "${path}": the log does not have ${
    from === to ? "it" : "them"
  } any more, and the stream ends before; ${
    count(to - from + 1, "record")
  } missing there, and acceptLoss continues with record ${to + 1}`;
  return new MiniError("COMPACTED", message, { path, seq: from });
}

/** How much is sent at once. */
export interface BatchLimits {
  readonly records: number;
  readonly bytes: number;
}

/** How many of the records that wait are sent at once: at least one. */
export function batchSize(
  sizes: Iterable<number>,
  { records, bytes }: BatchLimits,
): number {
  let taken = 0;
  for (const size of sizes) {
    bytes -= size;
    if (taken > 0 && (bytes < 0 || taken >= records)) break;
    taken++;
  }
  return taken;
}
