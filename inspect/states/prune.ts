/** Values cut to what a page can show. Pure. */

/** The most entries of a list or an object that are shown. */
const MAX_ENTRIES = 200;
/** The most values that are shown in all. */
const MAX_VALUES = 20_000;
const MAX_TEXT = 4_000;
const MAX_DEPTH = 60;

/** The key, or the item, that stands for what is left out. */
const LEFT_OUT = "\u2026";

/** A value without what is too much of it, and how many values that is. */
export function pruned(value: unknown): { state: unknown; leftOut: number } {
  const cut = new Cutter();
  const state = cut.value(value, 0);
  return { state, leftOut: cut.leftOut };
}

class Cutter {
  #left = MAX_VALUES;
  leftOut = 0;

  value(value: unknown, depth: number): unknown {
    this.#left--;
    if (typeof value === "string" && value.length > MAX_TEXT) {
      this.leftOut++;
      return value.slice(0, MAX_TEXT) + LEFT_OUT;
    }
    if (typeof value !== "object" || value === null) return value;
    if (depth >= MAX_DEPTH) {
      this.leftOut++;
      return LEFT_OUT;
    }
    return Array.isArray(value)
      ? this.#list(value, depth)
      : this.#object(value as Record<string, unknown>, depth);
  }

  #list(items: readonly unknown[], depth: number): unknown[] {
    const shown: unknown[] = [];
    for (const item of items) {
      if (this.#isFull(shown.length)) break;
      shown.push(this.value(item, depth + 1));
    }
    const more = items.length - shown.length;
    this.leftOut += more;
    return more > 0 ? [...shown, `${LEFT_OUT} ${more} more`] : shown;
  }

  #object(
    object: Readonly<Record<string, unknown>>,
    depth: number,
  ): Record<string, unknown> {
    const entries = Object.entries(object);
    const shown: [string, unknown][] = [];
    for (const [key, value] of entries) {
      if (this.#isFull(shown.length)) break;
      shown.push([key, this.value(value, depth + 1)]);
    }
    const more = entries.length - shown.length;
    this.leftOut += more;
    if (more > 0) shown.push([LEFT_OUT, `${more} more`]);
    return Object.fromEntries(shown);
  }

  #isFull(shown: number): boolean {
    return shown >= MAX_ENTRIES || this.#left <= 0;
  }
}
