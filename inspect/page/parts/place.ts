/** Places in the page, as the part of an address behind its `#`. Pure. */

/** The views of the page, in the order of their tabs. */
export const TABS = ["log", "state", "files", "queue"] as const;

/** A view of the page. */
export type Tab = typeof TABS[number];

/** A place in the page. */
export interface Place {
  readonly tab?: Tab;
  /** The record that is picked; the newest one, whichever it is, if left out. */
  readonly at?: number;
  /** The message of a queue that is picked. */
  readonly job?: number;
}

/** The address of a place. */
export function hashOf({ tab, at, job }: Place): string {
  const where = new URLSearchParams();
  if (tab !== undefined) where.set("view", tab);
  if (at !== undefined) where.set("at", `${at}`);
  if (job !== undefined) where.set("job", `${job}`);
  return `#${where}`;
}

/** The place of an address. What makes no sense in it is left out. */
export function placeOf(hash: string): Place {
  const where = new URLSearchParams(hash.slice(1));
  const tab = TABS.find((name) => name === where.get("view"));
  const at = numberIn(where.get("at"));
  const job = numberIn(where.get("job"));
  return {
    ...(tab !== undefined && { tab }),
    ...(at !== undefined && { at }),
    ...(job !== undefined && { job }),
  };
}

function numberIn(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
