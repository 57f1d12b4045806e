import { crc32 as zlibCrc32 } from "node:zlib";

/** The polynomial of CRC-32, its bits reversed. */
const POLYNOMIAL = 0xedb88320;

/** From this length on, another pass over them costs little beside all else that is done with them. */
const MAX_MOVED_BYTES = 8_192;

/** Continues a CRC-32, or starts one. */
export function crc32(data: Uint8Array | string, crc: number = 0): number {
  // For no bytes, Node 20 and 22 may return 0 instead of `crc`.
  return data.length === 0 ? crc : zlibCrc32(data, crc);
}

/** Continues a CRC-32 over a few bytes, for which a call of the system's function takes longer. */
export function crc32OfFew(
  bytes: Uint8Array,
  start: number,
  end: number,
  crc: number,
): number {
  let state = ~crc;
  for (let index = start; index < end; index++) {
    state = afterByte(state ^ bytes[index]!);
  }
  return ~state >>> 0;
}

/**
 * The CRC-32 that continues `to` over bytes of which `crc` is the one that
 * continues `from`: without another pass over them, unless they are many.
 *
 * A CRC is linear: what tells the two apart at the start passes through as many
 * zero bytes, whatever the bytes are.
 */
export function crc32Moved(
  crc: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  if (bytes.length >= MAX_MOVED_BYTES) return crc32(bytes, to);
  let difference = from ^ to;
  let power = 0;
  for (let left = bytes.length; left > 0; left >>>= 1) {
    if (left & 1) difference = afterZeros(ZEROS[power]!, difference);
    power++;
  }
  return (crc ^ difference) >>> 0;
}

/** The state after each byte. */
const BYTES = Uint32Array.from({ length: 256 }, (_, byte) => {
  let state = byte;
  for (let bit = 0; bit < 8; bit++) {
    state = (state >>> 1) ^ (state & 1 ? POLYNOMIAL : 0);
  }
  return state;
});

function afterByte(state: number): number {
  return BYTES[state & 0xff]! ^ (state >>> 8);
}

/** For 1, 2, 4, … zero bytes: what each value of each byte of a state becomes. */
const ZEROS: readonly Uint32Array[] = zerosUpTo(MAX_MOVED_BYTES);

function zerosUpTo(bytes: number): Uint32Array[] {
  const tables = [tableOf(afterByte)];
  for (let zeros = 2; zeros < bytes; zeros *= 2) {
    const half = tables.at(-1)!;
    tables.push(tableOf((state) => afterZeros(half, afterZeros(half, state))));
  }
  return tables;
}

function tableOf(step: (state: number) => number): Uint32Array {
  return Uint32Array.from(
    { length: 4 * 256 },
    (_, index) => step((index & 0xff) << (8 * (index >>> 8))),
  );
}

function afterZeros(table: Uint32Array, state: number): number {
  return table[state & 0xff]! ^ table[256 + ((state >>> 8) & 0xff)]! ^
    table[512 + ((state >>> 16) & 0xff)]! ^ table[768 + (state >>> 24)]!;
}
