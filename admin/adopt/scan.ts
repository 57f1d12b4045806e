/**
 * JSON in bytes, read without being parsed: where a value ends, or where it can
 * be no value any more.
 */

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const OBJECT = 0x7b;

/** The result of reading a value. */
export interface Scan {
  /** Whether it is a value; else `end` is the end of the bytes, or the first byte that cannot be there. */
  readonly isWhole: boolean;
  readonly end: number;
  /** Where the last string before `end` ends in a `{`, which may have been that of another value; -1 if it does not. */
  readonly brace: number;
}

/** Reads the value that starts at `start`. In one pass, whatever it holds. */
export function scanValue(bytes: Uint8Array, start: number): Scan {
  const scanner = new Scanner(bytes, start);
  const isWhole = scanner.value();
  return { isWhole, end: scanner.at, brace: isWhole ? -1 : scanner.brace() };
}

/** Whether an object or an array starts with this byte. */
export function isOpening(byte: number | undefined): boolean {
  return byte === OBJECT || byte === ARRAY;
}

/** The first byte from `at` on that is not white space. */
export function afterSpace(bytes: Uint8Array, at: number): number {
  while (isSpace(bytes[at])) at++;
  return at;
}

/** Whether a byte is white space in JSON. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0d || byte === 0x09 || byte === 0x0a;
}

/** Each method returns whether the part is there; if not, `at` is where it stops to be. */
class Scanner {
  readonly #bytes: Uint8Array;
  at: number;
  /** The last string: its first byte, and the one after it. */
  #string = { start: 0, end: 0 };

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.at = start;
  }

  value(): boolean {
    // What each open container ends with.
    const closings: number[] = [];
    for (;;) {
      this.#skip();
      const first = this.#bytes[this.at];
      if (isOpening(first)) {
        closings.push(first! + 2);
        this.at++;
        this.#skip();
        if (this.#bytes[this.at] !== first! + 2) {
          if (first === OBJECT && !this.#key()) return false;
          continue;
        }
      } else if (!this.#scalar(first)) return false;
      else if (closings.length === 0) return true;
      else this.#skip();
      while (this.#bytes[this.at] === closings.at(-1)) {
        closings.pop();
        this.at++;
        if (closings.length === 0) return true;
        this.#skip();
      }
      if (!this.#takes(COMMA)) return false;
      if (closings.at(-1) === OBJECT + 2 && !this.#key()) return false;
    }
  }

  /** See {@linkcode Scan.brace}. Such a string would have ended with the first quote of that other value. */
  brace(): number {
    const { start, end } = this.#string;
    if (end === 0 || afterSpace(this.#bytes, end) !== this.at) return -1;
    let at = end - 2;
    while (at > start && isSpace(this.#bytes[at])) at--;
    return at > start && this.#bytes[at] === OBJECT ? at : -1;
  }

  #skip(): void {
    this.at = afterSpace(this.#bytes, this.at);
  }

  #takes(byte: number): boolean {
    if (this.#bytes[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  #key(): boolean {
    this.#skip();
    if (this.#bytes[this.at] !== QUOTE || !this.#text()) return false;
    this.#skip();
    return this.#takes(COLON);
  }

  #scalar(first: number | undefined): boolean {
    if (first === QUOTE) return this.#text();
    if (first === MINUS || isDigit(first)) return this.#number();
    return WORDS.some((word) => word[0] === first && this.#word(word));
  }

  #word(word: Uint8Array): boolean {
    return word.every((byte) => this.#takes(byte));
  }

  #number(): boolean {
    this.#takes(MINUS);
    if (!this.#takes(ZERO) && !this.#digits()) return false;
    if (this.#takes(DOT) && !this.#digits()) return false;
    if ((this.#bytes[this.at]! | 0x20) !== 0x65) return true;
    this.at++;
    if (!this.#takes(PLUS)) this.#takes(MINUS);
    return this.#digits();
  }

  #digits(): boolean {
    const start = this.at;
    while (isDigit(this.#bytes[this.at])) this.at++;
    return this.at > start;
  }

  #text(): boolean {
    const start = this.at++;
    for (;;) {
      const byte = this.#bytes[this.at];
      if (byte === QUOTE) {
        this.at++;
        this.#string = { start, end: this.at };
        return true;
      }
      if (byte === BACKSLASH) {
        if (!this.#escape()) return false;
      } else if (byte === undefined || byte < 0x20) return false;
      else if (byte < 0x80) this.at++;
      else if (!this.#character(byte)) return false;
    }
  }

  #escape(): boolean {
    this.at++;
    if (!this.#takes(0x75)) {
      if (!ESCAPES.includes(this.#bytes[this.at]!)) return false;
      this.at++;
      return true;
    }
    for (let left = 4; left > 0; left--) {
      if (!isHex(this.#bytes[this.at])) return false;
      this.at++;
    }
    return true;
  }

  /** A character of several bytes, as UTF-8 has it. */
  #character(first: number): boolean {
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4) return false;
    // The second byte says whether there is a shorter form, or no such character.
    const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    this.at++;
    for (let index = 1; index <= more; index++) {
      const byte = this.#bytes[this.at]!;
      const isSecond = index === 1;
      const isIt = byte >= (isSecond ? low : 0x80) &&
        byte <= (isSecond ? high : 0xbf);
      if (!isIt) return false;
      this.at++;
    }
    return true;
  }
}

const encoder = new TextEncoder();
const WORDS = ["true", "false", "null"].map((word) => encoder.encode(word));
/** The characters that stand for another after a backslash. */
const ESCAPES = encoder.encode('"\\/bfnrt');

/** Whether a byte is a decimal digit. */
export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= 0x39;
}

function isHex(byte: number | undefined): boolean {
  const letter = (byte ?? 0) | 0x20;
  return isDigit(byte) || letter >= 0x61 && letter <= 0x66;
}
