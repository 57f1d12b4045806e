import { isInParts, type SnapCodec } from "../../base/codec.ts";
import { headIn, type LedgerHead, unknownPart } from "./entry_check.ts";
import type { Ledger, LedgerFinishedMessage, ScheduleState } from "./ledger.ts";

/** Any other part: one item of a collection. */
type Item<T> =
  | { readonly message: Ledger<T>["messages"][string] }
  | { readonly dead: Ledger<T>["dead"][string] }
  | { readonly dedupe: Ledger<T>["dedupe"][number] }
  | { readonly inbox: string }
  | { readonly finished: LedgerFinishedMessage<T> }
  | { readonly schedule: ScheduleState };

/** The codec of a ledger: a part for each message, so that their number has no limit. */
export function ledgerCodec<T>(): SnapCodec<Ledger<T>> {
  return { encode, decode };
}

function* encode<T>(
  ledger: Ledger<T>,
): Generator<LedgerHead | Item<T>, void, undefined> {
  const { messages, dead, dedupe, ...others } = ledger;
  const { inbox, finished, schedules = [], at, v = 1, ...rest } = others;
  yield { at, ...(v > 1 && { v }), ...rest };
  for (const id in messages) yield { message: messages[id]! };
  for (const id in dead) yield { dead: dead[id]! };
  for (const key of dedupe) yield { dedupe: key };
  for (const name in inbox) yield { inbox: name };
  for (const id in finished) yield { finished: finished[id]! };
  for (const schedule of schedules) yield { schedule };
}

async function decode<T>(parts: unknown): Promise<Ledger<T>> {
  if (!isInParts(parts)) throw unknownPart();
  let ledger: Ledger<T> | undefined;
  for await (const part of parts) {
    if (ledger === undefined) {
      const head = headIn(part);
      ledger = { v: 1, ...head, messages: {}, dead: {}, dedupe: [] };
    } else add(ledger, Object(part));
  }
  if (ledger === undefined) throw unknownPart();
  return ledger;
}

function add<T>(ledger: Ledger<T>, item: Item<T>): void {
  if ("message" in item) ledger.messages[item.message.id] = item.message;
  else if ("dead" in item) ledger.dead[item.dead.id] = item.dead;
  else if ("dedupe" in item) ledger.dedupe.push(item.dedupe);
  else if ("inbox" in item) (ledger.inbox ??= {})[item.inbox] = true;
  else if ("finished" in item) {
    (ledger.finished ??= {})[item.finished.id] = item.finished;
  } else if ("schedule" in item) {
    (ledger.schedules ??= []).push(item.schedule);
  } else throw unknownPart();
}
