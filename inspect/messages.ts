import type { LedgerFinishedMessage, LedgerMessage } from "../queue/mod.ts";
import { delayOf, type LedgerView } from "../queue/ledger/read.ts";
import {
  type Depth,
  depthOf,
  type QueueOnDisk,
  standingOf,
} from "../admin/read/ledger.ts";
import { brief } from "../base/text.ts";

/** A message as the page shows it, with its payload shortened. */
export interface MessageRow {
  readonly id: number;
  readonly text: string;
  readonly priority: number;
  readonly group?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly attempts: number;
  /** How far its handler is, or was. */
  readonly progress?: string;
  /** How long ago it was enqueued, or ended, in milliseconds. */
  readonly ageMs: number;
  readonly reason?: string;
}

/** A message that waits or is dead. */
export interface PendingRow extends MessageRow {
  /** How long until it may be received, in milliseconds. */
  readonly delayMs: number;
}

/** A message that has finished. */
export interface FinishedRow extends MessageRow {
  readonly as: "done" | "cancelled";
  readonly result?: string;
}

/** A queue as the page shows it. */
export interface QueueView {
  readonly at: number;
  readonly depth: Depth;
  /** The first messages of each kind, in the order of {@linkcode standingOf}. */
  readonly messages: Readonly<Record<string, readonly MessageRow[]>>;
}

const MAX_MESSAGES = 100;
const VALUE_CHARS = 400;

/** Makes the view of a queue. */
export async function queueView(found: QueueOnDisk): Promise<QueueView> {
  const { finished, ...standing } = standingOf(found);
  const { view } = found;
  const rows = Object.entries(standing).map(([key, messages]) => [
    key,
    messages.slice(0, MAX_MESSAGES).map((message) => pendingRow(message, view)),
  ]);
  return {
    at: found.sequence,
    depth: await depthOf(found),
    messages: {
      ...Object.fromEntries(rows),
      finished: finished.slice(0, MAX_MESSAGES)
        .map((message) => finishedRow(message, view)),
    },
  };
}

function pendingRow(
  message: LedgerMessage & { diedAt?: number },
  view: LedgerView,
): PendingRow {
  const { at, diedAt = at } = message;
  const delayMs = Math.round(delayOf(message, view));
  return { ...rowOf(message, view.now - diedAt), delayMs };
}

function finishedRow(
  message: LedgerFinishedMessage,
  { now }: LedgerView,
): FinishedRow {
  const { as, endedAt, result } = message;
  return {
    ...rowOf(message, now - endedAt),
    as: as === "acked" ? "done" : as,
    ...(result !== undefined && { result: brief(result, VALUE_CHARS) }),
  };
}

function rowOf(
  message: LedgerMessage | LedgerFinishedMessage,
  ageMs: number,
): MessageRow {
  const { id, payload, priority, group, headers, attempts } = message;
  const { progress, reason } = message;
  return {
    id,
    text: brief(payload, VALUE_CHARS),
    priority,
    ...(group !== undefined && { group }),
    ...(headers !== undefined && { headers }),
    attempts,
    ...(progress !== undefined && { progress: brief(progress, VALUE_CHARS) }),
    ageMs: Math.max(0, Math.round(ageMs)),
    ...(reason !== undefined && { reason }),
  };
}
