import { MiniError } from "../store/errors.ts";
import { isPromise } from "../store/promise.ts";
import { type RecordSchema, validateRead } from "../store/schema.ts";

/** What a log holds: a mutation, several that are one, or that one was aborted. */
export type Entry =
  | { readonly apply: unknown; readonly version?: number }
  | { readonly applyAll: readonly unknown[]; readonly version?: number }
  | { readonly abort: number };

/** How mutations change a state. */
export interface Reducer<S, M> {
  readonly apply: (state: S, mutation: M) => S | void;
  readonly schema?: RecordSchema<M> | undefined;
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
  if (typeof data === "object" && data !== null) {
    if ("apply" in data) return data as Entry;
    if ("applyAll" in data && Array.isArray(data.applyAll)) {
      return data as Entry;
    }
    if ("abort" in data && typeof data.abort === "number") return data as Entry;
  }
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
  const current = (mutation: unknown) =>
    validateRead<M>(
      schema,
      from !== version && upcast !== undefined
        ? upcast(mutation, from)
        : mutation,
      seq,
    );
  return "apply" in entry
    ? [current(entry.apply)]
    : entry.applyAll.map(current);
}

/** The state after mutations. What `apply` throws is thrown as it is; the state may be half changed then. */
export function reduce<S, M>(
  state: S,
  mutations: readonly M[],
  { apply }: Pick<Reducer<S, M>, "apply">,
): S {
  for (const mutation of mutations) {
    const next = apply(state, mutation);
    if (isPromise(next)) throw new NoPromise();
    if (next !== undefined) state = next as S;
  }
  return state;
}
