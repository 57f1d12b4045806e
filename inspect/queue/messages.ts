import {
  delayOf,
  depthOf,
  type LedgerView,
  type QueueOnDisk,
  standingOf,
} from "../../admin/internal.ts";
import { messageOf } from "../../base/reason.ts";
import { brief } from "../../base/text.ts";
import type {
  LedgerFinishedMessage,
  LedgerMessage,
  ScheduleRecord,
  ScheduleStatus,
} from "../../queue/mod.ts";
import type {
  FinishedRow,
  LeaseRow,
  MessageRow,
  PendingRow,
  QueueAnswer,
  ScheduleRow,
} from "../api_types.ts";
import type { Redactor } from "../redact.ts";

const MAX_MESSAGES = 100;
const VALUE_CHARS = 400;

/** A queue that is shown: on disk, or one that is open. */
export interface ShownQueue {
  readonly found: QueueOnDisk;
  /** The most waiting messages that are looked at. */
  readonly limit?: number;
  /** The schedules of one that is open. */
  readonly schedules?: readonly ScheduleStatus[];
}

/** Shows a queue, of each message what may be shown. */
export async function queueAnswer(
  { found, limit, schedules }: ShownQueue,
  redactor: Redactor,
): Promise<QueueAnswer> {
  const { view } = found;
  const standing = standingOf(found, limit);
  const rows = new Rows(view, redactor);
  const firstInGroup = holdersIn([
    ...standing.inFlight,
    ...standing.ready,
    ...standing.delayed,
  ]);
  const some = (messages: readonly LedgerMessage[]) =>
    messages.slice(0, MAX_MESSAGES).map((message) => rows.pending(message));
  const { schedules: onRecord, ...depth } = await depthOf(found);
  const { policy } = view.ledger;
  return {
    at: found.sequence,
    ...(policy !== undefined && { limits: policy }),
    depth: {
      ...depth,
      schedules: (schedules ?? onRecord).map((schedule) =>
        scheduleRow(schedule, redactor)
      ),
    },
    messages: {
      ready: some(standing.ready),
      blocked: standing.blocked.slice(0, MAX_MESSAGES).map((message) => {
        const waitsFor = firstInGroup.get(message.group);
        return {
          ...rows.pending(message),
          ...(waitsFor !== undefined && { waitsFor }),
        };
      }),
      delayed: some(standing.delayed),
      inFlight: some(standing.inFlight),
      dead: some(standing.dead),
      finished: standing.finished.slice(0, MAX_MESSAGES)
        .map((message) => rows.finished(message)),
    },
  };
}

/** The message of each group that the others wait for. */
function holdersIn(
  messages: readonly LedgerMessage[],
): Map<string | undefined, number> {
  const holders = new Map<string | undefined, number>();
  for (const { id, group } of messages) {
    if (group !== undefined && !holders.has(group)) holders.set(group, id);
  }
  return holders;
}

/** The values of a message that its redaction sees. */
type Values = Partial<
  Pick<
    LedgerFinishedMessage,
    "payload" | "group" | "headers" | "progress" | "reason" | "result"
  >
>;

/** Makes the rows of messages. */
class Rows {
  readonly #view: LedgerView;
  readonly #redactor: Redactor;

  constructor(view: LedgerView, redactor: Redactor) {
    this.#view = view;
    this.#redactor = redactor;
  }

  pending(message: LedgerMessage & { readonly diedAt?: number }): PendingRow {
    const { at, diedAt = at, id, inFlight } = message;
    const { now, latestOf, holdOf } = this.#view;
    const { progress = message.progress } = inFlight && latestOf?.(id) || {};
    const hold = inFlight ? holdOf?.(id) : undefined;
    const { row } = this.#row({ ...message, progress }, now - diedAt);
    return {
      ...row,
      delayMs: Math.round(delayOf(message, this.#view)),
      ...(hold !== undefined && { lease: leaseRow(hold) }),
    };
  }

  finished(message: LedgerFinishedMessage): FinishedRow {
    const { as, endedAt } = message;
    const { row, result } = this.#row(message, this.#view.now - endedAt);
    return {
      ...row,
      as: as === "acked" ? "done" : as,
      ...(result !== undefined && { result: brief(result, VALUE_CHARS) }),
    };
  }

  #row(
    message: LedgerMessage | LedgerFinishedMessage,
    ageMs: number,
  ): { row: MessageRow; result?: unknown } {
    const { id, priority, attempts } = message;
    const { payload, group, headers, progress, reason, result } = this.#shown(
      message,
    );
    const row = {
      id,
      text: brief(payload, VALUE_CHARS),
      priority,
      ...(group !== undefined && { group: `${group}` }),
      ...(headers !== undefined && { headers: textsIn(headers) }),
      attempts,
      ...(progress !== undefined && { progress: brief(progress, VALUE_CHARS) }),
      ageMs: Math.max(0, Math.round(ageMs)),
      ...(reason !== undefined && { reason: `${reason}` }),
    };
    return { row, result };
  }

  #shown(message: LedgerMessage | LedgerFinishedMessage): Values {
    if (!this.#redactor.isOn) return message;
    const { id, payload, group, headers, progress, reason } = message;
    const { result } = message as LedgerFinishedMessage;
    const values = { payload, group, headers, progress, reason, result };
    const there = Object.entries(values)
      .filter(([, value]) => value !== undefined);
    const left = this.#redactor.value(
      { id, ...Object.fromEntries(there) },
      { kind: "message", id },
    );
    // `null` of a field is one of which nothing is left.
    return Object.fromEntries(
      Object.entries(Object(left)).filter(([key, value]) =>
        value !== null || key === "payload"
      ),
    );
  }
}

/** The headers that are left, as text whatever they are. */
function textsIn(headers: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(Object(headers)).map(([name, text]) => [name, `${text}`]),
  );
}

function leaseRow(
  { by, heldMs, leftMs }: {
    by: LeaseRow["by"];
    heldMs: number;
    leftMs: number;
  },
): LeaseRow {
  return {
    by,
    heldMs: Math.round(heldMs),
    ...(leftMs < Infinity && { leftMs: Math.round(leftMs) }),
  };
}

function scheduleRow(
  schedule: ScheduleRecord | ScheduleStatus,
  redactor: Redactor,
): ScheduleRow {
  const { name, last, missed } = schedule;
  const { next, failure }: Partial<ScheduleStatus> = schedule as ScheduleStatus;
  return {
    name: redactor.text(name, { kind: "schedule" }),
    ...(last !== undefined && { last: last.toISOString() }),
    missed,
    ...(next !== undefined && { next: next.toISOString() }),
    ...(failure !== undefined && {
      problem: redactor.error(messageOf(failure)),
    }),
  };
}
