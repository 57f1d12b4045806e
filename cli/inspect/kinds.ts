/** The kinds of records of states and queues. Pure. */

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
  const event = queueEvent(entry.apply);
  return { kind: event ?? kind };
}

/** The value that a row shows: the content of an entry. */
export function bodyOf(data: unknown): unknown {
  const entry = entryIn(data);
  if (entry === undefined) return data;
  const event = queueEvent(entry.apply);
  return event === undefined
    ? Object.values(entry)[0]
    : (entry.apply as Record<string, unknown>)[event];
}

const QUEUE_EVENTS = [
  "enqueue",
  "receive",
  "settle",
  "expire",
  "redrive",
  "purge",
  "paused",
  "gone",
  "tick",
];

function queueEvent(entry: unknown): string | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  if (!("at" in entry) || typeof entry.at !== "number") return undefined;
  return QUEUE_EVENTS.find((event) => event in entry);
}
