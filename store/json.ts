import { MiniError } from "./errors.ts";

/** The most levels of nesting a record may have: recursive code, such as `structuredClone`, overflows far beyond it. */
export const MAX_DEPTH = 1_000;

interface Frame {
  readonly value: object;
  /** The property names, or `undefined` for an array. */
  readonly keys: readonly string[] | undefined;
  readonly size: number;
  next: number;
}

/**
 * The JSON text of a value that comes back from it unchanged.
 *
 * Throws `UNSERIALIZABLE`, naming the place, for what JSON would drop or turn
 * into something else, and `TOO_LARGE` for a text over `maxBytes` of UTF-8.
 */
export function toJson(
  value: unknown,
  maxBytes: number,
  maxDepth: number = MAX_DEPTH,
): string {
  assertLossless(value, maxBytes, maxDepth);
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    // What is left to fail after the walk is the length of a JavaScript string.
    throw tooLarge(`more than a string can hold`, maxBytes, cause);
  }
  return fitting(text, maxBytes);
}

/** The text. Throws `TOO_LARGE` where it is over `maxBytes` of UTF-8. */
export function fitting(text: string, maxBytes: number): string {
  const bytes = exceeds(text, maxBytes);
  if (bytes !== undefined) throw tooLarge(`${bytes} bytes`, maxBytes);
  return text;
}

/** Throws `UNSERIALIZABLE` at the first place where JSON would lose something. Iterative: the depth of hostile data must not reach the stack. */
export function assertLossless(
  root: unknown,
  maxNodes: number,
  maxDepth: number,
): void {
  const open: Frame[] = [];
  let value = root;
  let nodes = 0;
  for (;;) {
    const entered = enter(value, maxNodes - nodes);
    if (entered === TOO_MANY) {
      throw tooLarge(`more than ${maxNodes} values`, maxNodes);
    }
    if (typeof entered === "string") throw lossy(open, entered);
    if (entered !== undefined) {
      if (open.length === maxDepth) {
        throw lossy(open, `nested deeper than ${maxDepth} levels, or a cycle`);
      }
      open.push(entered);
    }
    let frame = open.at(-1);
    while (frame !== undefined && frame.next === frame.size) {
      open.pop();
      frame = open.at(-1);
    }
    if (frame === undefined) return;
    value = childAt(frame, frame.next);
    frame.next += 1;
    // One object reached by many paths may unfold to more text than there is memory.
    nodes += 1;
    if (nodes > maxNodes) {
      throw tooLarge(`more than ${maxNodes} values`, maxNodes);
    }
  }
}

/** What {@linkcode enter} says of a container with more entries than there may be. */
const TOO_MANY = Symbol("too many");

/** `undefined` for a leaf that JSON keeps, a frame for a container it keeps, or what is wrong. */
function enter(
  value: unknown,
  maxEntries: number,
): Frame | string | undefined | typeof TOO_MANY {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      if (Object.is(value, -0)) return "-0";
      return Number.isFinite(value) ? undefined : String(value);
    case "object":
      return value === null ? undefined : enterObject(value, maxEntries);
    default:
      return typeof value === "bigint" ? "a BigInt" : typeof value;
  }
}

function enterObject(
  value: object,
  maxEntries: number,
): Frame | string | typeof TOO_MANY {
  // Before the keys are looked at, which takes its time where there are many.
  if (Array.isArray(value) && value.length > maxEntries) return TOO_MANY;
  const prototype = Object.getPrototypeOf(value);
  const keys = Object.keys(value);
  if (keys.length > maxEntries) return TOO_MANY;
  // Symbols, hidden properties, and names on an array are what JSON leaves out.
  const owned = Reflect.ownKeys(value).length;
  if (Array.isArray(value)) {
    if (prototype !== Array.prototype) return className(value);
    if (keys.length < value.length) return "an array with holes";
    if (owned !== value.length + 1) return "an array with other properties";
    return { value, keys: undefined, size: value.length, next: 0 };
  }
  if (prototype !== Object.prototype && prototype !== null) {
    return className(value);
  }
  if (owned !== keys.length) {
    return "an object with symbols or hidden properties";
  }
  return { value, keys, size: keys.length, next: 0 };
}

function className(value: object): string {
  const name = value.constructor?.name;
  return name ? `a ${name}` : "a class instance";
}

function childAt(frame: Frame, index: number): unknown {
  const { value, keys } = frame;
  return keys === undefined
    ? (value as unknown[])[index]
    : (value as Record<string, unknown>)[keys[index]!];
}

function lossy(open: readonly Frame[], what: string): MiniError {
  let path = "$";
  for (const { keys, next } of open) {
    const key = keys?.[next - 1];
    if (key === undefined) path += `[${next - 1}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(key)) path += `.${key}`;
    else path += `[${JSON.stringify(key)}]`;
    if (path.length > 200) {
      path = `${path.slice(0, 200)}…`;
      break;
    }
  }
  return new MiniError(
    "UNSERIALIZABLE",
    `Cannot write the value: JSON would not keep ${path}: ${what}`,
  );
}

/** The size of a text in UTF-8 where it is over the limit. */
function exceeds(text: string, maxBytes: number): number | undefined {
  // One UTF-16 unit is at most three bytes, so most texts need no counting.
  if (text.length * 3 <= maxBytes) return undefined;
  const bytes = text.length > maxBytes
    ? text.length
    : new TextEncoder().encode(text).length;
  return bytes > maxBytes ? bytes : undefined;
}

/** The error for a record over the limit. */
export function tooLarge(
  size: string,
  maxBytes: number,
  cause?: unknown,
): MiniError {
  return new MiniError(
    "TOO_LARGE",
    `Cannot write the record: it is ${size}, and maxRecordBytes is ${maxBytes}; nothing was written`,
    { cause },
  );
}

/**
 * Whether one of the records parsed from a text nests deeper than any that is
 * written. Most texts are too short for that to be worth a look.
 */
export function isTooDeep(
  records: readonly unknown[],
  textLength: number,
): boolean {
  if (textLength < 2 * MAX_DEPTH) return false;
  let level = records.filter(isContainer);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((value) => Object.values(value).filter(isContainer));
  }
  return false;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
