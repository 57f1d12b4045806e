/** Files as anybody can make them, checksums and all. */
import { crc32 } from "node:zlib";
import { MemoryFileSystem } from "@mini/state/testing";
import { hex, JournalBytes } from "./journal.ts";

export const PATH: string = "/data/journal.jsonl";
export const ID: string = "7e0bc45a87783489a15305841ea5623f";
export const SNAPSHOT: string = `/data/snapshot_${"2".padStart(20, "0")}.json`;

/** A folder with files in it. */
export function folder(
  files: Readonly<Record<string, string>>,
): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  for (const [path, text] of Object.entries(files)) {
    fs.put(path, new TextEncoder().encode(text));
  }
  return fs;
}

/** A log of these lines, behind a header. */
export function log(lines: readonly object[], header: object = {}): string {
  const bytes = new JournalBytes({ journal: ID, ...header });
  for (const line of lines) bytes.add({ ...line });
  return bytes.text;
}

/** A snapshot with these fields, indented as it is written. */
export function snapshot(fields: string): string {
  const text = `{\n  ${fields}`;
  return `${text},\n  "crc": "${hex(crc32(text))}"\n}\n`;
}

/** A file of one line with these fields, behind its own checksum. */
export function position(fields: object): string {
  const rest = JSON.stringify(fields).slice(1);
  return `{"crc":"${hex(crc32(rest))}",${rest}\n`;
}
