/** The kinds of records of states and queues. Pure. */
import { kindOfEntry } from "../../admin/internal.ts";

/** The entry of a state in a record, if it is one. */
function entryIn(data: unknown): Record<string, unknown> | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const [first, ...others] = Object.keys(data);
  const isEntry = first !== undefined &&
    ["apply", "applyBatch", "abort"].includes(first) &&
    others.every((key) => key === "version");
  return isEntry ? data as Record<string, unknown> : undefined;
}

/** The kind of a record of a state or a queue. */
export function kindOf(data: unknown): { kind?: string } {
  const entry = entryIn(data);
  if (entry === undefined) return {};
  const [kind = ""] = Object.keys(entry);
  return { kind: kindOfEntry(entry.apply) ?? kind };
}

/** The value that a row shows: the content of an entry. */
export function bodyOf(data: unknown): unknown {
  const entry = entryIn(data);
  if (entry === undefined) return data;
  const kind = kindOfEntry(entry.apply);
  return kind === undefined
    ? Object.values(entry)[0]
    : (entry.apply as Record<string, unknown>)[kind];
}
