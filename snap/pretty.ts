import { constants } from "node:buffer";
import { MiniError } from "../base/errors.ts";
import { flawOf, keysIfLarge, MAX_DEPTH } from "../base/json.ts";

/** A value of no more nodes than this becomes text in one step. */
const SMALL_NODES = 1_000;

/** The approximate size of a piece, in characters. */
export const CHUNK_CHARS: number = 64 * 1024;

/**
 * Yields the text of `JSON.stringify(value, null, 2)`, indented, in pieces, so
 * that other work can run between them. The value must not change meanwhile.
 *
 * Throws `UNSERIALIZABLE` for a value that JSON would not keep, and `TOO_LARGE`
 * for a text longer than a string can be, which could not be read back.
 */
export function* prettyPieces(
  value: unknown,
  indent: string,
): Generator<string, void, undefined> {
  let chars = 0;
  let piece = "";
  for (const text of texts(value, indent, 0, "")) {
    piece += text;
    // An empty text stands before a step that takes long.
    if (piece.length < CHUNK_CHARS && text !== "") continue;
    chars += piece.length;
    if (chars > constants.MAX_STRING_LENGTH) throw tooLarge();
    yield piece;
    piece = "";
  }
  yield piece;
}

function* texts(
  value: unknown,
  indent: string,
  depth: number,
  start: string,
  keys: readonly string[] | undefined = largeKeys(value, depth),
): Generator<string, void, undefined> {
  if (keys === undefined) return yield start + small(value, indent);
  // A value that is not small is a container.
  const container = value as object;
  const inner = `${indent}  `;
  const isArray = Array.isArray(value);
  yield `${start}${isArray ? "[" : "{"}`;
  let separator = `\n${inner}`;
  yield "";
  assertPlain(container, keys, depth);
  yield "";
  for (const key of keys) {
    const child = (container as Record<string, unknown>)[key];
    const start = isArray ? separator : `${separator}${JSON.stringify(key)}: `;
    const keys = largeKeys(child, depth + 1);
    if (keys === undefined) yield start + small(child, inner);
    else yield* texts(child, inner, depth + 1, start, keys);
    separator = `,\n${inner}`;
  }
  yield `\n${indent}${isArray ? "]" : "}"}`;
}

/** The keys of a value that has many nodes. Throws if JSON would not keep it. */
function largeKeys(
  value: unknown,
  depth: number,
): readonly string[] | undefined {
  return keysIfLarge(value, SMALL_NODES, MAX_DEPTH - depth);
}

/** Checks a container itself, as `assertLossless` checks all of them. */
function assertPlain(
  value: object,
  keys: readonly string[],
  depth: number,
): void {
  if (flawOf(value, keys.length) === undefined && depth < MAX_DEPTH) return;
  // Checking the whole value will say where, and what.
  throw new MiniError(
    "UNSERIALIZABLE",
    "it is not plain JSON, or is nested too deeply",
  );
}

function small(value: unknown, indent: string): string {
  // A line break in a string is escaped, so that each of these is between values.
  return stringify(value, 2).replaceAll("\n", `\n${indent}`);
}

/** Returns the JSON of a value. Throws `TOO_LARGE` if it is longer than a string can be. */
export function stringify(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, null, indent);
  } catch (cause) {
    throw tooLarge(cause);
  }
}

/** Returns the error for a state whose text is longer than a string can be. */
function tooLarge(cause?: unknown): MiniError {
  return new MiniError(
    "TOO_LARGE",
    "Cannot create a snapshot: its JSON is longer than a JavaScript string can be; pass a codec that encodes the state in parts; nothing was written",
    { cause },
  );
}
