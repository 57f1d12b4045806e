import { constants } from "node:buffer";
import { MiniError } from "../base/errors.ts";
import { assertLossless, flawOf, MAX_DEPTH } from "../base/json.ts";

/** A value of no more nodes than this is made text in one go. */
const SMALL_NODES = 1_000;

/** About so many characters are given at a time. */
export const CHUNK_CHARS: number = 64 * 1024;

/**
 * The text of `JSON.stringify(value, null, 2)`, behind an indent, a piece at a
 * time: others have their turn between two pieces, while the value must not
 * change.
 *
 * Throws `UNSERIALIZABLE` for what JSON would not keep, and `TOO_LARGE` for
 * more than a string can hold, which nobody could read back.
 */
export function* prettyPieces(
  value: unknown,
  indent: string,
): Generator<string, void, undefined> {
  let chars = 0;
  let piece = "";
  for (const text of texts(value, indent, 0)) {
    piece += text;
    // Nothing is said before what takes its time.
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
  // Whatever is no container is small.
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

/** Whether a value has few nodes; that JSON keeps them is seen on the way. */
function isSmall(value: unknown, depth: number): boolean {
  try {
    assertLossless(value, SMALL_NODES, MAX_DEPTH - depth);
    return true;
  } catch (error) {
    if (error instanceof MiniError && error.code === "TOO_LARGE") return false;
    throw error;
  }
}

/** Looks at a container alone, as `assertLossless` does at all of them. */
function assertPlain(
  value: object,
  keys: readonly string[],
  depth: number,
): void {
  if (flawOf(value, keys) === undefined && depth < MAX_DEPTH) return;
  // Whoever has it looked at as a whole will say where, and what.
  throw new MiniError("UNSERIALIZABLE", "it is not plain JSON, or too deep");
}

function small(value: unknown, indent: string): string {
  // A line break in a string is written as `\n`, so that these are all between values.
  return stringify(value, 2).replaceAll("\n", `\n${indent}`);
}

/** The JSON of a value. Throws `TOO_LARGE` where no string can hold it. */
export function stringify(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, null, indent);
  } catch (cause) {
    throw tooLarge(cause);
  }
}

/** The error for a state whose text is longer than a string can be. */
function tooLarge(cause?: unknown): MiniError {
  return new MiniError(
    "TOO_LARGE",
    "Cannot create a snapshot: its JSON is longer than a string can be; give it a codec that encodes in parts; nothing was written",
    { cause },
  );
}
