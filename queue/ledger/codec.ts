import { isInParts, type SnapCodec } from "../../base/codec.ts";
import { headIn, isId, type LedgerHead, unknownPart } from "./entry_check.ts";
import { POSTED_NAME } from "./entry.ts";
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

function add<T>(ledger: Ledger<T>, part: Item<T>): void {
  for (const kind in part) {
    if (!isItem(kind, part[kind as keyof typeof part])) throw unknownPart();
  }
  if ("message" in part) ledger.messages[part.message.id] = part.message;
  else if ("dead" in part) ledger.dead[part.dead.id] = part.dead;
  else if ("dedupe" in part) ledger.dedupe.push(part.dedupe);
  else if ("inbox" in part) (ledger.inbox ??= {})[part.inbox] = true;
  else if ("finished" in part) {
    (ledger.finished ??= {})[part.finished.id] = part.finished;
  } else if ("schedule" in part) {
    (ledger.schedules ??= []).push(part.schedule);
  } else throw unknownPart();
}

const COUNTS = ["id", "at", "priority", "attempts"];
const WAITING = [...COUNTS, "order", "due", "receipt"];

/** The fields that an item of a collection must have: those that are numbers, and the others. */
const FIELDS: Readonly<
  Record<string, readonly [readonly string[], ...string[]]>
> = {
  message: [WAITING, "payload", "inFlight"],
  dead: [[...WAITING, "diedAt"], "payload", "inFlight", "reason"],
  dedupe: [["id", "until"], "key"],
  finished: [[...COUNTS, "endedAt", "size"], "payload", "as"],
  schedule: [["since", "missed"], "name", "clock", "fired"],
};

/**
 * Whether an item is of its kind: no field is missing, and no id is a name that
 * means something else to an object.
 */
function isItem(kind: string, item: unknown): boolean {
  if (kind === "inbox") return POSTED_NAME.test(String(item));
  const isKnown = Object.hasOwn(FIELDS, kind) && typeof item === "object" &&
    item !== null;
  if (!isKnown) return false;
  const [numbers, ...others] = FIELDS[kind]!;
  for (const name of numbers) {
    const value = (item as Record<string, unknown>)[name];
    if (name === "id" ? !isId(value) : typeof value !== "number") return false;
  }
  return others.every((name) => Object.hasOwn(item, name));
}
