import { MiniError } from "../../base/errors.ts";
import { type Patience, Tries } from "../clock.ts";
import { deposed, reasonOf } from "../errors.ts";
import type { NewMessage, Published, Stream } from "../stream.ts";
import { meaningOf } from "./message.ts";

/** The part of a stream that a commit needs. */
export type CommitStream = Pick<
  Stream,
  "name" | "isClosed" | "publish" | "next"
>;

/** The owner that commits. */
export interface Owner {
  /** The number of its fence. */
  readonly epoch: number;
  /** The token of its fence. */
  readonly token: string;
  /** The number of the lease with which it took over. */
  readonly lease: number;
}

/** The result of a commit. */
export interface Committed {
  /** The number of the last message of the stream that is known, and that is no other owner's. */
  readonly last: number;
  /** The number of its message, if it is stored. */
  readonly seq?: number;
  /** Why it is not stored; the next may be. */
  readonly refused?: MiniError;
  /** Why nothing more may be written. With `POISONED` it is unknown whether it is stored. */
  readonly failed?: MiniError;
}

/** The finding behind the last known message. */
type Found = "ours" | "stray" | "nothing" | { readonly failed: MiniError };

/**
 * Stores a message behind message `last`, once, or says that it is not stored.
 *
 * Every try expects `last` to be the last message, so at most one of them
 * succeeds, however late it comes. An answer that is lost is found out by reading
 * what stands there.
 */
export async function commit(
  stream: CommitStream,
  message: NewMessage,
  last: number,
  owner: Owner,
  patience: Patience,
): Promise<Committed> {
  const tries = new Tries(patience);
  // Whether a try may have stored it, or may yet.
  let isInDoubt = false;
  let cause: unknown;
  for (;;) {
    let answer: Published | undefined;
    try {
      answer = await stream.publish(message, { last });
    } catch (error) {
      [isInDoubt, cause] = [true, error];
    }
    if (answer instanceof MiniError) {
      // An earlier try may be stored all the same.
      if (!isInDoubt) return { last, refused: answer };
      cause = answer;
    } else if (answer === "moved") {
      const found = await behind(stream, message, last, owner);
      if (found === "ours") return { last: last + 1, seq: last + 1 };
      if (typeof found === "object") return { last, ...found };
      if (found === "stray") {
        // Whatever was tried before expects what will never be so again.
        [last, isInDoubt] = [last + 1, false];
        continue;
      }
    } else if (answer !== undefined) {
      return { last: answer.seq, seq: answer.seq };
    }
    if (!stream.isClosed && await tries.again()) continue;
    return { last, failed: poisoned(stream, cause) };
  }
}

/** Looks at the message behind the last known one. */
async function behind(
  stream: CommitStream,
  { headers }: NewMessage,
  last: number,
  { epoch, token, lease }: Owner,
): Promise<Found> {
  const there = await stream.next(last + 1).catch(() => undefined);
  // Who answers may be behind the others.
  if (there === undefined) return "nothing";
  const meaning = meaningOf(there);
  // The compaction of another owner has removed what stood in between.
  const passedOver = there.seq > last + 1 ? "nothing" : "stray";
  if (meaning.kind === "stray") return passedOver;
  if (meaning.kind === "fence") {
    // A try to begin that came late: one's own, or that of an owner before.
    if (meaning.token === token || meaning.lease < lease) return passedOver;
    const why = `"${meaning.holder}" has taken over`;
    return { failed: deposed(stream.name, why) };
  }
  if (meaning.id === headers["Mini-Commit"] && meaning.epoch === epoch) {
    return "ours";
  }
  const why = `another owner writes to it, of epoch ${meaning.epoch}`;
  return { failed: deposed(stream.name, why) };
}

function poisoned(stream: CommitStream, cause: unknown): MiniError {
  return new MiniError(
    "POISONED",
    `Cannot say whether stream ${stream.name} holds the last records (${
      cause === undefined ? "what stands there cannot be read" : reasonOf(cause)
    }); open the log again: it knows`,
    { ...(cause !== undefined && { cause }) },
  );
}
