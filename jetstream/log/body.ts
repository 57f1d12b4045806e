import { concat } from "../../base/bytes.ts";

const [OPEN, COMMA, CLOSE] = ["[", ",", "]"].map((text) =>
  new TextEncoder().encode(text)
) as [Uint8Array, Uint8Array, Uint8Array];

/** The size of a body without records. */
export const EMPTY_BODY_BYTES: number = OPEN.length + CLOSE.length;

/** The body of a message: a JSON array of the records, of which each is JSON. */
export function bodyOf(
  records: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const parts = records.flatMap((json, index) =>
    index === 0 ? [OPEN, json] : [COMMA, json]
  );
  return concat(...parts, CLOSE);
}

/** The number of records, of those that wait, that a body of `maxBytes` takes: at least one. */
export function howMany(
  waiting: readonly { readonly json: Uint8Array }[],
  maxBytes: number,
): number {
  let left = maxBytes;
  let count = 0;
  for (const { json } of waiting) {
    left -= json.length + (count > 0 ? COMMA.length : 0);
    if (left < 0) break;
    count++;
  }
  // The limit may have become smaller since a record was accepted; the server decides.
  return Math.max(1, count);
}
