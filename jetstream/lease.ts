import { deadline, pause } from "../base/deadline.ts";
import { MiniError } from "../base/errors.ts";
import { withResolvers } from "../base/promise.ts";
import { type Patience, Tries } from "./clock.ts";
import { deposed, failureOf } from "./errors.ts";
import { decoded, type Headers, numberIn } from "./log/message.ts";
import type { Stream } from "./stream.ts";

/** How often a lease is renewed within its time, and looked at by who waits for it. */
const RENEWALS = 4;

/** The longest time between two looks at a lease, in milliseconds. */
const MAX_LOOK_MS = 250;

const NOTHING = new Uint8Array(0);

/** A lease as somebody has written it. */
interface Written {
  /** The number of its message: another each time that it is renewed. */
  readonly revision: number;
  readonly token: string | undefined;
  readonly holder: string;
  /** How long it holds; `undefined` if it was given back. */
  readonly ms: number | undefined;
}

/** Who wants a lease, and how. */
export interface Claim {
  readonly subject: string;
  /** The stream of the log, for messages. */
  readonly name: string;
  readonly token: string;
  readonly holder: string;
  readonly leaseMs: number;
  /** Whether the log has had an owner, which may live where its lease was removed. */
  readonly hadOwner: boolean;
  readonly whenHeld: "refuse" | "wait" | "depose";
  readonly signal?: AbortSignal | undefined;
  readonly patience: Patience;
}

/**
 * The right to be the owner of a log, as one message that its holder writes again
 * and again. No clocks are compared: who wants it watches whether its number
 * changes, by a clock that only counts, and replaces the message that it has seen.
 *
 * A lease keeps owners from taking over from each other without end. That two of
 * them never write at the same time is the work of the fence.
 */
export class Lease {
  readonly #stream: Stream;
  readonly #claim: Claim;
  readonly #stop = new AbortController();
  readonly #lost = withResolvers<MiniError>();
  /** The number of the message with which it was taken: it grows with each owner. */
  readonly taken: number;
  #revision: number;
  /** When it was written last, by a clock that only counts. */
  #since: number;
  #renewing: Promise<void>;

  private constructor(
    stream: Stream,
    claim: Claim,
    revision: number,
    since: number,
  ) {
    this.#stream = stream;
    this.#claim = claim;
    this.#revision = this.taken = revision;
    this.#since = since;
    this.#renewing = this.#renew();
  }

  /**
   * Takes a lease that nobody holds, or whose holder is not heard of for the time
   * that it has said. One that was removed may have a holder, who will write it
   * again. Throws `LOCKED` if the holder is heard of, and nobody is to wait for it.
   */
  static async take(stream: Stream, claim: Claim): Promise<Lease> {
    const { whenHeld, token, signal } = claim;
    let tries = new Tries(claim.patience, signal);
    let seen: { revision: number; at: number } | undefined;
    for (;;) {
      signal?.throwIfAborted();
      const found = await read(stream, claim);
      const now = performance.now();
      const { revision, ms } = found;
      const isFree = ms === undefined || whenHeld === "depose" ||
        found.token === token ||
        seen?.revision === revision && now - seen.at >= ms;
      if (isFree) {
        const taken = await tried(stream, claim, revision);
        if (taken !== undefined) return new Lease(stream, claim, taken, now);
        if (await tries.again()) continue;
        throw unavailable(claim);
      }
      const isHeard = seen !== undefined && seen.revision !== revision &&
        revision > 0;
      if (isHeard && whenHeld === "refuse") throw locked(claim, found);
      if (seen?.revision !== revision) seen = { revision, at: now };
      await pause(Math.min(ms / RENEWALS, MAX_LOOK_MS), signal);
      // However long it was held, there is time to take it when it is free.
      tries = new Tries(claim.patience, signal);
    }
  }

  /** Resolves when somebody else has it, or it could not be renewed in its time. */
  get lost(): Promise<MiniError> {
    return this.#lost.promise;
  }

  /** Gives it back, so that the next owner need not wait. Tries until it ends by itself. */
  async release(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#renewing;
    const doubtMs = this.#since + this.#claim.leaseMs - performance.now();
    const tries = new Tries({ doubtMs });
    for (;;) {
      try {
        await this.#write(undefined);
        return;
      } catch (error) {
        const isOver = error instanceof MiniError || this.#stream.isClosed;
        if (isOver || !await tries.again()) return;
      }
    }
  }

  async #renew(): Promise<void> {
    const { leaseMs } = this.#claim;
    const { signal } = this.#stop;
    for (;;) {
      try {
        await pause(leaseMs / RENEWALS, signal);
      } catch {
        return;
      }
      const now = performance.now();
      try {
        const leftMs = Math.max(0, this.#since + leaseMs - now);
        const other = await deadline(this.#write(leaseMs), leftMs);
        if (other !== undefined) {
          return this.#lose(`"${other.holder}" has taken the lease`);
        }
        this.#since = now;
      } catch (error) {
        // It is tried again.
        if (error instanceof MiniError) {
          return this.#lose(`the lease cannot be renewed: ${error.message}`);
        }
      }
      if (signal.aborted) return;
      if (performance.now() - this.#since >= leaseMs) {
        return this.#lose(`the lease could not be renewed for ${leaseMs} ms`);
      }
    }
  }

  #lose(why: string): void {
    this.#stop.abort();
    this.#lost.resolve(deposed(this.#claim.name, why));
  }

  /** Writes the lease again. Resolves to the one of somebody else, if it is that. */
  async #write(ms: number | undefined): Promise<Written | undefined> {
    const { token } = this.#claim;
    for (let expected = this.#revision;;) {
      const revision = await write(this.#stream, this.#claim, expected, ms);
      if (revision !== undefined) {
        this.#revision = revision;
        return undefined;
      }
      const found = await read(this.#stream, this.#claim, false);
      // One's own, of which the answer was lost; an older one is read where the server is behind.
      const isOther = found.token !== token && found.revision > this.#revision;
      if (isOther) return found;
      // Somebody has removed it. Where the server is behind, this is refused.
      const isRemoved = found.revision === 0 && expected > 0;
      if (!isRemoved && found.revision <= expected) {
        throw new Error("the server that answers is behind the others");
      }
      expected = found.revision;
      if (!isRemoved) this.#revision = expected;
    }
  }
}

/** Takes the lease that has a revision. Resolves to the new one, to `undefined` if it may not be taken. */
async function tried(
  stream: Stream,
  claim: Claim,
  revision: number,
): Promise<number | undefined> {
  try {
    return await write(stream, claim, revision, claim.leaseMs);
  } catch (error) {
    if (error instanceof MiniError) throw error;
    // It may be taken all the same: the next look tells.
    return undefined;
  }
}

/** Replaces the lease that has a revision. Resolves to the new one, to `undefined` if it had another. */
async function write(
  stream: Stream,
  { subject, token, holder }: Claim,
  revision: number,
  ms: number | undefined,
): Promise<number | undefined> {
  const headers: Headers = {
    "Mini-Holder": encodeURIComponent(holder),
    "Mini-Token": token,
    ...(ms !== undefined && { "Mini-Lease": `${ms}` }),
  };
  const message = { subject, headers, body: NOTHING };
  const answer = await stream.publish(message, { lastOfSubject: revision });
  if (answer instanceof MiniError) throw answer;
  return answer === "moved" ? undefined : answer.seq;
}

async function read(
  stream: Stream,
  { subject, signal, hadOwner, leaseMs }: Claim,
  isPatient = true,
): Promise<Written> {
  const ask = () => stream.lastOf(subject);
  const found = isPatient
    ? await stream.surely("read", ask, signal)
    : await ask();
  if (found === undefined) {
    const ms = hadOwner ? leaseMs : undefined;
    return { revision: 0, token: undefined, holder: "", ms };
  }
  const { seq: revision, headers } = found;
  return {
    revision,
    token: headers["Mini-Token"],
    holder: decoded(headers["Mini-Holder"] ?? ""),
    ms: numberIn(headers, "Mini-Lease"),
  };
}

function unavailable({ name, patience }: Claim): MiniError {
  const reason = new Error(`no answer for ${patience.doubtMs} ms`);
  const doing = `take the lease of the log in stream ${name}`;
  return failureOf(doing, reason, "nothing was written to the log");
}

function locked({ name }: Claim, { holder }: Written): MiniError {
  return new MiniError(
    "LOCKED",
    `Cannot open the log in stream ${name}: "${holder}" is its owner, and renews its lease; nothing was changed`,
  );
}
