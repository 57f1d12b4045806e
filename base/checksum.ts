import { crc32 as zlibCrc32 } from "node:zlib";

/** Goes on with a CRC-32, from 0 where there is none yet. */
export function crc32(data: Uint8Array | string, crc: number = 0): number {
  // Of no bytes, Node 20 and 22 may give 0 in place of what has run so far.
  return data.length === 0 ? crc : zlibCrc32(data, crc);
}
