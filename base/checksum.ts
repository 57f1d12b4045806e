import { crc32 as zlibCrc32 } from "node:zlib";

/** Continues a CRC-32, or starts one. */
export function crc32(data: Uint8Array | string, crc: number = 0): number {
  // For no bytes, Node 20 and 22 may return 0 instead of `crc`.
  return data.length === 0 ? crc : zlibCrc32(data, crc);
}
