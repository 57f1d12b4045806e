import { MiniError } from "./errors.ts";

/** The most levels of nesting in a record: far below where recursive code, such as `structuredClone`, overflows. */
export const MAX_DEPTH = 1_000;

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
  return textOf(value, maxBytes);
}

/** More values than this are not copied: they come of an object that is reached by many paths, and the copies must not take all memory. A record of 16 MiB has no more than half of them. */
const MAX_COPIED = 2 ** 24;

/**
 * The JSON text of a value, as {@linkcode toJson} gives it, but each part of the
 * value is read once. An error names a place within `place`. What is to be kept is
 * parsed from the text: strings of the value may be parts of large ones.
 */
export function toJsonOnce(
  value: unknown,
  maxBytes: number,
  maxDepth: number = MAX_DEPTH,
  place: readonly (string | number)[] = [],
): string {
  const maxNodes = Math.min(maxBytes, MAX_COPIED);
  const walk = newWalk(maxNodes, maxDepth, true);
  return textOf(walkOver(value, walk, maxBytes, place), maxBytes);
}

function textOf(value: unknown, maxBytes: number): string {
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    // What is left to fail after the walk is the length of a JavaScript string.
    throw tooLarge(`more than a string can hold`, maxBytes, cause);
  }
  return fitting(text, maxBytes);
}

/** Returns the text. Throws `TOO_LARGE` if it is over `maxBytes` of UTF-8. */
export function fitting(text: string, maxBytes: number): string {
  const bytes = exceeds(text, maxBytes);
  if (bytes !== undefined) throw tooLarge(`${bytes} bytes`, maxBytes);
  return text;
}

/** Returns JSON text of the caller's. Throws if a line cannot hold it as it is. */
export function lineOf(text: string): string {
  if (text.includes("\n")) {
    throw new TypeError(
      "The JSON text must not contain a line break; nothing was written",
    );
  }
  // UTF-8 has no lone surrogates; JSON.stringify escapes them.
  if (text.isWellFormed()) return text;
  throw new TypeError(
    "The JSON text must not contain a lone surrogate; nothing was written",
  );
}

/** Throws `UNSERIALIZABLE` at the first place where JSON would lose something. */
export function assertLossless(
  root: unknown,
  maxNodes: number,
  maxDepth: number,
): void {
  walkOver(root, newWalk(maxNodes, maxDepth, false), maxNodes);
}

/** Throws as {@linkcode assertLossless}; returns the copy if one is made. */
function walkOver(
  root: unknown,
  walk: Walk,
  maxBytes: number,
  place: readonly (string | number)[] = [],
): unknown {
  const flaw = flawIn(root, 0, walk);
  if (flaw === undefined) return isContainer(root) ? walk.copy : root;
  if (flaw.what === TOO_MANY) {
    throw tooLarge(`more than ${walk.maxNodes} values`, maxBytes);
  }
  throw lossy([...place, ...flaw.keys.reverse()], flaw.what);
}

/** Throws as {@linkcode assertLossless}, but gives the keys of a value that holds more than `maxNodes` values: listing them takes its time where there are many. */
export function keysIfLarge(
  root: unknown,
  maxNodes: number,
  maxDepth: number,
): readonly string[] | undefined {
  const walk = newWalk(maxNodes, maxDepth, false);
  const flaw = flawIn(root, 0, walk);
  if (flaw === undefined) return undefined;
  if (flaw.what === TOO_MANY) return walk.keys ?? Object.keys(root as object);
  throw lossy(flaw.keys.reverse(), flaw.what);
}

/** Something that JSON would lose. */
interface Flaw {
  readonly what: string;
  /** The way to it, from the inside out. */
  readonly keys: (string | number)[];
}

/** A walk over a value. */
interface Walk {
  nodes: number;
  readonly maxNodes: number;
  readonly maxDepth: number;
  /** Whether it makes a copy. */
  readonly isCopying: boolean;
  /** The copy of the object or array that was walked over last. */
  copy: unknown;
  /** Those of the root, if it alone has too many values. */
  keys: readonly string[] | undefined;
}

function newWalk(
  maxNodes: number,
  maxDepth: number,
  isCopying: boolean,
): Walk {
  // The root is not among the nodes.
  return {
    nodes: -1,
    maxNodes,
    maxDepth,
    isCopying,
    copy: undefined,
    keys: undefined,
  };
}

/** The flaw of an object that is reached by many paths, and may unfold to more text than there is memory. */
const TOO_MANY = "too many values";

/** Recursive; the limit of the depth allows that. */
function flawIn(value: unknown, depth: number, walk: Walk): Flaw | undefined {
  if (++walk.nodes > walk.maxNodes) return { what: TOO_MANY, keys: [] };
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? undefined
        : { what: Object.is(value, -0) ? "-0" : String(value), keys: [] };
    case "object":
      return value === null ? undefined : flawInside(value, depth, walk);
    case "bigint":
      return { what: "a BigInt", keys: [] };
    default:
      return { what: typeof value, keys: [] };
  }
}

function flawInside(
  value: object,
  depth: number,
  walk: Walk,
): Flaw | undefined {
  const room = walk.maxNodes - walk.nodes;
  const keys = Array.isArray(value) ? undefined : Object.keys(value);
  const { length } = keys ?? value as readonly unknown[];
  if (length > room) {
    if (depth === 0) walk.keys = keys;
    return { what: TOO_MANY, keys: [] };
  }
  const what = flawOf(value, length);
  if (what !== undefined) return { what, keys: [] };
  if (depth === walk.maxDepth) {
    const { maxDepth } = walk;
    return {
      what: `nested deeper than ${maxDepth} levels, or a cycle`,
      keys: [],
    };
  }
  const copy = walk.isCopying ? keys === undefined ? [] : {} : undefined;
  for (let index = 0; index < length; index++) {
    const key = keys === undefined ? index : keys[index]!;
    const child = (value as Record<string | number, unknown>)[key];
    const flaw = flawIn(child, depth + 1, walk);
    if (flaw !== undefined) {
      flaw.keys.push(key);
      return flaw;
    }
    if (copy !== undefined) {
      put(copy, key, isContainer(child) ? walk.copy : child);
    }
  }
  walk.copy = copy;
  return undefined;
}

/** Adds a property as `JSON.parse` does. */
export function put(
  to: object,
  key: string | number,
  value: unknown,
): void {
  if (key !== "__proto__") {
    (to as Record<string | number, unknown>)[key] = value;
  } else {
    // Setting it would change what the object inherits.
    Object.defineProperty(to, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
}

/** A copy of plain JSON that shares nothing with it. */
export function copyOf<T>(value: T): T {
  if (!isContainer(value)) return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy = {};
  for (const key of Object.keys(value)) {
    put(copy, key, copyOf(value[key as keyof T & string]));
  }
  return copy as T;
}

/** The flaw of a container by itself, given the number of its keys if it is an object. */
export function flawOf(
  value: object,
  count: number,
): string | undefined {
  const prototype = Object.getPrototypeOf(value);
  const isArray = Array.isArray(value);
  const isPlain = isArray
    ? prototype === Array.prototype || isForeign(prototype, Array)
    : prototype === Object.prototype || prototype === null ||
      isForeign(prototype, Object);
  if (!isPlain) return className(prototype);
  // Symbols, hidden properties, and names on an array are what JSON leaves out.
  const names = Object.getOwnPropertyNames(value);
  // Two calls take a third of the time of `Reflect.ownKeys`.
  const owned = names.length + Object.getOwnPropertySymbols(value).length;
  if (!isArray) {
    return owned === count
      ? undefined
      : "an object with symbols or hidden properties";
  }
  const { length } = value;
  // Indexes come first, whatever was added when.
  if (names[length] !== "length") return "an array with holes";
  return owned === length + 1 ? undefined : "an array with other properties";
}

/** Prototypes of plain JSON in other realms, such as `vm`, Jest or an iframe. */
const FOREIGN = new WeakSet<object>();

/** Whether a prototype is what `Object.prototype` or `Array.prototype` is in another realm. */
function isForeign(
  prototype: object | null,
  ours: ObjectConstructor | ArrayConstructor,
): boolean {
  if (prototype === null || Array.isArray(prototype) !== (ours === Array)) {
    return false;
  }
  if (FOREIGN.has(prototype)) return true;
  const maker = Object.getOwnPropertyDescriptor(prototype, "constructor")
    ?.value;
  // The words of what is built in are the same in every realm, and of nothing else.
  const isBuiltIn = typeof maker === "function" &&
    maker.prototype === prototype &&
    Function.prototype.toString.call(maker) ===
      Function.prototype.toString.call(ours);
  if (isBuiltIn) FOREIGN.add(prototype);
  return isBuiltIn;
}

function className(prototype: object | null): string {
  const name = prototype?.constructor?.name;
  return typeof name === "string" && name !== ""
    ? `a ${name}`
    : "a class instance";
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether two values are the same as JSON, except for the order of keys. For values that JSON would not keep the answer means nothing. */
export function isSameJson(one: unknown, other: unknown, depth = 0): boolean {
  if (Object.is(one, other)) return true;
  if (!isContainer(one) || !isContainer(other)) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  // What is deeper, or a cycle, is no JSON.
  if (depth > MAX_DEPTH) return true;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length &&
    keys.every((key) =>
      Object.hasOwn(other, key) &&
      isSameJson(
        (one as Record<string, unknown>)[key],
        (other as Record<string, unknown>)[key],
        depth + 1,
      )
    );
}

function lossy(keys: readonly (string | number)[], what: string): MiniError {
  let path = "$";
  for (const key of keys) {
    if (typeof key === "number") path += `[${key}]`;
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

/** The size of a text in UTF-8, if it is over the limit. */
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

/** A reviver for `JSON.parse`. Rust has 64-bit integers, and one that a JavaScript number cannot hold must not change silently. */
export function keepInteger(
  key: string,
  value: unknown,
  context?: { source?: string },
): unknown {
  const source = context?.source;
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  if (source === undefined || !/^-?\d+$/.test(source)) return value;
  if (BigInt(source) === BigInt(value)) return value;
  throw new MiniError(
    "UNSERIALIZABLE",
    `Cannot read ${
      JSON.stringify(key)
    }: a JavaScript number cannot hold ${source}`,
  );
}
