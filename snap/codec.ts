/**
 * To and from plain JSON, for states that are not plain JSON themselves, or are
 * too large for one JavaScript string.
 *
 * @typeParam S The state.
 *
 * @example A state that holds a Map
 * ```ts
 * import { type SnapCodec, SnapStore } from "@mini/state/snap";
 * import { assertEquals } from "@std/assert";
 *
 * const codec: SnapCodec<Map<string, number>> = {
 *   encode: (state) => Object.fromEntries(state),
 *   decode: (json) => new Map(Object.entries(json as Record<string, number>)),
 * };
 * const snaps = new SnapStore(await Deno.makeTempDir(), { codec });
 * await snaps.create(new Map([["a", 1]]), 1);
 * assertEquals((await snaps.restore())?.state.get("a"), 1);
 * ```
 */
export interface SnapCodec<S> {
  /**
   * Gives the state as plain JSON, or in parts: an iterator (a generator, say)
   * of JSON values, each of which is written on a line of its own. The state
   * must not change until the last part was taken.
   */
  encode(state: S): unknown;
  /** Makes the state from the JSON that `encode` gave, or from an async iterable of the parts. */
  decode(json: unknown): S | Promise<S>;
}

/** Whether what a codec gave comes in parts. Arrays are JSON. */
export function isInParts(
  encoded: unknown,
): encoded is Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof encoded !== "object" || encoded === null) return false;
  if (Array.isArray(encoded)) return false;
  return Symbol.iterator in encoded || Symbol.asyncIterator in encoded;
}
