/** Numbers, sizes and times as people read them. Pure. */

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** A number with its thousands apart. */
export function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A size: 812 bytes, 1.5 MiB. */
export function size(bytes: number): string {
  if (bytes === 1) return "1 byte";
  let unit = 0;
  let rest = bytes;
  while (rest >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${rest.toFixed(unit === 0 || rest >= 100 ? 0 : 1)} ${UNITS[unit]}`;
}

/** A number and a noun: 1 record, 2,000 records. */
export function count(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** A time span, roughly: 4 s, 3 min, 2 h, 5 d. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 1) return `${Math.round(ms)} ms`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Numbers from one to another. */
export function range(from: number, to: number): string {
  if (to < from) return "none";
  return from === to ? grouped(from) : `${grouped(from)}–${grouped(to)}`;
}

/** A share, from 0 to 1, as a style takes it. */
export function percent(part: number): string {
  return `${(part * 100).toFixed(4)}%`;
}

/** How often: once, 3 times. */
export function times(number: number): string {
  return number === 1 ? "once" : `${grouped(number)} times`;
}

/** A point in time, to the minute. */
export function moment(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}
