import { hasCode } from "../base/errors.ts";
import { isPromise } from "../base/promise.ts";
import type { Schema } from "../base/schema.ts";

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

/** The error for an `apply` that returns a promise. */
class NoPromise extends TypeError {
  override name = "TypeError";

  constructor() {
    super("apply must not return a promise");
  }
}

/** Whether an error says that `apply` returned a promise: a fault of the code, not of a mutation. */
export function isNoPromise(error: unknown): error is TypeError {
  return error instanceof NoPromise;
}

/** Keeps the caller's code from calling back while it runs. */
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

  /** Throws a `TypeError` if the caller's code is running. */
  assertOutside(): void {
    if (!this.#isInside) return;
    throw new TypeError(
      "apply, decide and selector must not call back into the StateManager",
    );
  }
}

/**
 * Applies mutations and returns the state after them. Throws what `apply`
 * throws; a state that is not immutable may be half changed then.
 */
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
        "apply must return the next state, because immutable is set",
      );
    }
    if (immutable === "checked") freeze(state);
  }
  return state;
}

/** Freezes a value and everything in it, so that changing any of it throws. */
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

/** The result of a call. An error that is about this call alone says in its stack who made the call. */
export function told<T>(call: () => Promise<T>): Promise<T> {
  try {
    // `toldOf` has no part in the call: it would keep what the call was given.
    return toldOf(call());
  } catch (error) {
    return Promise.reject(error);
  }
}

async function toldOf<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const isOwn = hasCode(error, "ABORTED_MUTATION");
    if (isOwn) Error.captureStackTrace(error);
    throw error;
  }
}
