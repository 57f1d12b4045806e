import { MiniError } from "../base/errors.ts";
import { given, isPromise } from "../base/promise.ts";
import { type Schema, validateRead } from "../base/schema.ts";

/** What a log holds: a mutation, several that are one, or that one was aborted. */
export type Entry =
  | { readonly apply: unknown; readonly version?: number }
  | { readonly applyBatch: readonly unknown[]; readonly version?: number }
  | { readonly abort: number; readonly found?: boolean };

/** How mutations change a state. */
export interface Reducer<S, M> {
  readonly immutable?: boolean | "checked" | undefined;
  readonly apply: (state: S, mutation: M) => S | void;
  readonly schema?: Schema<M> | undefined;
  readonly version?: number | undefined;
  readonly upcast?:
    | ((mutation: unknown, fromVersion: number) => M)
    | undefined;
}

/** What is said to an `apply` that is asynchronous. */
class NoPromise extends TypeError {
  override name = "TypeError";

  constructor() {
    super("apply must not return a promise");
  }
}

/** Whether that was said: a fault of the code, and of no mutation. */
export function isNoPromise(error: unknown): error is TypeError {
  return error instanceof NoPromise;
}

/** Knows whether the caller's code is running, from which nothing may be called. */
export class Guard {
  #isInside = false;

  /** Runs the caller's code. */
  run<T>(task: () => T): T {
    this.#isInside = true;
    try {
      return task();
    } finally {
      this.#isInside = false;
    }
  }

  /** Throws a `TypeError` where the caller's code has called back. */
  assertOutside(): void {
    if (!this.#isInside) return;
    throw new TypeError(
      "apply and decide must not call back into the StateManager",
    );
  }
}

/** The entry in a record. Journals of the Rust program hold bare mutations. */
export function entryOf(data: unknown, seq: number, isBare: boolean): Entry {
  if (isBare) return { apply: data };
  if (isEntry(data)) return data;
  throw new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot open the state: record ${seq} of the log is no mutation; nothing was changed`,
    { seq },
  );
}

/** The mutations in an entry, as the code of today has them. */
export function mutationsOf<M>(
  entry: Entry,
  seq: number,
  { schema, version = 0, upcast }: Pick<
    Reducer<unknown, M>,
    "schema" | "version" | "upcast"
  >,
): M[] {
  if ("abort" in entry) return [];
  const from = entry.version ?? 0;
  if (from > version || from < version && upcast === undefined) {
    throw otherVersion(seq, from, version);
  }
  const current = (mutation: unknown) =>
    validateRead<M>(
      schema,
      from !== version && upcast !== undefined
        ? given("upcast", upcast(mutation, from))
        : mutation,
      seq,
    );
  return "apply" in entry
    ? [current(entry.apply)]
    : entry.applyBatch.map(current);
}

/** Whether a record is an entry of a state. */
export function isEntry(data: unknown): data is Entry {
  if (typeof data !== "object" || data === null) return false;
  return "apply" in data ||
    "applyBatch" in data && Array.isArray(data.applyBatch) ||
    "abort" in data && typeof data.abort === "number";
}

function otherVersion(seq: number, from: number, version: number): MiniError {
  const remedy = from > version
    ? "run the code of that version, or newer"
    : "give an upcast function";
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot read record ${seq}: its mutation is of version ${from}, and this code's is ${version}; nothing was changed: ${remedy}`,
    { seq },
  );
}

/** The state after mutations. What `apply` throws is thrown as it is; unless it is immutable, the state may be half changed then. */
export function reduce<S, M>(
  state: S,
  mutations: readonly M[],
  { apply, immutable }: Pick<Reducer<S, M>, "apply" | "immutable">,
): S {
  for (const mutation of mutations) {
    const next = apply(state, mutation);
    if (isPromise(next)) throw new NoPromise();
    if (next !== undefined) state = next as S;
    else if (immutable) {
      throw new TypeError(
        "apply must return the next state, as immutable says",
      );
    }
    if (immutable === "checked") freeze(state);
  }
  return state;
}

/** Freezes a value and all that it holds, so that changing any of it throws. */
export function freeze(root: unknown): void {
  const seen = new Set<unknown>();
  const waiting = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== "object" || value === null) continue;
    // A view of bytes cannot be frozen.
    if (seen.has(value) || ArrayBuffer.isView(value)) continue;
    seen.add(Object.freeze(value));
    if (value instanceof Map) waiting.push(...value.keys());
    if (value instanceof Map || value instanceof Set) {
      waiting.push(...value.values());
    }
    for (const key of Reflect.ownKeys(value)) {
      waiting.push((value as Record<PropertyKey, unknown>)[key]);
    }
  }
}
