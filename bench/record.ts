/** How many keys the records are of. */
export const KEYS = 100_000;

/** A record that is appended: about 120 bytes of JSON. */
export interface Item {
  readonly key: string;
  readonly value: unknown;
}

/** The record with a number. */
export function record(index: number): Item {
  return {
    key: `component-${index % KEYS}`,
    value: {
      version: `1.${index % 40}.3`,
      arch: "amd64",
      state: "installed",
      origin: "main",
      size: index,
    },
  };
}

/** Records from a number on. */
export function records(first: number, count: number): Item[] {
  return Array.from({ length: count }, (_, index) => record(first + index));
}

/** The length of a record as JSON. */
export function payloadBytes(index: number): number {
  return JSON.stringify(record(index)).length;
}
