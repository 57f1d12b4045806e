import type { LedgerEntry } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";

/** When the schedule "report" has fired. */
const FIRED = Date.UTC(2026, 0, 2, 3);
const DAYS_MS = 3 * 86_400_000;

/** Entries of every kind that jobs need, three days ago: one job is under way, one is done, one was cancelled, and three wait, the last enqueued by one of two schedules. */
export function jobEntries(): LedgerEntry<string>[] {
  const at = Date.now() - DAYS_MS;
  const names = ["under way", "done", "cancelled", "waiting"];
  const jobs = names.map((payload, index) => ({ id: index + 1, payload }));
  const [first, ...others] = jobs;
  const headers = { trace: "4711", note: "<i>" };
  return [
    { at, v: 2, policy: { finished: { count: 10 } } },
    { at, v: 2, enqueue: [{ ...first!, headers }, ...others] },
    { at, receive: [1, 2] },
    {
      at,
      v: 2,
      progress: [{ id: 1, receipt: 1, progress: { percent: 40 } }],
    },
    {
      at,
      v: 2,
      settle: [{ id: 2, receipt: 1, as: "acked", result: { bytes: 7 } }],
    },
    { at: at + 1, v: 2, cancel: [{ id: 3, reason: "not needed" }] },
    { at: at + 1, v: 2, update: [{ id: 4, priority: 2 }] },
    {
      at: at + 1,
      v: 2,
      schedule: ["report", "poll"].map((name) => ({
        name,
        clock: "wall" as const,
        since: FIRED - 1,
      })),
    },
    {
      at: at + 1,
      v: 2,
      fire: [{
        name: "report",
        for: FIRED,
        skipped: 3,
        message: { id: 5, payload: "by the clock" },
      }],
    },
  ];
}

/** Writes the log of a queue. */
export async function writeEntries(
  path: string,
  entries: readonly LedgerEntry<string>[],
): Promise<void> {
  await using store = await MiniStore.open(path, { durable: false });
  for (const apply of entries) await store.append({ apply });
}
