import { constants } from "node:buffer";
import { hasCode, MiniError } from "../base/errors.ts";
import { assertLossless, flawOf, MAX_DEPTH } from "../base/json.ts";

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
  for (const text of texts(value, indent, 0)) {
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
): Generator<string, void, undefined> {
  if (isSmall(value, depth)) return yield small(value, indent);
  // A value that is not small is a container.
  const container = value as object;
  const inner = `${indent}  `;
  const isArray = Array.isArray(value);
  yield isArray ? "[" : "{";
  let separator = `\n${inner}`;
  const keys = Object.keys(container);
  yield "";
  assertPlain(container, keys, depth);
  yield "";
  for (const key of keys) {
    const child = (container as Record<string, unknown>)[key];
    const start = isArray ? separator : `${separator}${JSON.stringify(key)}: `;
    if (isSmall(child, depth + 1)) yield start + small(child, inner);
    else {
      yield start;
      yield* texts(child, inner, depth + 1);
    }
    separator = `,\n${inner}`;
  }
  yield `\n${indent}${isArray ? "]" : "}"}`;
}

/** Whether a value has few nodes. Throws if JSON would not keep them. */
function isSmall(value: unknown, depth: number): boolean {
  try {
    assertLossless(value, SMALL_NODES, MAX_DEPTH - depth);
    return true;
  } catch (error) {
    if (hasCode(error, "TOO_LARGE")) return false;
    throw error;
  }
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
