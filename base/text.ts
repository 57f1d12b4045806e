/** Numbers, columns and charts as a person reads them. Pure. */

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** A size: `812 bytes`, `1.5 MiB`. */
export function size(bytes: number): string {
  if (bytes === 1) return "1 byte";
  let unit = 0;
  while (bytes >= 1024 && unit < UNITS.length - 1) {
    bytes /= 1024;
    unit++;
  }
  const digits = unit === 0 || bytes >= 100 ? 0 : 1;
  return `${bytes.toFixed(digits)} ${UNITS[unit]}`;
}

/** A number and a noun: `1 record`, `2,000 records`. */
export function count(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** A number with commas between thousands. */
export function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Numbers from one to another: `record 3`, `records 3 to 7`. */
export function span(noun: string, from: number, to: number): string {
  return from === to ? `${noun} ${from}` : `${noun}s ${from} to ${to}`;
}

/** A time span: `0:07`, `2:03:59`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  if (hours > 0) parts.unshift(hours);
  const [first, ...others] = parts;
  return [String(first), ...others.map((part) => String(part).padStart(2, "0"))]
    .join(":");
}

/** Rows as aligned columns: numbers to the right, all else to the left. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, width(cell));
    });
  }
  return rows.map((row) =>
    row.map((cell, at) => {
      const gap = " ".repeat(widths[at]! - width(cell));
      return /^[\d,.]+( [A-Za-z]+)?$/.test(cell) ? gap + cell : cell + gap;
    }).join("  ").trimEnd()
  );
}

/** The columns of a text once control characters are shown as JSON has them. */
export function width(text: string): number {
  return columnsOf(printable(text));
}

const CONTROL =
  // deno-lint-ignore no-control-regex -- a style, or what stands in files and a terminal would obey, the direction of text included
  /\u001b\[(?:[0-2]|22|3[1-39])m|[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** A text with its control characters as JSON has them; styles stay. */
export function printable(text: string): string {
  return text.replace(
    CONTROL,
    (found) =>
      found.length > 1
        ? found
        : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The text of a value on one line, of at most `max` characters. */
export function brief(value: unknown, max: number): string {
  const text = JSON.stringify(value) ?? "nothing";
  const characters = [...text.slice(0, max * 2)];
  return characters.length <= max && text.length <= max * 2
    ? text
    : `${characters.slice(0, max - 1).join("")}…`;
}

/** The text of a value on one line, of at most this number of columns of a terminal. */
export function briefly(value: unknown, columns: number): string {
  return clipped(printable(JSON.stringify(value) ?? "nothing"), columns);
}

// deno-lint-ignore no-control-regex -- that is what a style begins with
const STYLE = /\u001b\[\d+m/g;

const PLAIN = /^[\x20-\x7e]*$/;

/** A character of two columns: East Asian, or an emoji. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18df2}\u{1aff0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Regional_Indicator}{2}/u;

/** Marks and signs that take no column of their own. */
const NO_COLUMN = /[\p{Mn}\p{Me}\p{Cf}]/gu;

let segmenter: Intl.Segmenter | undefined;

/** The characters of a text as a reader counts them, each with its columns. */
function* characters(
  text: string,
): Generator<{ text: string; columns: number }, void, undefined> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment } of segmenter.segment(text)) {
    const columns = WIDE.test(segment)
      ? 2
      : [...segment.replace(NO_COLUMN, "")].length;
    yield { text: segment, columns };
  }
}

/** The columns that a text takes on one line, styles aside. */
function columnsOf(text: string): number {
  const bare = text.replace(STYLE, "");
  if (PLAIN.test(bare)) return bare.length;
  let sum = 0;
  for (const { columns } of characters(bare)) sum += columns;
  return sum;
}

/** The text, or as much of its beginning as leaves a column for `…`. It has no styles. */
export function clipped(text: string, columns: number): string {
  // A mark takes no column, and there may be many.
  const start = text.slice(0, columns * 8);
  if (start.length === text.length && columnsOf(text) <= columns) return text;
  let kept = "";
  let left = columns - 1;
  for (const character of characters(start)) {
    left -= character.columns;
    if (left < 0) break;
    kept += character.text;
  }
  return `${kept}…`;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** A bar for `value`, `width` characters long where it is `max`. Nothing but 0 shows nothing. */
export function bar(value: number, max: number, width: number): string {
  if (value <= 0 || max <= 0) return "";
  const eighths = Math.max(1, Math.round(value / max * width * 8));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

/** A part of a {@linkcode segmentMap}. */
interface Stretch {
  /** The number before its first record. */
  readonly base: number;
  /** That of its last. */
  readonly last: number;
}

/**
 * Segments side by side, each as wide as its share of the records, in two
 * shades by turns; below, a mark where each of `marks` stands.
 */
export function segmentMap(
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
export function inGroups<T>(items: readonly T[], max: number): T[][] {
  const groups: T[][] = [];
  const per = Math.ceil(items.length / max);
  for (let at = 0; at < items.length; at += per) {
    groups.push(items.slice(at, at + per));
  }
  return groups;
}
