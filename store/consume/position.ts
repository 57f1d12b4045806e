import { NEWLINE } from "../../base/bytes.ts";
import { encodeAlone, FORMAT_VERSION, isIntact } from "../format/line.ts";

/**
 * A place in a log, between two records. It identifies the records before it
 * too: the running checksum covers every byte of their segment, and the header
 * of the segment those before.
 */
export interface Position {
  /** The id of the log. */
  readonly journal: string;
  /** The number before the first record of the segment that it is in. */
  readonly base: number;
  /** The number of the record before it. */
  readonly seq: number;
  /** The running checksum at the end of the line with that record, in hex; at the start of a segment, the `prev` of its header. */
  readonly chain: string;
}

/** No file with a position is longer. */
export const POSITION_BYTES = 1_024;

/** Encodes the content of a consumer's file. */
export function encodePosition(position: Position): Uint8Array<ArrayBuffer> {
  const { journal, base, seq, chain } = position;
  return encodeAlone({ mini: FORMAT_VERSION, journal, base, seq, chain });
}

/** The position that a file holds; `"damaged"` if it holds none, `"newer"` if a later version wrote it. */
export function parsePosition(
  bytes: Uint8Array,
): Position | "damaged" | "newer" {
  const line = bytes.subarray(0, -1);
  if (bytes.at(-1) !== NEWLINE || !isIntact(line, 0)) return "damaged";
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(new TextDecoder().decode(line));
  } catch {
    return "damaged";
  }
  const { mini, journal, base, seq, chain } = json;
  if (Number.isSafeInteger(mini) && mini as number > FORMAT_VERSION) {
    return "newer";
  }
  return mini === FORMAT_VERSION && isText(journal, /^[0-9a-f]{32}$/) &&
      isText(chain, /^[0-9a-f]{8}$/) && isNumber(base) && isNumber(seq) &&
      base <= seq
    ? { journal, base, seq, chain }
    : "damaged";
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === "string" && form.test(value);
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}
