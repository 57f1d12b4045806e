import { assertLossless, MAX_DEPTH } from "../base/json.ts";
import { hex } from "../base/bytes.ts";
import { given } from "../base/promise.ts";
import { CHUNK_CHARS, prettyPieces, stringify } from "./pretty.ts";
import { CodecFailure, isInParts, type SnapCodec } from "../base/codec.ts";

/**
 * The format of a snapshot, and the only place that knows it: pretty JSON, the
 * last field of which is the CRC-32 of every byte before that field.
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

/** The bytes of the field that holds the checksum, and the end. */
export const TRAILER_BYTES = 24;

/** What a snapshot says of itself beside the state. */
export interface SnapshotMeta {
  /** The sequence number that the state stands at. */
  readonly seq: number;
  /** The id of the log it belongs to. */
  readonly logId?: string;
  /** The version of the code that made the state. */
  readonly version?: number;
}

const encoder = new TextEncoder();

/**
 * The text of a snapshot without its trailer, in pieces. A state that is not in
 * parts is text when this returns, unless `isLazy`: then that is done while the
 * pieces are taken. Only a codec gives parts.
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

/** Without the newline and the bracket that close the object. */
function withoutEnd(text: string): string {
  return text.slice(0, -2);
}

function* pieces(text: string): Generator<string, void, undefined> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + CHUNK_CHARS, text.length);
    // The halves of a surrogate pair, encoded apart, would be two unknown characters.
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
    // A look at the whole says where in it.
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

/** The field with the checksum `crc`, and the end. */
export function trailer(crc: number): Uint8Array<ArrayBuffer> {
  return encoder.encode(`,\n  "crc": "${hex(crc)}"\n}\n`);
}

/** Whether the last bytes of a snapshot vouch for those before; `undefined` where they are no trailer. */
export function trailerHolds(
  bytes: Uint8Array,
  crc: number,
): boolean | undefined {
  const text = new TextDecoder().decode(bytes);
  const said = /^,\n {2}"crc": "([0-9a-f]{8})"\n\}\n$/.exec(text)?.[1];
  return said === undefined ? undefined : said === hex(crc);
}
