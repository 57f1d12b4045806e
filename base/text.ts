/** Numbers and columns as a person reads them. Pure. */

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

/** How many columns a text takes, styles aside. */
function width(text: string): number {
  // deno-lint-ignore no-control-regex -- that is what a style begins with
  return [...text.replace(/\u001b\[\d+m/g, "")].length;
}

// deno-lint-ignore no-control-regex -- a style, or what a terminal would obey of what stands in files
const CONTROL = /\u001b\[(?:[0-2]|3[1-3])m|[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

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
