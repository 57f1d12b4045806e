import type { LedgerMessage } from "../../queue/mod.ts";
import {
  type Depth,
  depthOf,
  type QueueOnDisk,
  standingOf,
} from "../ledger.ts";
import { delayOf, type LedgerView } from "../../queue/ledger/read.ts";
import { brief } from "../../base/text.ts";

/** A message as the page shows it, with its payload shortened. */
export interface MessageRow {
  readonly id: number;
  readonly text: string;
  readonly priority: number;
  readonly group?: string;
  readonly attempts: number;
  /** How long ago it was enqueued, or died, in milliseconds. */
  readonly ageMs: number;
  /** How long until it may be received, in milliseconds. */
  readonly delayMs: number;
  readonly reason?: string;
}

/** A queue as the page shows it. */
export interface QueueView {
  readonly at: number;
  readonly depth: Depth;
  /** The first messages of each kind, in the order of delivery. */
  readonly messages: Readonly<Record<string, readonly MessageRow[]>>;
}

const MAX_MESSAGES = 100;
const PAYLOAD_CHARS = 400;

/** Makes the view of a queue. */
export async function queueView(found: QueueOnDisk): Promise<QueueView> {
  const { ready, blocked, delayed, inFlight, dead } = standingOf(found);
  const rows = (messages: readonly LedgerMessage[]) =>
    messages.slice(0, MAX_MESSAGES).map((message) =>
      rowOf(message, found.view)
    );
  return {
    at: found.sequence,
    depth: await depthOf(found),
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
  view: LedgerView,
): MessageRow {
  const { id, payload, priority, group, attempts, reason } = message;
  return {
    id,
    text: brief(payload, PAYLOAD_CHARS),
    priority,
    ...(group !== undefined && { group }),
    attempts,
    ageMs: Math.max(0, Math.round(view.now - (message.diedAt ?? message.at))),
    delayMs: Math.round(delayOf(message, view)),
    ...(reason !== undefined && { reason }),
  };
}
