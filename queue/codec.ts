import type { SnapCodec } from "../snap/mod.ts";
import type { Ledger } from "./ledger.ts";

/** A line of a snapshot. */
type Part<T> =
  | Omit<Ledger<T>, "messages" | "dead" | "dedupe">
  | { readonly message: Ledger<T>["messages"][string] }
  | { readonly dead: Ledger<T>["dead"][string] }
  | { readonly dedupe: Ledger<T>["dedupe"][number] };

/** A ledger in a snapshot: a line for each message, so that no number of them is too large. */
export function ledgerCodec<T>(): SnapCodec<Ledger<T>> {
  return { encode, decode: (parts) => decode(parts as AsyncIterable<Part<T>>) };
}

function* encode<T>(ledger: Ledger<T>): Generator<Part<T>, void, undefined> {
  const { messages, dead, dedupe, ...rest } = ledger;
  yield rest;
  for (const id in messages) yield { message: messages[id]! };
  for (const id in dead) yield { dead: dead[id]! };
  for (const key of dedupe) yield { dedupe: key };
}

async function decode<T>(parts: AsyncIterable<Part<T>>): Promise<Ledger<T>> {
  let rest: Part<T> | undefined;
  const messages: Ledger<T>["messages"] = {};
  const dead: Ledger<T>["dead"] = {};
  const dedupe: Ledger<T>["dedupe"] = [];
  for await (const part of parts) {
    if ("message" in part) messages[part.message.id] = part.message;
    else if ("dead" in part) dead[part.dead.id] = part.dead;
    else if ("dedupe" in part) dedupe.push(part.dedupe);
    else rest = part;
  }
  return { ...rest as Ledger<T>, messages, dead, dedupe };
}
