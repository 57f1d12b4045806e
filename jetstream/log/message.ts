import { hex } from "../../base/bytes.ts";
import { crc32 } from "../../base/checksum.ts";

/** The version of these headers, and of the meaning of what is in a stream. */
export const VERSION = 1;

const decoder = new TextDecoder();

/** The headers of a message, by name. */
export type Headers = Readonly<Record<string, string>>;

/** A message in a stream. */
export interface StoredMessage {
  /** Its number in the stream: an address, of no meaning to a reader of records. */
  readonly seq: number;
  readonly subject: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** A message that holds records, or only says what the number of the next one is. */
export interface Commit {
  readonly kind: "commit";
  /** The number of its first record. */
  readonly first: number;
  /** How many records it holds. */
  readonly count: number;
  /** The owner that wrote it: the number of its fence. */
  readonly epoch: number;
  /** Which commit it is, unique in the stream. */
  readonly id: string;
  /** The number up to which every record was applied when it was written. */
  readonly applied: number;
}

/** The begin of the time of an owner. */
export interface Fence {
  readonly kind: "fence";
  /** Unique to the opening that wrote it. */
  readonly token: string;
  readonly holder: string;
  /** The number of the lease with which it was written: one that comes late has a smaller one than a later owner. */
  readonly lease: number;
}

/** The meaning of a message. A stray is of somebody else. */
export type Meaning = Commit | Fence | { readonly kind: "stray" };

/** A commit before it is stored. */
export type NewCommit = Omit<Commit, "kind" | "applied"> & {
  readonly applied?: number;
};

/** The headers of a commit. */
export function commitHeaders(
  { first, count, epoch, id, applied }: NewCommit,
  body: Uint8Array,
): Headers {
  return {
    "Mini-First": `${first}`,
    "Mini-Count": `${count}`,
    "Mini-Epoch": `${epoch}`,
    "Mini-Commit": id,
    "Mini-Crc": hex(crc32(body)),
    ...(applied !== undefined && { "Mini-Applied": `${applied}` }),
  };
}

/** The headers of a fence. */
export function fenceHeaders(
  { token, holder, lease }: Omit<Fence, "kind">,
): Headers {
  return {
    "Mini-Fence": token,
    "Mini-Holder": encodeURIComponent(holder),
    "Mini-Lease": `${lease}`,
  };
}

/** The meaning of a message, by its headers. */
export function meaningOf({ headers }: StoredMessage): Meaning {
  const token = headers["Mini-Fence"];
  if (token !== undefined) {
    const holder = decoded(headers["Mini-Holder"] ?? "");
    const lease = numberIn(headers, "Mini-Lease") ?? Infinity;
    return { kind: "fence", token, holder, lease };
  }
  const id = headers["Mini-Commit"];
  const [first, count, epoch] = ["First", "Count", "Epoch"]
    .map((name) => numberIn(headers, `Mini-${name}`));
  if (
    id === undefined || first === undefined || count === undefined ||
    epoch === undefined
  ) return { kind: "stray" };
  const applied = numberIn(headers, "Mini-Applied") ?? 0;
  return { kind: "commit", first, count, epoch, id, applied };
}

/** A number in a header; `undefined` if there is none. */
export function numberIn(headers: Headers, name: string): number | undefined {
  const text = headers[name];
  return text !== undefined && /^\d{1,15}$/.test(text)
    ? Number(text)
    : undefined;
}

/** The text in a header; one that nobody has encoded as it is. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The records of a commit, or why they cannot be read, in words. */
export function recordsOf(
  { headers, body }: StoredMessage,
  { count }: Commit,
): readonly unknown[] | string {
  if (headers["Mini-Crc"] !== hex(crc32(body))) return "fails its checksum";
  if (count === 0) return [];
  try {
    const records = JSON.parse(decoder.decode(body));
    return Array.isArray(records) && records.length === count
      ? records
      : `does not hold ${count} records`;
  } catch {
    return "is not JSON";
  }
}
