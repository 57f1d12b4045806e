import { isInParts, type SnapCodec } from "../../base/codec.ts";
import { headIn, unknownPart } from "./entry_check.ts";
import type { Ledger } from "./ledger.ts";

/** The first part of a ledger in a snapshot: everything but its collections. */
type Head = Omit<Ledger, "messages" | "dead" | "dedupe" | "inbox">;

/** Any other part: one item of a collection. */
type Item<T> =
  | { readonly message: Ledger<T>["messages"][string] }
  | { readonly dead: Ledger<T>["dead"][string] }
  | { readonly dedupe: Ledger<T>["dedupe"][number] }
  | { readonly inbox: string };

/** The codec of a ledger: a part for each message, so that their number has no limit. */
export function ledgerCodec<T>(): SnapCodec<Ledger<T>> {
  return { encode, decode };
}

function* encode<T>(
  ledger: Ledger<T>,
): Generator<Head | Item<T>, void, undefined> {
  const { messages, dead, dedupe, inbox, at, v = 1, ...rest } = ledger;
  yield { at, ...(v > 1 && { v }), ...rest };
  for (const id in messages) yield { message: messages[id]! };
  for (const id in dead) yield { dead: dead[id]! };
  for (const key of dedupe) yield { dedupe: key };
  for (const name in inbox) yield { inbox: name };
}

async function decode<T>(parts: unknown): Promise<Ledger<T>> {
  if (!isInParts(parts)) throw unknownPart();
  let head: Head | undefined;
  const messages: Ledger<T>["messages"] = {};
  const dead: Ledger<T>["dead"] = {};
  const dedupe: Ledger<T>["dedupe"] = [];
  const inbox: NonNullable<Ledger["inbox"]> = {};
  for await (const part of parts) {
    if (head === undefined) head = headIn(part);
    else {
      const known = Object(part) as Item<T>;
      if ("message" in known) messages[known.message.id] = known.message;
      else if ("dead" in known) dead[known.dead.id] = known.dead;
      else if ("dedupe" in known) dedupe.push(known.dedupe);
      else if ("inbox" in known) inbox[known.inbox] = true;
      else throw unknownPart();
    }
  }
  if (head === undefined) throw unknownPart();
  const ledger = { v: 1, ...head, messages, dead, dedupe };
  return Object.keys(inbox).length > 0 ? { ...ledger, inbox } : ledger;
}
