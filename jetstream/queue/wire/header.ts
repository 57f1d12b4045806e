import { headers, type MsgHdrs } from "@nats-io/nats-core";
import { MiniError } from "../../../queue/mod.ts";

/** The start of the names of the headers that are a message's own. */
const OWN = "Mini-H-";

/** Why a delivery failed for good. */
export const REASON = "Mini-Reason";
/** How often a dead letter was delivered. */
export const ATTEMPTS = "Mini-Attempts";
/** When a message was enqueued first, if the stream does not tell. */
export const ENQUEUED = "Mini-Enqueued";
/** The error that the last handler threw, as JSON. */
export const ERROR = "Mini-Error";
/** Which call has stored a message. */
export const CALL = "Mini-Call";
/** The id by which a server knows a message that it has already. */
export const MESSAGE_ID = "Nats-Msg-Id";

/** The space that headers may need in a dead letter, in bytes. */
export const RESERVED_BYTES: number = 16 * 1024;

/** Text as a header takes it: printable ASCII, the rest in per cent and hexadecimal digits of UTF-8. */
export function encoded(text: string): string {
  return text.replace(/^ | $|%|[^ -~]+/g, (part) => {
    try {
      return part === " " ? "%20" : encodeURIComponent(part);
    } catch (cause) {
      throw new MiniError(
        "UNSERIALIZABLE",
        "Cannot send a header: it has half a surrogate pair; nothing was sent",
        { cause },
      );
    }
  });
}

/** The text that `encoded` has made a header of; what is not of that form as it is. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The name of a header: a token, where a colon or a space would end it. */
function nameOf(name: string): string {
  return OWN + encoded(name).replace(
    /[ :]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  );
}

/** Headers for the servers: a message's own, and those of the queue. */
export function headersOf(
  own: Readonly<Record<string, string>>,
  ours: Readonly<Record<string, string | undefined>>,
): MsgHdrs {
  const all = headers();
  for (const [name, value] of Object.entries(own)) {
    all.set(nameOf(name), encoded(value));
  }
  for (const [name, value] of Object.entries(ours)) {
    if (value !== undefined) all.set(name, encoded(value));
  }
  return all;
}

/** A message's own headers. */
export function ownHeaders(
  all: MsgHdrs | undefined,
): Record<string, string> {
  const names = all?.keys().filter((name) => name.startsWith(OWN)) ?? [];
  return Object.fromEntries(
    names.map((name) => [
      decoded(name.slice(OWN.length)),
      decoded(all!.get(name)),
    ]),
  );
}

/** A header of the queue; `undefined` if there is none. */
export function headerOf(
  all: MsgHdrs | undefined,
  name: string,
): string | undefined {
  return all?.has(name) ? decoded(all.get(name)) : undefined;
}
