import { hasCode, MiniError } from "../../base/errors.ts";
import type { AppliedMutation, ReplayRange } from "../../state/mod.ts";
import { observe } from "../ledger/effects.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { applyToLedger } from "../ledger/reducer.ts";
import type { LedgerHost } from "../ledger_host.ts";
import { addEvent, type RecordEvents, type Told } from "./event.ts";

/** An entry that had an effect, and the number of its record. */
export interface PastEntry<T> {
  readonly seq: number;
  readonly entry: LedgerEntry<T>;
}

/** The past of a ledger, as far as its log reaches. */
export interface LedgerPast<T> {
  /** A copy of the ledger as it was after a record. */
  at(seq: number): Promise<Ledger<T>>;
  /** The entries that had an effect. */
  entries(range: ReplayRange): AsyncIterable<PastEntry<T>>;
}

/** The past of a ledger in the state of a host, if the host gives it. */
export function pastOf<S, T>(
  host: Pick<LedgerHost<S, unknown>, "at" | "history">,
  find: (state: S) => Ledger<T>,
  entryIn: (mutation: unknown) => LedgerEntry<T> | undefined,
): LedgerPast<T> | undefined {
  if (host.at === undefined || host.history === undefined) return undefined;
  return {
    // What a state that is immutable shares must not change.
    at: async (seq) => structuredClone(find(await host.at!(seq))),
    entries: (range) => entriesIn(host.history!(range), entryIn),
  };
}

/** The entries in mutations. */
export async function* entriesIn<T, M>(
  mutations: AsyncIterable<AppliedMutation<M>>,
  entryIn: (mutation: M) => LedgerEntry<T> | undefined,
): AsyncGenerator<PastEntry<T>, void, undefined> {
  for await (const { seq, mutation } of mutations) {
    const entry = entryIn(mutation);
    if (entry !== undefined) yield { seq, entry };
  }
}

/** Applies entries to a ledger of one's own, and tells what each does. */
export async function* replayed<T>(
  ledger: Ledger<T>,
  entries: AsyncIterable<PastEntry<T>>,
): AsyncGenerator<RecordEvents<T>, void, undefined> {
  for await (const { seq, entry } of entries) {
    const events: Told<T>[] = [];
    const stop = observe<T>(
      ledger,
      (effect) => addEvent(events, effect, ledger, seq),
    );
    try {
      applyToLedger(ledger, entry);
    } finally {
      stop();
    }
    if (events.length > 0) yield { seq, events };
  }
}

/** A copy of a ledger as it was before record `seq`. */
export async function ledgerBefore<T>(
  seq: number,
  at: LedgerPast<T>["at"] | undefined,
): Promise<Ledger<T>> {
  if (at === undefined) throw eventsGone(seq, undefined);
  try {
    return await at(seq - 1);
  } catch (error) {
    throw hasCode(error, "COMPACTED") ? eventsGone(seq, error) : error;
  }
}

function eventsGone(seq: number, cause: unknown): MiniError {
  const why = cause === undefined
    ? "the state that holds the queue gives no past"
    : "the log does not reach back to it, or the queue as it was before";
  return new MiniError(
    "COMPACTED",
    `Cannot read the events from record ${seq} on: ${why}; those of later records can be read`,
    { seq, cause },
  );
}
