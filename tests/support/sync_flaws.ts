import type { LogFlaw } from "./log_flaw.ts";

/** Flaws of synchronous appends. */
export const SYNC_FLAWS: readonly LogFlaw[] = [
  {
    what: "appendSync() appends later",
    breaks: [
      "appendSync() appends before it returns, and the appends that wait before that",
      "appendSync() returns once the record is durable",
    ],
    of: (log) => ({
      appendSync: (record) => {
        queueMicrotask(() => void log.append(record).catch(() => {}));
        return log.sequence + 1;
      },
    }),
  },
];
