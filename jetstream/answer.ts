import type { Headers, StoredMessage } from "./log/message.ts";

/** One of many answers, as a NATS client tells it. */
export interface Answer {
  readonly data: Uint8Array;
  readonly headers?: Iterable<readonly [name: string, values: string[]]>;
}

/** A message, as JetStream sends it. */
export interface RawMessage {
  readonly seq: number;
  readonly subject: string;
  readonly hdrs?: string;
  readonly data?: string;
}

/** The message in one of many answers; with the number `NaN` if there is none. */
export function direct({ data, headers = [] }: Answer): StoredMessage {
  const found: Record<string, string> = {};
  // Those of the server are the last of their name.
  for (const [name, values] of headers) found[name] = values.at(-1)!;
  const { "Nats-Sequence": seq, "Nats-Subject": subject = "" } = found;
  return { seq: Number(seq), subject, headers: found, body: data };
}

/** The message in an answer of the leader. */
export function stored(
  { seq, subject, hdrs = "", data = "" }: RawMessage,
): StoredMessage {
  return { seq, subject, headers: parsed(hdrs), body: bytesOf(data) };
}

/** The headers in the text that NATS makes of them. */
function parsed(base64: string): Headers {
  const [, ...lines] = new TextDecoder().decode(bytesOf(base64)).split("\r\n");
  return Object.fromEntries(
    lines.filter((line) => line.includes(":")).map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
