import type { MiniError } from "@mini/state/store";
import type { Failed } from "./disk_faults.ts";
import type { Row } from "./rows.ts";

const BY_CAUSE: readonly [RegExp, Row][] = [
  [/it was removed or renamed/, "active file removed: poisoned"],
  [/it was replaced by another/, "active file replaced: poisoned"],
  [/its lock file was removed/, "lock: removed, poisoned"],
];

/** The row of "When a write fails" that an error shows; `undefined` where it shows none. */
export function rowOfFailure(
  error: MiniError,
  failed: readonly Failed[],
): Row | undefined {
  const { code, message, cause } = error;
  if (code === "POISONED") return rowOfPoison(cause, failed);
  if (code === "BUSY") return "appendSync: busy, nothing written";
  if (code === "LOCKED") return "lock: held by another handle";
  if (/^Cannot append to/.test(message)) return rowOfFullDisk(cause);
  if (/^Cannot start a new segment/.test(message)) {
    return "rotation fails: reported, the log continues";
  }
  if (/^Cannot remove .* from/.test(message)) {
    return "compaction fails: reported, the log continues";
  }
  if (/^Cannot create .*snapshot_/.test(message)) {
    return "snapshot: fails, the log continues";
  }
  return undefined;
}

function rowOfFullDisk(cause: unknown): Row | undefined {
  switch ((cause as { code?: string }).code) {
    case "ENOSPC":
      return "write ENOSPC: taken back";
    case "EDQUOT":
      return "write EDQUOT: taken back";
    case "EFBIG":
      return "write EFBIG: taken back";
    default:
      return undefined;
  }
}

function rowOfPoison(
  cause: unknown,
  failed: readonly Failed[],
): Row | undefined {
  if (!(cause instanceof Error)) return undefined;
  const size = /it has (\d+) bytes instead of (\d+)/.exec(cause.message);
  if (size !== null) {
    return Number(size[1]) < Number(size[2])
      ? "active file cut: poisoned"
      : "active file grown: poisoned";
  }
  const known = BY_CAUSE.find(([pattern]) => pattern.test(cause.message));
  if (known !== undefined) return known[1];
  const at = failed.findLastIndex(({ code, path }) =>
    cause.message === `${code}: ${path}`
  );
  switch (failed[at]?.operation) {
    case "truncate":
      return "taken back: that fails as well, poisoned";
    case "sync":
      return "fsync fails: poisoned";
    case "write":
      return "write fails otherwise: poisoned";
    case "syncDirectory":
      return "rotation: a directory sync fails, poisoned";
    default:
      return undefined;
  }
}
