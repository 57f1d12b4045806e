const encoder = new TextEncoder();

/** The size of a body without records. */
export const EMPTY_BODY_BYTES = 2;

/** A body, and the number of its records. */
export interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

/**
 * The body of a message: a JSON array of the first of the records that wait, each
 * of them JSON. It has as many as `maxBytes` take, and at least one: the limit may
 * have become smaller since that was accepted, and the server decides.
 */
export function bodyOf(
  waiting: readonly { readonly json: string }[],
  maxBytes: number,
): Body {
  let count = howMany(waiting, maxBytes);
  for (;;) {
    const some = waiting.slice(0, count).map(({ json }) => json);
    const bytes = encoder.encode(`[${some.join()}]`);
    if (bytes.length <= maxBytes || count === 1) return { bytes, count };
    // A character may be several bytes.
    count = Math.max(1, Math.floor(count * maxBytes / bytes.length));
  }
}

/** As many as may fit, at a byte a character: at least one. */
function howMany(
  waiting: readonly { readonly json: string }[],
  maxBytes: number,
): number {
  let left = maxBytes - EMPTY_BODY_BYTES + 1;
  let count = 0;
  for (const { json } of waiting) {
    left -= json.length + 1;
    if (left < 0) break;
    count++;
  }
  return Math.max(1, count);
}
