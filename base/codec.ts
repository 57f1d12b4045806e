import { given } from "./promise.ts";

/**
 * Converts a state to and from plain JSON, for states that are not plain JSON, or
 * are too large for one JavaScript string.
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
   * Returns the state as plain JSON, or in parts: an iterator (such as a
   * generator) or an async iterable of JSON values, each written on a line of its
   * own.
   *
   * Called once, before `create()` returns its promise. Plain JSON becomes text at
   * once. Parts are read later, one by one, while the file is written: what they
   * are made from must not change until the promise of `create()` has settled,
   * either way; no part is read after that. If the parts are of a copy that is
   * made here, before a generator starts, the state may change at once.
   *
   * A collection is neither, and `UNSERIALIZABLE`: `state.values()` gives the
   * values of a Map in parts, the Map itself does not.
   */
  encode(state: S): unknown;
  /** Makes the state from the JSON that `encode` returned, or from an async iterable of the parts, which ends when this is done. */
  decode(json: unknown): S | Promise<S>;
}

/** Carries what a codec threw, so that the caller gets it unchanged. */
export class CodecFailure extends Error {
  constructor(cause: unknown) {
    super("the codec threw", { cause });
  }
}

/** Whether a codec returned parts. An iterable that is not an iterator is a collection, returned by mistake. */
export function isInParts(
  encoded: unknown,
): encoded is Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof encoded !== "object" || encoded === null) return false;
  if (Symbol.asyncIterator in encoded) return true;
  return Symbol.iterator in encoded && "next" in encoded &&
    typeof encoded.next === "function";
}

/** Decodes the JSON of a snapshot; without a codec it is the state. */
export async function decodeJson<S>(
  codec: SnapCodec<S> | undefined,
  json: unknown,
): Promise<S> {
  if (codec === undefined) return json as S;
  try {
    return given("codec.decode", await codec.decode(json));
  } catch (error) {
    throw new CodecFailure(error);
  }
}
