import type { LogRecord } from "../../store/mod.ts";
import type { StoredMessage } from "../log/message.ts";
import type { NewMessage } from "../stream.ts";

/** A record in JSON, ready to be sent. */
export interface SendableRecord {
  readonly seq: number;
  readonly at: Date | undefined;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The last record of a log that a stream holds. */
export interface Forwarded {
  /** The number of the record. */
  readonly seq: number;
  /** Its JSON. */
  readonly body: Uint8Array;
}

/** A record of a log as the body of its message. */
export function sendable(
  { seq, data, at }: LogRecord<unknown>,
): SendableRecord {
  return { seq, at, body: new TextEncoder().encode(JSON.stringify(data)) };
}

/** The message of a record, with an id by which the server knows it for a while, or without. */
export function messageOf(
  { seq, at, body }: SendableRecord,
  { subject, log, hasId }: {
    readonly subject: string;
    readonly log: string;
    readonly hasId: boolean;
  },
): NewMessage {
  const headers = {
    "Mini-Log": log,
    "Mini-Seq": `${seq}`,
    ...(at !== undefined && { "Mini-At": at.toISOString() }),
    // A second net: streams that copy this one may drop what they are given twice.
    ...(hasId && { "Nats-Msg-Id": `${log}.${seq}` }),
  };
  return { subject, headers, body };
}

/** The record in a message; `undefined` if somebody else has sent it. */
export function recordIn(
  { headers, body }: StoredMessage,
  log: string,
): Forwarded | undefined {
  const seq = headers["Mini-Seq"] ?? "";
  if (headers["Mini-Log"] !== log || !/^[1-9]\d{0,15}$/.test(seq)) return;
  return { seq: Number(seq), body };
}

/** Whether a record is what was sent. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
