import { Tries } from "../clock.ts";
import type { Patience } from "../clock.ts";
import { corrupt } from "../errors.ts";
import { MiniError } from "../../base/errors.ts";
import type { Stream, StreamFacts } from "../stream.ts";
import {
  type Commit,
  type Fence,
  fenceHeaders,
  meaningOf,
  type StoredMessage,
} from "./message.ts";
import type { Owner } from "./commit.ts";

const NOTHING = new Uint8Array(0);

/** A commit, and the number of its message. */
export interface Placed extends Commit {
  readonly at: number;
}

/** The end of a log that was taken over: nobody else will write there. */
export interface Taken extends Owner {
  /** The first and the last commit; `undefined` if there is none. */
  readonly firstCommit: Placed | undefined;
  readonly lastCommit: Placed | undefined;
}

/**
 * Takes over a log: writes a fence, whatever stands before it, so that the owner
 * until now expects what is not so any more; then reads backwards from it.
 * The number of the fence is the epoch.
 */
export async function takeOver(
  stream: Stream,
  subject: string,
  fence: Omit<Fence, "kind">,
  patience: Patience & { readonly acceptLoss: boolean },
  signal?: AbortSignal,
): Promise<Taken> {
  const headers = fenceHeaders(fence);
  const { token, lease } = fence;
  // A second fence does no harm.
  const answer = await stream.surely(
    "take over",
    () => stream.publish({ subject, headers, body: NOTHING }),
    signal,
  );
  if (answer instanceof MiniError) throw answer;
  if (answer === "moved") throw new Error("a fence expects nothing");
  const epoch = answer.seq;
  const lastCommit = await lastBefore(stream, epoch, patience, signal);
  if (lastCommit === undefined && !patience.acceptLoss) {
    await assertNotPurged(stream, signal);
  }
  const firstCommit = lastCommit &&
    await firstFrom(stream, 1, lastCommit, signal);
  return { epoch, token, lease, firstCommit, lastCommit };
}

/** Throws if a log without a commit had some: compaction leaves the last. */
async function assertNotPurged(
  stream: Stream,
  signal: AbortSignal | undefined,
): Promise<void> {
  const facts = await stream.surely("read", () => stream.facts(), signal);
  if (facts !== undefined) assertWhole(stream.name, facts);
}

/** Throws if messages were removed from a stream that has no commit. */
export function assertWhole(
  name: string,
  { first }: Pick<StreamFacts, "first">,
): void {
  if (first <= 1) return;
  throw corrupt(
    name,
    `all before message ${first} was removed, and not by compaction, which leaves the last record`,
  );
}

/** The last commit before a message that is there. Reads one message after another, so that a server that is behind the others is noticed. */
export async function lastBefore(
  stream: Stream,
  before: number,
  patience: Patience,
  signal?: AbortSignal,
): Promise<Placed | undefined> {
  for (let seq = before - 1; seq > 0; seq--) {
    const message = await present(stream, seq, before, patience, signal);
    if (message === undefined) return undefined;
    const meaning = meaningOf(message);
    if (meaning.kind === "commit") return { ...meaning, at: seq };
  }
  return undefined;
}

/** The first commit from a message on, not behind another that is there. */
export async function firstFrom(
  stream: Stream,
  from: number,
  last: Placed,
  signal?: AbortSignal,
): Promise<Placed> {
  for (let seq = from; seq < last.at;) {
    const message = await stream.surely("read", () => stream.next(seq), signal);
    if (message === undefined || message.seq >= last.at) break;
    const meaning = meaningOf(message);
    if (meaning.kind === "commit") return { ...meaning, at: message.seq };
    seq = message.seq + 1;
  }
  return last;
}

/** Reads a message, of which it is known that the stream reaches message `end`; `undefined` if it was removed at the start of the stream. */
export async function present(
  stream: Stream,
  seq: number,
  end: number,
  patience: Patience,
  signal?: AbortSignal,
): Promise<StoredMessage | undefined> {
  const tries = new Tries(patience, signal);
  for (;;) {
    const found = await stream.surely("read", () => stream.get(seq), signal);
    if (found !== undefined) return found;
    const facts = await stream.surely("read", () => stream.facts(), signal);
    // A server that knows the end knows the start.
    const isCurrent = facts !== undefined && facts.last >= end;
    if (isCurrent && facts.first > seq) return undefined;
    if (await tries.again()) continue;
    throw corrupt(
      stream.name,
      `message ${seq} of ${end} cannot be read, and was not removed`,
    );
  }
}
