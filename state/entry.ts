import { MiniError } from "../base/errors.ts";
import { given } from "../base/promise.ts";
import { validateRead } from "../base/schema.ts";
import type { Reducer } from "./reducer.ts";
import { APPLY, type ApplyMessage, tellApplied } from "./telemetry.ts";

/** A record of a state's log: a mutation, several that are one, or a note that a mutation was aborted. */
export type Entry =
  | { readonly apply: unknown; readonly version?: number }
  | { readonly applyBatch: readonly unknown[]; readonly version?: number }
  | { readonly abort: number; readonly found?: boolean };

/** Whether a record is an entry. */
export function isEntry(data: unknown): data is Entry {
  if (typeof data !== "object" || data === null) return false;
  return "apply" in data ||
    "applyBatch" in data && Array.isArray(data.applyBatch) ||
    "abort" in data && typeof data.abort === "number";
}

/** The entry in a record. A journal of the Rust program holds plain mutations. */
export function entryOf(data: unknown, seq: number, isRust: boolean): Entry {
  if (isRust) return { apply: data };
  if (isEntry(data)) return data;
  throw new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot open the state: record ${seq} of the log is not a mutation; nothing was changed`,
    { seq },
  );
}

/** The mutations in an entry, in the version of this code. */
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

function otherVersion(seq: number, from: number, version: number): MiniError {
  const remedy = from > version
    ? "run the code of that version, or newer code"
    : "pass an upcast function";
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot read record ${seq}: its mutation is of version ${from}, and this code is of version ${version}; nothing was changed: ${remedy}`,
    { seq },
  );
}

/** An entry, and its JSON. A class, as {@linkcode Pending}. */
export class EncodedEntry {
  readonly entry: Entry;
  readonly json: string;

  constructor(entry: Entry, json: string) {
    this.entry = entry;
    this.json = json;
  }
}

/** Makes an entry of the JSON text of a mutation, or of an array of them, and what it parses to. */
export function encodeEntry(
  text: string,
  copy: unknown,
  isBatch: boolean,
  { isRust, reducer: { version } }: {
    readonly isRust: boolean;
    readonly reducer: { readonly version?: number | undefined };
  },
): EncodedEntry {
  const name = isBatch ? "applyBatch" : "apply";
  // Not a literal with properties, as `Pending` says.
  const entry: Record<string, unknown> = {};
  entry[name] = copy;
  if (version !== undefined) entry.version = version;
  const stamp = version === undefined ? "" : `,"version":${version}`;
  const json = isRust ? text : `{"${name}":${text}${stamp}}`;
  return new EncodedEntry(entry as Entry, json);
}

/** Makes the entry that says that a mutation was aborted. */
export function abortOf(abort: number, found: boolean): EncodedEntry {
  const entry = found ? { abort, found } : { abort };
  return new EncodedEntry(entry, JSON.stringify(entry));
}

/**
 * An entry that was appended, until it is applied. A class: where many wait, V8
 * makes the objects of a literal among the old ones, and keeps what they refer to.
 */
export class Pending {
  readonly encoded: EncodedEntry;
  readonly #message: ApplyMessage | undefined;
  #resolve!: (seq: number) => void;
  #reject!: (error: unknown) => void;
  /** Resolves to the number of the record once it is applied. */
  readonly applied: Promise<number> = new Promise((resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });
  /** Whether the log has acknowledged or refused it. */
  isSettled = false;
  /** The number of the record; `undefined` if the log has refused it. */
  seq: number | undefined;
  /** Why the log has refused it. */
  error: unknown;

  /** @param message The message of the operation, if it is observed. */
  constructor(encoded: EncodedEntry, message: ApplyMessage | undefined) {
    this.encoded = encoded;
    this.#message = message;
  }

  /** Tells the caller that record `seq` is applied. */
  resolve(seq: number): void {
    if (this.#message !== undefined) tellApplied(this.#message, seq);
    this.#resolve(seq);
  }

  /** Tells the caller why it is not. */
  reject(error: unknown): void {
    if (this.#message !== undefined) APPLY.fail(this.#message, error);
    this.#reject(error);
  }
}
