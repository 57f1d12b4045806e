import {
  FRAME_BYTES,
  isIntact,
  type Line,
  parseLine,
  PREFIX_BYTES,
} from "../../store/internal.ts";
import type { RawLine } from "../read/raw_lines.ts";
import { chainAfter, chainBefore } from "./crc_resync.ts";
import { grouped } from "../../base/text.ts";

/** Records of a log that can be read, and their place. */
export interface SalvagedRecords {
  /** Tells it from a {@linkcode DamagedLine}. */
  readonly kind: "records";
  /** The number of the first of them. */
  readonly seq: number;
  /** One, or those of a batch; `undefined` for one that nobody wants. */
  readonly records: readonly unknown[];
  /** Whether a checksum vouches for them; else they only look whole. */
  readonly isVerified: boolean;
  /** Up to where the line says that records had been applied. */
  readonly applied?: number;
  /** The time in the line, in milliseconds since 1970. */
  readonly at?: number;
  /** The place of the line. */
  readonly place: LinePlace;
}

/** A line of a log that cannot be read, blank ones that follow each other, or a part of a file that the disk cannot read. */
export interface DamagedLine {
  /** Tells it from {@linkcode SalvagedRecords}. */
  readonly kind: "damage";
  /** The reason, in words. */
  readonly reason: string;
  /** How many lines they are; 1 of a part that the disk cannot read. */
  readonly lines: number;
  /** The place of the first, and the size of all. */
  readonly place: LinePlace;
}

/** The first line of a segment. */
export interface Start {
  readonly kind: "header";
  readonly logId: string;
}

export type SalvagedLine = SalvagedRecords | DamagedLine | Start;

/** The place of a line. */
export interface LinePlace {
  /** The file. */
  readonly path: string;
  /** The number of the line in it, from 1. */
  readonly line: number;
  /** The byte in the file at which it starts, from 0. */
  readonly offset: number;
  /** Its size in bytes, without the newline. */
  readonly sizeBytes: number;
}

/** A line that waits for its successor to say whether it is whole. */
interface Candidate {
  readonly raw: RawLine;
  readonly parsed: Line;
  /** The running checksum after it, if it is intact. */
  readonly after: number;
  /** Whether it disagrees with intact lines before it. */
  readonly isSuspect: boolean;
}

/** Whether the record in a line that is whole is to be read: taking it apart is most of the work. */
export type Wants = (seq: number, line: Uint8Array) => boolean;

/**
 * Takes the lines of a segment apart into what can be read and what cannot,
 * also behind a damage. Pure.
 */
export class SalvageReader {
  readonly #path: string;
  readonly #wants: Wants | undefined;
  /** The running checksum, while it is known. */
  #chain: number | undefined = 0;
  #candidate: Candidate | undefined;

  constructor(path: string, wants?: Wants) {
    this.#path = path;
    this.#wants = wants;
  }

  /** The lines that the next line completes. */
  push(raw: RawLine): SalvagedLine[] {
    const { bytes, isTooLong } = raw;
    if (raw.isUnreadable) {
      const settled = this.#settle(false);
      this.#chain = undefined;
      return [...settled, this.#damage(raw, UNREADABLE)];
    }
    const known = this.#chain ?? this.#candidate?.after;
    if (!isTooLong && known !== undefined && isIntact(bytes, known)) {
      const confirmed = this.#settle(true);
      this.#chain = chainAfter(bytes, known);
      const unwanted = this.#unwanted(raw);
      if (unwanted !== undefined) return [...confirmed, unwanted];
      return [...confirmed, ...this.#salvaged(raw, parse(bytes), true)];
    }
    const settled = this.#settle(false);
    const isSuspect = this.#chain !== undefined;
    this.#chain = undefined;
    const parsed = isTooLong ? undefined : parse(bytes);
    if (parsed === undefined) {
      const reason = isTooLong
        ? "the line is too long"
        : raw.lines > 1
        ? blank(raw.lines)
        : raw.isRest
        ? REST
        : raw.isEnded
        ? "the line is not a line of a journal"
        : "the line is unfinished";
      return [...settled, this.#damage(raw, reason)];
    }
    const after = chainAfter(bytes, chainBefore(bytes));
    this.#candidate = { raw, parsed, after, isSuspect };
    return settled;
  }

  /** A line as it is where nobody wants its record; `undefined` for any other. */
  #unwanted(raw: RawLine): SalvagedRecords | undefined {
    if (this.#wants === undefined) return undefined;
    const seq = singleIn(raw.bytes);
    if (seq === undefined || this.#wants(seq, raw.bytes)) return undefined;
    const place = this.#placeOf(raw);
    const records = [undefined];
    return { kind: "records", seq, records, isVerified: true, place };
  }

  /**
   * The lines that wait for a line that does not come.
   *
   * @param chain The running checksum here, as the next segment says.
   */
  end(chain?: number): SalvagedLine[] {
    return this.#settle(
      chain !== undefined && chain === this.#candidate?.after,
    );
  }

  #settle(isConfirmed: boolean): SalvagedLine[] {
    const candidate = this.#candidate;
    if (candidate === undefined) return [];
    this.#candidate = undefined;
    const { raw, parsed, isSuspect } = candidate;
    return !isConfirmed && isSuspect
      ? [this.#damage(raw, "the line fails its checksum")]
      : this.#salvaged(raw, parsed, isConfirmed);
  }

  #salvaged(
    raw: RawLine,
    line: Line | undefined,
    isVerified: boolean,
  ): SalvagedLine[] {
    if (line === undefined) {
      return [
        this.#damage(
          raw,
          "the line is not a record in the form that this package writes",
        ),
      ];
    }
    if (line.kind === "close") return [];
    if (line.kind === "header") {
      return [{ kind: "header", logId: line.header.journal }];
    }
    const { seq, records, applied, at } = line;
    const place = this.#placeOf(raw);
    return [{
      kind: "records",
      seq,
      records,
      isVerified,
      applied,
      ...(at !== undefined && { at }),
      place,
    }];
  }

  #damage(raw: RawLine, reason: string): DamagedLine {
    const { lines } = raw;
    return { kind: "damage", reason, lines, place: this.#placeOf(raw) };
  }

  #placeOf({ line, offset, sizeBytes }: RawLine): LinePlace {
    return { path: this.#path, line, offset, sizeBytes };
  }
}

/** The reasons for which a part of a file, and the line that it ends in, are left out. */
export const UNREADABLE = "the disk cannot read it";
export const REST = "its beginning cannot be read";

/** Why several lines in a row cannot be read. */
export function blank(lines: number): string {
  return `${grouped(lines)} lines are blank`;
}

const latin = new TextDecoder("latin1");

/** The number of the record in a whole line, where that is a single one. */
function singleIn(line: Uint8Array): number | undefined {
  const head = latin.decode(line.subarray(PREFIX_BYTES, FRAME_BYTES));
  const found =
    /^"seq":(\d+),(?:"durable":\d+,)?(?:"applied":\d+,)?(?:"at":\d+,)?"data":/
      .exec(head);
  return found === null ? undefined : Number(found[1]);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parse(bytes: Uint8Array): Line | undefined {
  try {
    return parseLine(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** The lines, neighbours that nobody wants as one, which takes less time to hand on. */
export function* mergeUnwanted(
  pieces: Iterable<SalvagedLine>,
): Generator<SalvagedLine, void, undefined> {
  let first: SalvagedRecords | undefined;
  let count = 0;
  const merged = () => ({ ...first!, records: new Array(count) });
  for (const piece of pieces) {
    const isNext = first !== undefined && isUnwanted(piece) &&
      piece.seq === first.seq + count;
    if (isNext) {
      count++;
      continue;
    }
    if (first !== undefined) yield merged();
    first = isUnwanted(piece) ? piece : undefined;
    count = 1;
    if (first === undefined) yield piece;
  }
  if (first !== undefined) yield merged();
}

function isUnwanted(piece: SalvagedLine): piece is SalvagedRecords {
  return piece.kind === "records" && piece.isVerified &&
    piece.records[0] === undefined;
}

/** The most lines that are held back because they only look intact. */
const MAX_HELD = 1_000;

/**
 * Lets through the records whose numbers rise. One that only looks whole waits
 * for the next verified one: a damaged number must not keep out all behind it.
 */
export class NumberFilter {
  /** The number of the last record let through. */
  last = 0;
  #held: SalvagedRecords[] = [];

  /** The records that can be taken, in order; others are damage. */
  push(piece: SalvagedRecords): (SalvagedRecords | DamagedLine)[] {
    if (!piece.isVerified) {
      this.#held.push(piece);
      return this.#held.length > MAX_HELD ? this.release(Infinity) : [];
    }
    return [...this.release(piece.seq), this.#take(piece)];
  }

  /** The held records that stand before record `bound`. */
  release(bound: number): (SalvagedRecords | DamagedLine)[] {
    const held = this.#held;
    this.#held = [];
    return held.map((piece) =>
      piece.seq + piece.records.length > bound
        ? misplaced(piece)
        : this.#take(piece)
    );
  }

  #take(piece: SalvagedRecords): SalvagedRecords | DamagedLine {
    if (piece.seq <= this.last) return misplaced(piece);
    this.last = piece.seq + piece.records.length - 1;
    return piece;
  }
}

function misplaced({ seq, place }: SalvagedRecords): DamagedLine {
  const reason = `record ${seq} is not where it belongs`;
  return { kind: "damage", reason, lines: 1, place };
}
