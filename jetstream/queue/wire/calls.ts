import type { Msg, MsgHdrs, NatsConnection } from "@nats-io/nats-core";
import { causesOf, field, messageOf } from "../../../base/reason.ts";
import {
  MiniError,
  type MiniErrorCode,
  systemClock,
} from "../../../queue/mod.ts";
import { API, LIMITS } from "../../errors.ts";

/** How long to wait after a failure that may pass, in milliseconds. */
const RETRY_MS = 150;

/** The codes of the servers while a leader is chosen, or a peer is missing. */
const PASSING_CODES: ReadonlySet<number> = new Set([
  10004, // cluster incomplete
  10005, // no suitable peers
  10008, // system temporarily unavailable
  10009, // not the leader
  10041, // a failure of Raft
  10118, // stream is offline
  10119, // consumer is offline
  10158, // a message with the same id is being stored
]);

/** Answers about a batch that was cut off by a change of the leader, or that has to wait for others. */
const PASSING_TEXT = /batch is incomplete|too many inflight/;

const CODES: Readonly<Record<number, MiniErrorCode>> = {
  ...LIMITS,
  [API.storeFailed]: "NO_SPACE", // maximum bytes or messages exceeded
  [API.tooLarge]: "TOO_LARGE",
  10097: "TOO_LARGE",
  [API.duplicateInBatch]: "CONFLICT", // a batch with an id that is taken
};

/** The servers' own code of a failure. */
export function refusalOf(error: unknown): number | undefined {
  const code = field(error, "code");
  return typeof code === "number" ? code : undefined;
}

/** The names of an error and of its causes. Not by `instanceof`: the connection may be of another copy of the client. */
function namesOf(error: unknown): string[] {
  const names = [field(error, "name"), ...causesOf(error).flatMap(namesOf)];
  return names.filter((name) => typeof name === "string");
}

/** Whether the same call may succeed a little later. */
function isPassing(error: unknown): boolean {
  const code = refusalOf(error);
  if (code !== undefined) {
    return PASSING_CODES.has(code) || PASSING_TEXT.test(messageOf(error));
  }
  const names = namesOf(error);
  if (names.includes("PermissionViolationError")) return false;
  return ["TimeoutError", "NoResponders", "RequestError", "NoRespondersError"]
    .some((name) => names.includes(name));
}

function codeOf(error: unknown): MiniErrorCode {
  const names = namesOf(error);
  if (names.includes("PermissionViolationError")) return "PERMISSION";
  if (names.includes("JetStreamNotEnabled")) return "UNSUPPORTED";
  return CODES[refusalOf(error) ?? 0] ?? "UNAVAILABLE";
}

/** Calls the servers, again and again while they have no leader or no quorum. */
export class Calls {
  readonly nc: NatsConnection;
  readonly #requestTimeoutMs: number;
  readonly #doubtMs: number;

  constructor(
    nc: NatsConnection,
    limits: { readonly requestTimeoutMs: number; readonly doubtMs: number },
  ) {
    this.nc = nc;
    this.#requestTimeoutMs = limits.requestTimeoutMs;
    this.#doubtMs = limits.doubtMs;
  }

  /** How long one answer may take, in milliseconds. */
  get requestTimeoutMs(): number {
    return this.#requestTimeoutMs;
  }

  /** Asks once. */
  request(
    subject: string,
    body: string | Uint8Array,
    { headers, timeoutMs = this.#requestTimeoutMs }: {
      readonly headers?: MsgHdrs;
      readonly timeoutMs?: number;
    } = {},
  ): Promise<Msg> {
    const timeout = Math.max(1, Math.min(timeoutMs, this.#requestTimeoutMs));
    return this.nc.request(subject, body, {
      timeout,
      ...(headers && { headers }),
    });
  }

  /**
   * Runs a call that changes nothing when it is repeated.
   *
   * @param doing The call, in words.
   * @param call The call; given the number of earlier tries.
   * @param options For how long to try; and what is true if that is over.
   * @throws {MiniError} Its code is that of the refusal; `UNAVAILABLE` if no
   * answer came in time; `CLOSED` if the connection was closed.
   */
  async patiently<R>(
    doing: string,
    call: (tries: number) => Promise<R>,
    { forMs = this.#doubtMs, known = "nothing was changed" }: {
      readonly forMs?: number;
      readonly known?: string;
    } = {},
  ): Promise<R> {
    const until = systemClock.monotonic() + forMs;
    for (let tries = 0;; tries++) {
      try {
        return await call(tries);
      } catch (error) {
        if (error instanceof MiniError) throw error;
        this.checkOpen(doing, known);
        const isLast = !isPassing(error) ||
          systemClock.monotonic() + RETRY_MS >= until;
        if (isLast) throw failure(doing, error, known);
      }
      await systemClock.sleep(RETRY_MS, new AbortController().signal);
    }
  }

  /** Throws `CLOSED` if the connection was closed: no later try would help. */
  checkOpen(doing: string, known: string): void {
    if (!this.nc.isClosed()) return;
    throw new MiniError(
      "CLOSED",
      `Cannot ${doing}: the connection was closed; ${known}`,
    );
  }
}

function failure(doing: string, error: unknown, known: string): MiniError {
  const code = codeOf(error);
  // A refusal is an answer: nothing is in doubt.
  const isRefused = refusalOf(error) !== undefined || code === "PERMISSION";
  return new MiniError(
    code,
    `Cannot ${doing}: ${messageOf(error)}; ${
      isRefused ? "nothing was changed" : known
    }`,
    { cause: error },
  );
}
