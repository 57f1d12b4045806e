/** Charts made of characters. Pure. */

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** A bar for `value`, `width` characters long where it is `max`. Nothing but 0 shows nothing. */
export function bar(value: number, max: number, width: number): string {
  if (value <= 0 || max <= 0) return "";
  const eighths = Math.max(1, Math.round(value / max * width * 8));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

/** A part of a {@linkcode map}. */
export interface Stretch {
  /** The number before its first record. */
  readonly base: number;
  /** That of its last. */
  readonly last: number;
}

/**
 * Segments side by side, each as wide as its share of the records, in two
 * shades by turns; below, a mark where each of `marks` stands.
 */
export function map(
  segments: readonly Stretch[],
  marks: readonly number[],
  width: number,
): string[] {
  const start = segments[0]?.base ?? 0;
  const end = segments.at(-1)?.last ?? 0;
  if (end <= start) return [];
  const column = (seq: number) =>
    Math.min(width - 1, Math.floor((seq - start) / (end - start) * width));
  const cells = Array.from({ length: width }, (_, at) => {
    const seq = start + (at + 0.5) / width * (end - start);
    const index = segments.findIndex(({ last }) => seq <= last);
    return index % 2 === 0 ? "█" : "▒";
  });
  const shown = marks.filter((mark) => mark >= start && mark <= end);
  if (shown.length === 0) return [cells.join("")];
  const below = Array.from({ length: width }, () => " ");
  for (const mark of shown) below[column(mark)] = "▲";
  return [cells.join(""), below.join("").trimEnd()];
}

/** Neighbours put together, so that no more than `max` are left. */
export function grouped<T>(items: readonly T[], max: number): T[][] {
  const groups: T[][] = [];
  const per = Math.ceil(items.length / max);
  for (let at = 0; at < items.length; at += per) {
    groups.push(items.slice(at, at + per));
  }
  return groups;
}
