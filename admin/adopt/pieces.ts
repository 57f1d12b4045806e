import { concat, NEWLINE } from "../../base/bytes.ts";

/** The bytes between two newlines, or between them and NULs; or a run of NULs. */
export interface Piece {
  /** Empty for NULs, and if there are too many. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where in the file it starts. */
  readonly offset: number;
  /** The number of its line, from 1. */
  readonly line: number;
  readonly sizeBytes: number;
  readonly kind: "text" | "NULs" | "too long";
  /** Whether a line starts here, so that what is before is known. */
  readonly isStart: boolean;
  readonly end: "newline" | "NULs" | "end of file";
}

const NUL = 0;

/** Cuts blocks into pieces; memory is bounded by the longest that is given. Pure. */
export class PieceCutter {
  readonly #maxBytes: number;
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #size = 0;
  #nuls = 0;
  #offset = 0;
  #line = 1;
  #isStart = true;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The pieces that the next bytes of the file complete. Each is valid until the next block. */
  *push(block: Uint8Array<ArrayBuffer>): Generator<Piece, void, undefined> {
    let nul = block.indexOf(NUL);
    for (let at = 0; at < block.length;) {
      if (this.#nuls > 0) {
        const start = at;
        while (block[at] === NUL) at++;
        this.#nuls += at - start;
        if (at === block.length) return;
        yield this.#cutNuls();
      }
      const newline = block.indexOf(NEWLINE, at);
      if (nul !== -1 && nul < at) nul = block.indexOf(NUL, at);
      const stop = Math.min(
        newline === -1 ? block.length : newline,
        nul === -1 ? block.length : nul,
      );
      this.#take(block.subarray(at, stop));
      if (stop === block.length) return;
      if (stop === newline) {
        yield* this.#cut("newline");
        this.#offset++;
        this.#line++;
        this.#isStart = true;
      } else {
        yield* this.#cut("NULs");
        this.#nuls = 1;
      }
      at = stop + 1;
    }
  }

  /** The last piece, if the file does not end in a newline. */
  *end(): Generator<Piece, void, undefined> {
    if (this.#nuls > 0) yield this.#cutNuls();
    yield* this.#cut("end of file");
  }

  #take(part: Uint8Array<ArrayBuffer>): void {
    this.#size += part.length;
    if (this.#size > this.#maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  *#cut(end: Piece["end"]): Generator<Piece, void, undefined> {
    const sizeBytes = this.#size;
    if (sizeBytes === 0) return;
    const [only = NOTHING, ...others] = this.#parts;
    yield {
      bytes: others.length === 0 ? only : concat(only, ...others),
      offset: this.#offset,
      line: this.#line,
      sizeBytes,
      kind: sizeBytes > this.#maxBytes ? "too long" : "text",
      isStart: this.#isStart,
      end,
    };
    this.#offset += sizeBytes;
    this.#parts = [];
    this.#size = 0;
  }

  #cutNuls(): Piece {
    const sizeBytes = this.#nuls;
    const offset = this.#offset;
    this.#offset += sizeBytes;
    this.#nuls = 0;
    this.#isStart = false;
    return {
      bytes: NOTHING,
      offset,
      line: this.#line,
      sizeBytes,
      kind: "NULs",
      isStart: false,
      end: "end of file",
    };
  }
}

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);
