import type { LedgerMessage } from "../../queue/ledger/ledger.ts";
import { depthOf, type QueueOnDisk, standingOf } from "../ledger.ts";
import { brief } from "../../base/text.ts";

/** A message as the page shows it; what it carries is cut short. */
export interface MessageRow {
  readonly id: number;
  readonly text: string;
  readonly priority: number;
  readonly group?: string;
  readonly attempts: number;
  /** For how many milliseconds it has been there, */
  readonly ageMs: number;
  /** and for how many more it is delayed. */
  readonly delayMs: number;
  readonly reason?: string;
}

/** A queue as the page shows it. */
export interface QueueView {
  readonly at: number;
  readonly depth: ReturnType<typeof depthOf>;
  /** The first of each, in the order in which they come to be received. */
  readonly messages: Readonly<Record<string, readonly MessageRow[]>>;
}

const MAX_MESSAGES = 100;
const PAYLOAD_CHARS = 400;

/** How a queue stands, and the messages in it. */
export function queueView(found: QueueOnDisk): QueueView {
  const { ready, blocked, delayed, inFlight, dead } = standingOf(found);
  const rows = (messages: readonly LedgerMessage[]) =>
    messages.slice(0, MAX_MESSAGES).map((message) => rowOf(message, found.now));
  return {
    at: found.sequence,
    depth: depthOf(found),
    messages: {
      ready: rows(ready),
      blocked: rows(blocked),
      delayed: rows(delayed),
      inFlight: rows(inFlight),
      dead: rows(dead),
    },
  };
}

function rowOf(
  message: LedgerMessage & { diedAt?: number },
  now: number,
): MessageRow {
  const { id, payload, priority, group, attempts, due, reason } = message;
  return {
    id,
    text: brief(payload, PAYLOAD_CHARS),
    priority,
    ...(group !== undefined && { group }),
    attempts,
    ageMs: Math.max(0, Math.round(now - (message.diedAt ?? message.at))),
    delayMs: Math.max(0, Math.round(due - now)),
    ...(reason !== undefined && { reason }),
  };
}
