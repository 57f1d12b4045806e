import { crc32 } from "../../base/checksum.ts";
import { hex } from "../../base/bytes.ts";
import { MiniError } from "../../base/errors.ts";
import { fitting } from "../../base/json.ts";
import { size } from "../../base/text.ts";
import type { MessageInput } from "../options.ts";

/** The folder of a queue's directory that other processes may write. */
export const INBOX = "inbox";

/** The folder of the inbox for what is no message. */
export const REFUSED = "refused";

/** The most bytes of a file: the entry that it becomes must fit into a record. */
export const MAX_FILE_BYTES: number = 8 * 1024 * 1024;

/** The most messages of a file: each grows in the entry. */
export const MAX_MESSAGES = 10_000;

/** The version of the format that this code writes, and the newest it reads. */
const VERSION = 1;

/** The beginning of a file; the checksum covers what follows it. */
const START = /^\{"crc":"([0-9a-f]{8})",/;
const START_CHARS = 18;

const FIELDS: readonly string[] = [
  "payload",
  "delayMs",
  "priority",
  "group",
  "dedupeKey",
  "at",
  "headers",
];

/** A file being made has its name after a dot. */
export const TEMPORARY_PREFIX = ".";

/** The name of the file with a number of a producer. */
export function nameOf(producer: string, number: number): string {
  return `${producer}.${String(number).padStart(20, "0")}.json`;
}

/** The producer of the file with a name. */
export function producerOf(name: string): string {
  return name.slice(0, name.indexOf("."));
}

/** The bytes of a file with messages, given as the JSON of their array. Throws `TOO_LARGE`. */
export function encodeFile(messages: string): Uint8Array<ArrayBuffer> {
  const rest = `"mini":${VERSION},"messages":${messages}}`;
  const line = `{"crc":"${hex(crc32(rest))}",${rest}\n`;
  try {
    return new TextEncoder().encode(fitting(line, MAX_FILE_BYTES));
  } catch (cause) {
    const most = size(MAX_FILE_BYTES);
    const message =
      `Cannot post the messages: together they take more than ${most}; nothing was posted`;
    throw new MiniError("TOO_LARGE", message, { cause });
  }
}

/** The content of a file of the inbox: messages, what newer code has written, or what is no message, and why. */
export type Posted =
  | { readonly messages: readonly MessageInput<unknown>[] }
  | { readonly version: number }
  | { readonly flaw: string };

/** Reads the bytes of a file. */
export function decodeFile(bytes: Uint8Array): Posted {
  let line: string;
  try {
    const options = { fatal: true, ignoreBOM: true };
    line = new TextDecoder("utf-8", options).decode(bytes);
  } catch {
    return { flaw: "it is not UTF-8" };
  }
  if (!line.endsWith("\n")) return { flaw: "it does not end in a newline" };
  const crc = START.exec(line)?.[1];
  if (crc === undefined) return { flaw: "it does not begin with a checksum" };
  const rest = line.slice(START_CHARS, -1);
  if (hex(crc32(rest)) !== crc) return { flaw: "its checksum is wrong" };
  let content: Record<string, unknown>;
  try {
    content = JSON.parse(`{${rest}`);
  } catch {
    return { flaw: "it is not JSON" };
  }
  const { mini, messages, ...others } = content;
  if (Number.isSafeInteger(mini) && Number(mini) > VERSION) {
    return { version: Number(mini) };
  }
  if (mini !== VERSION) return { flaw: "it has no version" };
  const isList = Array.isArray(messages) && messages.length > 0 &&
    messages.every(isMessage) && Object.keys(others).length === 0;
  return isList
    ? { messages: messages.map(inputOf) }
    : { flaw: "it does not hold messages" };
}

/** A message as a file holds it: its date in milliseconds. */
export type PostedMessage = Omit<MessageInput<unknown>, "at"> & {
  readonly at?: number;
};

function inputOf({ at, ...message }: PostedMessage): MessageInput<unknown> {
  return at === undefined ? message : { ...message, at: new Date(at) };
}

/** Whether a value has a payload, and no field but those of a message. */
function isMessage(value: unknown): value is PostedMessage {
  return typeof value === "object" && value !== null && "payload" in value &&
    Object.keys(value).every((name) => FIELDS.includes(name));
}
