import { keepInteger } from "../base/json.ts";
import { FIRST_BLOCK_BYTES, readBlock } from "../fs/blocks.ts";
import { MiniError } from "../base/errors.ts";
import type { WriteFormat } from "./format/write_format.ts";
import { rewriteActive } from "./rewrite.ts";
import { MAX_DEPTH } from "../base/json.ts";
import { HEADER_BYTES } from "./format/line.ts";
import { NEWLINE } from "../base/bytes.ts";
import type { LineParser } from "./format/records.ts";
import type { Recovered } from "./recover.ts";
import type { Scanner } from "./format/scanner.ts";
import { concat, Joiner } from "../base/bytes.ts";
import { corrupt, type JournalContext } from "./segment.ts";
import { openIfThere } from "../fs/directory.ts";
import type { OpenSegment } from "./read/segments.ts";
import { parseJson } from "../base/walk.ts";

/**
 * Journals of the Rust crate `ministore`: a comment line, then one bare JSON
 * record a line. A record's number is its place; there is no checksum, no batch
 * and no mark of a clean end.
 */
const HEADER = /^\/\/ MINISTORE JOURNAL v\d+\.\d+\.\d\S*$/;
const HEADER_START = "// MINISTORE JOURNAL v";

/** Appends as the Rust program does, so that it can go on with the journal. */
export const rustFormat: WriteFormat = {
  encode(units, _firstSeq, _durable, chain) {
    const text = units.map((unit) => `${unit.text}\n`).join("");
    return { bytes: new TextEncoder().encode(text), chain };
  },
  isNative: false,
};

/** Whether the file at `path` is a journal of the Rust program. */
export async function isRustJournal(
  context: JournalContext,
  path: string,
): Promise<boolean> {
  const file = await openIfThere(context, path);
  if (file === undefined) return false;
  try {
    const start = await readBlock(file, HEADER_START.length);
    return new TextDecoder().decode(start) === HEADER_START;
  } finally {
    await file.close();
  }
}

/** Parses one line of a Rust journal, the first being `line` 1 of `path`. */
function parseRustLine(
  text: string,
  path: string,
  line: number,
): { record: unknown } | "header" {
  if (line === 1) {
    if (HEADER.test(text)) return "header";
    throw noHeader(path);
  }
  try {
    return { record: parseJson(text, MAX_DEPTH, keepInteger) };
  } catch (cause) {
    if (cause instanceof MiniError) throw cause;
    throw corrupt(path, {
      line,
      reason: "the line is not JSON, or nested too deep",
    });
  }
}

/** Cuts a Rust journal into whole lines, which carry nothing to verify them by. */
class RustScanner implements Scanner {
  readonly #maxRecordBytes: number;
  readonly chain = 0;
  offset = 0;
  rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  isBroken = false;
  readonly #joiner = new Joiner();

  constructor(maxRecordBytes: number) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  push(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const seen = this.rest.length;
    const bytes = this.#joiner.join(this.rest, block);
    const end = this.#endOfLines(bytes, seen);
    this.rest = bytes.subarray(end);
    this.offset += end;
    return bytes.subarray(0, end);
  }

  /** Where the whole lines end, or the first one over the limit begins; in the bytes that were `seen` none ends. A header has a length of its own. */
  #endOfLines(bytes: Uint8Array, seen: number): number {
    for (let start = 0;;) {
      const newline = bytes.indexOf(NEWLINE, Math.max(start, seen));
      const end = newline === -1 ? bytes.length : newline;
      const isHeader = this.offset + start === 0;
      this.isBroken = end - start >
        Math.max(this.#maxRecordBytes, isHeader ? HEADER_BYTES : 0);
      if (newline === -1 || this.isBroken) return start;
      start = newline + 1;
    }
  }
}

/** Parses the lines of one segment. */
class RustLines implements LineParser {
  readonly #path: string;
  #line = 0;
  next: number;

  constructor(path: string, base: number) {
    this.#path = path;
    this.next = base + 1;
  }

  parse(text: string): readonly unknown[] {
    const parsed = parseRustLine(text, this.#path, ++this.#line);
    if (parsed === "header") return [];
    this.next++;
    return [parsed.record];
  }
}

/** The segments of a log, oldest first. */
export async function* openRustSegments(
  context: JournalContext,
  rotated: readonly string[],
): AsyncGenerator<OpenSegment, void, undefined> {
  const { fs, paths, maxRecordBytes } = context;
  let base = 0;
  for (const path of [...rotated, paths.active]) {
    await assertHeader(context, path);
    const lines = new RustLines(path, base);
    const scanner = new RustScanner(maxRecordBytes);
    yield {
      path,
      journal: "",
      base,
      file: await fs.open(path, "read"),
      first: undefined,
      isActive: path === paths.active,
      scanner,
      lines,
      judge(_last, mayBeTorn) {
        const { isBroken, offset, rest } = scanner;
        if (isBroken) throw tooLong(path, { offset }, maxRecordBytes);
        if (mayBeTorn) return Promise.resolve(wholeLine(rest));
        throw corrupt(path, { reason: "a segment is cut short" });
      },
    };
    base = lines.next - 1;
  }
}

/** Throws for a segment whose first line is not whole: one that was cut, since others say whose it is. */
async function assertHeader(
  { fs }: JournalContext,
  path: string,
): Promise<void> {
  const file = await fs.open(path, "read");
  try {
    const start = await readBlock(file, FIRST_BLOCK_BYTES);
    if (!start.includes(NEWLINE)) throw noHeader(path);
  } finally {
    await file.close();
  }
}

function noHeader(path: string): MiniError {
  const reason = "the first line is not a ministore header";
  return corrupt(path, { line: 1, reason });
}

/** Recovers a journal of the Rust program; the lock is held. */
export async function recoverRustJournal(
  context: JournalContext,
  rotated: readonly string[],
): Promise<Recovered> {
  let before = 0;
  for (const path of rotated) {
    const { records, rest, offset } = await scanRust(context, path);
    if (rest.length > 0) {
      throw corrupt(path, { offset, reason: "a rotated segment is cut short" });
    }
    before += records;
  }
  const { active } = context.paths;
  const { records, rest, offset } = await scanRust(context, active);
  const whole = wholeLine(rest);
  const torn = whole === undefined ? rest : rest.subarray(0, 0);
  const reason = "the last line is unfinished";
  // There is no mark of a clean end, so every end is treated as an unclean one.
  const file = await rewriteActive(context, {
    keepBytes: offset,
    added: whole ?? rest.subarray(0, 0),
    torn,
  });
  const sequence = before + records + (whole === undefined ? 0 : 1);
  return {
    file,
    header: { journal: "", base: before, prev: "" },
    sequence,
    sizeBytes: offset + (whole?.length ?? 0),
    chain: 0,
    isMarked: false,
    applied: 0,
    sealed: [],
    report: {
      outcome: torn.length > 0 ? "torn" : "unclean",
      sequence,
      segments: rotated.length + 1,
      tornBytes: torn.length,
      ...(torn.length > 0 && { tornPath: context.paths.torn, reason }),
    },
  };
}

function tooLong(
  path: string,
  place: { line?: number; offset: number },
  maxRecordBytes: number,
): MiniError {
  return new MiniError(
    "TOO_LARGE",
    `Cannot read "${path}" (offset ${place.offset}): the line there is over maxRecordBytes, ${maxRecordBytes}`,
    { path, ...place },
  );
}

/** Counts the records of a segment, and checks that each is JSON. */
async function scanRust(
  { fs, maxRecordBytes }: JournalContext,
  path: string,
): Promise<{ records: number; rest: Uint8Array<ArrayBuffer>; offset: number }> {
  const file = await fs.open(path, "read");
  try {
    const scanner = new RustScanner(maxRecordBytes);
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    let line = 0;
    for (;;) {
      const block = await readBlock(file);
      const lines = scanner.push(block);
      const text = decodeOrRefuse(decoder, lines, path, line + 1);
      for (const record of text.split("\n").slice(0, -1)) {
        parseRustLine(record, path, ++line);
      }
      if (scanner.isBroken) {
        const place = { line: line + 1, offset: scanner.offset };
        throw tooLong(path, place, maxRecordBytes);
      }
      if (block.length === 0) {
        if (line === 0) throw noHeader(path);
        return {
          records: line - 1,
          rest: scanner.rest,
          offset: scanner.offset,
        };
      }
    }
  } finally {
    await file.close();
  }
}

function decodeOrRefuse(
  decoder: TextDecoder,
  lines: Uint8Array,
  path: string,
  line: number,
): string {
  try {
    return decoder.decode(lines);
  } catch {
    throw corrupt(path, {
      line,
      reason: "at or after this line the file is not UTF-8",
    });
  }
}

/**
 * A last line that lacks only its newline, with one. A bare number does not
 * count: what is left of `123` may be `12`.
 */
export function wholeLine(
  rest: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  let end = rest.length;
  while (end > 0 && rest[end - 1] === 0) end--;
  // As strict as every later look at the line will be.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    const text = decoder.decode(rest.subarray(0, end));
    if (typeof parseJson(text, MAX_DEPTH, keepInteger) === "number") {
      return undefined;
    }
  } catch (cause) {
    if (cause instanceof MiniError) throw cause;
    return undefined;
  }
  return concat(rest.subarray(0, end), Uint8Array.of(NEWLINE));
}
