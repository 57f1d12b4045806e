const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** Joins the rest of one block with the next, reusing its memory. */
export class Joiner {
  #memory = EMPTY;

  /** Joins both. `rest` is empty, or the end of the array returned before, the remainder of which becomes invalid. */
  join(rest: Uint8Array, block: Uint8Array): Uint8Array<ArrayBuffer> {
    const length = rest.length + block.length;
    let start = rest.byteOffset;
    // A line of many blocks is not to be copied with each of them.
    if (start + length > this.#memory.length) {
      const memory = 2 * length <= this.#memory.length
        ? this.#memory
        : new Uint8Array(2 * length);
      memory.set(rest);
      this.#memory = memory;
      start = 0;
    }
    this.#memory.set(block, start + rest.length);
    return this.#memory.subarray(start, start + length);
  }
}

/** One array from several. */
export function concat(
  ...parts: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The byte that ends a line. */
export const NEWLINE = 0x0a;

/** A line with its newline. */
export function withNewline(line: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(line, Uint8Array.of(NEWLINE));
}

/** Eight lower-case hex digits. */
export function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}

/** So much of what stands for a secret cannot be guessed. */
const SECRET_BYTES = 24;

/** A text that nobody can guess: 48 hexadecimal digits. */
export function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether a text is a secret; how long that takes tells nothing about it but its length. */
export function isSecret(text: string, secret: string): boolean {
  let differs = text.length ^ secret.length;
  for (let at = 0; at < secret.length; at++) {
    differs |= text.charCodeAt(at) ^ secret.charCodeAt(at);
  }
  return differs === 0;
}
