import { PREFIX_BYTES } from "../../store/internal.ts";
import { crc32 } from "../../base/checksum.ts";

/**
 * Finds the running checksum again behind a damage.
 *
 * The checksum that a line carries depends on the running one before it, and
 * that dependence can be turned round: what a line says tells what must have
 * run before it, if the line is whole. Whether it is, its successor says: it
 * matches what runs on from there, which no damaged line would give it.
 */

/** The polynomial of the CRC-32 of zlib, and one of its arithmetic, bits reversed. */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;
const X_TO_8 = 0x00800000;

/** The polynomial is primitive: this many steps of one bit lead back to the start. */
const PERIOD = 2 ** 32 - 1;

/** The product of two polynomials, modulo that of the checksum. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= b;
    b = (b & 1) !== 0 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1;
  }
  return product >>> 0;
}

/** `x ** (8 * bytes)`: the factor of a checksum when `bytes` bytes go by. */
function shift(bytes: number): number {
  let result = ONE;
  let power = X_TO_8;
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(result, power);
    power = multiply(power, power);
  }
  return result;
}

/** The seed with which `bytes` have this checksum. */
function seedOf(bytes: Uint8Array, checksum: number): number {
  const carried = (checksum ^ crc32(bytes)) >>> 0;
  // 8 has an inverse in the exponents: stepping on to the next whole turn steps back.
  const back = PERIOD - bytes.length % PERIOD;
  return multiply(shift(back), carried);
}

/** The checksum that must have run before a line, for it to be whole. */
export function chainBefore(line: Uint8Array): number {
  const stored = new TextDecoder().decode(line.subarray(8, 16));
  return seedOf(line.subarray(PREFIX_BYTES), parseInt(stored, 16));
}

const NEWLINE = Uint8Array.of(0x0a);

/** The checksum that runs behind a line and its newline. */
export function chainAfter(line: Uint8Array, chain: number): number {
  return crc32(NEWLINE, crc32(line, chain));
}
