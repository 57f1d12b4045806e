import { crc32 } from "node:zlib";
import { MemoryFileSystem } from "@mini/state/testing";
import { hex } from "../journal.ts";

/** A change to the bytes of a file, after its checksums were made. */
export interface Edit {
  readonly file: string;
  readonly kind: "cut" | "flip" | "nul" | "double";
  /** Where: counted from the start, and again from there if the file is shorter. */
  readonly at: number;
  readonly length: number;
}

/** A request to an inspector. */
export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A folder, and perhaps a request to the inspector of it, as JSON. */
export interface Input {
  /**
   * The lines of each file, by its name. What looks like an object gets the
   * checksum that makes it good; a snapshot is one such line.
   */
  readonly files: Readonly<Record<string, readonly string[]>>;
  readonly edits?: readonly Edit[];
  readonly request?: FuzzRequest;
}

/** The folder where an input lies. */
export const DIR = "/data";
/** The journal in it. */
export const JOURNAL: string = `${DIR}/journal.jsonl`;

/** Puts an input into a file system. */
export function filesOf({ files, edits = [] }: Input): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  const chains = new Chains();
  for (const name of Object.keys(files).sort()) {
    const lines = files[name]!;
    let bytes = name.startsWith("snapshot_")
      ? snapshotOf(lines.join("\n"))
      : journalOf(lines, chains, !name.includes(".consumer."));
    for (const edit of edits) {
      if (edit.file === name) bytes = edited(bytes, edit);
    }
    fs.put(`${DIR}/${name}`, bytes);
  }
  return fs;
}

/** The running checksums of the files so far, for which a line may have a `*`. */
class Chains {
  #end = 0;
  readonly #after = new Map<string, number>();

  note(line: string, chain: number): void {
    this.#end = chain;
    const [, seq] = /^\{"seq":(\d+)/.exec(line) ?? [];
    if (seq !== undefined) this.#after.set(seq, chain);
  }

  /** A header that follows on the segment before, or a position after a record. */
  fill(line: string): string {
    const [, seq = ""] = /"seq":(\d+)/.exec(line) ?? [];
    return line.replace('"prev":"*"', `"prev":"${hex(this.#end)}"`)
      .replace('"chain":"*"', `"chain":"${hex(this.#after.get(seq) ?? 0)}"`);
  }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Lines with the running checksum in them. */
function journalOf(
  lines: readonly string[],
  chains: Chains,
  isSegment: boolean,
): Uint8Array<ArrayBuffer> {
  let chain = 0;
  let text = "";
  // A journal of the Rust crate has no checksums.
  const isBare = lines[0]?.startsWith("//");
  for (const template of lines) {
    const json = chains.fill(template);
    const body = json.slice(1);
    const line = json.startsWith("{") && !isBare
      ? `{"crc":"${hex(crc32(body, chain))}",${body}\n`
      : `${json}\n`;
    chain = crc32(line, chain);
    if (isSegment) chains.note(json, chain);
    text += line;
  }
  return bytesOf(text);
}

/** A snapshot with its checksum at the end; text that is no object, as it is. */
function snapshotOf(text: string): Uint8Array<ArrayBuffer> {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return bytesOf(text);
  }
  if (typeof fields !== "object" || fields === null) return bytesOf(text);
  const body = Object.entries(fields).map(([name, value]) => {
    const isList = name === "parts" && Array.isArray(value);
    const json = isList
      ? `[\n${
        value.map((part) => `    ${JSON.stringify(part)}`).join(",\n")
      }\n  ]`
      : JSON.stringify(value);
    return `  ${JSON.stringify(name)}: ${json}`;
  });
  const start = `{\n${body.join(",\n")}`;
  return bytesOf(`${start},\n  "crc": "${hex(crc32(start))}"\n}\n`);
}

function edited(
  bytes: Uint8Array<ArrayBuffer>,
  { kind, at, length }: Edit,
): Uint8Array<ArrayBuffer> {
  const from = at % (bytes.length + 1);
  const to = Math.min(bytes.length, from + length);
  const part = bytes.slice(from, to);
  switch (kind) {
    case "cut":
      return joined(bytes.slice(0, from), bytes.slice(to));
    case "flip":
      if (part[0] !== undefined) part[0] ^= 1 << length % 8;
      return joined(bytes.slice(0, from), part, bytes.slice(to));
    case "nul":
      return joined(bytes.slice(0, from), part.fill(0), bytes.slice(to));
    case "double":
      return joined(bytes.slice(0, to), part, bytes.slice(to));
  }
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
