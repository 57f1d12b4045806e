/**
 * About how many characters of JSON a value makes, or a number above `max` if
 * it makes more: it looks no further, so that it costs little to ask.
 */
export function weightOf(root: unknown, max: number): number {
  let weight = 0;
  const waiting: object[] = [];
  const add = (value: unknown) => {
    // Quotes, a comma, brackets; numbers and words are short.
    weight += typeof value === "string" ? value.length + 3 : 6;
    if (typeof value === "object" && value !== null) waiting.push(value);
    return weight > max;
  };
  add(root);
  for (let value; (value = waiting.pop()) !== undefined;) {
    if (Array.isArray(value)) {
      for (const child of value) if (add(child)) return weight;
      continue;
    }
    for (const key in value) {
      weight += key.length + 3;
      if (add((value as Record<string, unknown>)[key])) return weight;
    }
  }
  return weight;
}
