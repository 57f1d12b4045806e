import { assertLossless, MAX_DEPTH } from "../base/json.ts";
import { hex } from "../base/bytes.ts";
import { given } from "../base/promise.ts";
import { CHUNK_CHARS, prettyPieces, stringify } from "./pretty.ts";
import { CodecFailure, isInParts, type SnapCodec } from "../base/codec.ts";

/**
 * The format of a snapshot, known only here: pretty-printed JSON, whose last
 * field is the CRC-32 of every byte before that field.
 *
 * ```text
 * {
 *   "mini": 1,
 *   "seq": 7,
 *   "journal": "7e0bc45a87783489a15305841ea5623f",
 *   "version": 3,
 *   "state": { … },          or   "parts": [ one JSON value a line ],
 *   "crc": "1c291ca3"
 * }
 * ```
 */
export const SNAPSHOT_VERSION = 1;

/** The size of the field with the checksum and the closing bracket, in bytes. */
export const TRAILER_BYTES = 24;

/** The fields of a snapshot other than the state. */
export interface SnapshotMeta {
  /** The sequence number that the state stands at. */
  readonly seq: number;
  /** The id of the log that it belongs to. */
  readonly logId?: string;
  /** The version of the code that made the state. */
  readonly version?: number;
}

const encoder = new TextEncoder();

/**
 * Encodes a snapshot, without its trailer, in pieces. A state that is not in
 * parts is encoded before this returns, or with `isLazy` while the pieces are
 * read. Only a codec gives parts.
 */
export function snapshotText<S>(
  meta: SnapshotMeta,
  state: S,
  codec: SnapCodec<S> | undefined,
  isLazy: boolean,
): Iterable<string> | AsyncIterable<string> {
  const { seq, logId: journal, version } = meta;
  const head = { mini: SNAPSHOT_VERSION, seq, journal, version };
  const encoded = codec === undefined
    ? state
    : given("codec.encode", codec.encode(state));
  if (codec !== undefined && isInParts(encoded)) {
    return partsText(stringify(head, 2), encoded);
  }
  if (isLazy) return lazyText(stringify(head, 2), encoded);
  assertLossless(encoded, Infinity, MAX_DEPTH);
  return pieces(withoutEnd(stringify({ ...head, state: encoded }, 2)));
}

/** Cuts off the newline and the bracket that close the object. */
function withoutEnd(text: string): string {
  return text.slice(0, -2);
}

function* pieces(text: string): Generator<string, void, undefined> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + CHUNK_CHARS, text.length);
    // The halves of a surrogate pair must be encoded together.
    if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end++;
    yield text.slice(start, end);
    start = end;
  }
}

function* lazyText(
  head: string,
  state: unknown,
): Generator<string, void, undefined> {
  yield `${withoutEnd(head)},\n  "state": `;
  try {
    yield* prettyPieces(state, "  ");
  } catch (error) {
    // Checking the whole value says where in it.
    assertLossless(state, Infinity, MAX_DEPTH);
    throw error;
  }
}

async function* partsText(
  head: string,
  parts: Iterable<unknown> | AsyncIterable<unknown>,
): AsyncGenerator<string, void, undefined> {
  let piece = `${withoutEnd(head)},\n  "parts": [`;
  let separator = "\n";
  try {
    for await (const part of parts) {
      assertLossless(part, Infinity, MAX_DEPTH);
      piece += separator + stringify(part);
      separator = ",\n";
      if (piece.length < CHUNK_CHARS) continue;
      yield piece;
      piece = "";
    }
  } catch (error) {
    throw new CodecFailure(error);
  }
  yield `${piece}\n  ]`;
}

/** Encodes the field with the checksum `crc`, and the closing bracket. */
export function trailer(crc: number): Uint8Array<ArrayBuffer> {
  return encoder.encode(`,\n  "crc": "${hex(crc)}"\n}\n`);
}

/** Whether the trailer of a snapshot holds the checksum `crc`; `undefined` if it is no trailer. */
export function trailerHolds(
  bytes: Uint8Array,
  crc: number,
): boolean | undefined {
  const text = new TextDecoder().decode(bytes);
  const said = /^,\n {2}"crc": "([0-9a-f]{8})"\n\}\n$/.exec(text)?.[1];
  return said === undefined ? undefined : said === hex(crc);
}
