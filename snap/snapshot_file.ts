import { BlockReader } from "../fs/blocks.ts";
import { crc32 } from "../base/checksum.ts";
import { MiniError } from "../base/errors.ts";
import type { FileHandle, FileSystem } from "../fs/file_system.ts";
import { MAX_DEPTH } from "../base/json.ts";
import { keepInteger } from "../base/json.ts";
import { concat } from "../base/bytes.ts";
import { parseJson } from "../base/walk.ts";
import { decodeJson, type SnapCodec } from "../base/codec.ts";
import {
  SNAPSHOT_VERSION,
  type SnapshotMeta,
  trailer,
  TRAILER_BYTES,
  trailerHolds,
} from "./envelope.ts";
import { damaged, failed, unsupported } from "./errors.ts";
import { PrettyReader } from "./pretty_reader.ts";
import type { StoredSnapshot } from "./snapshots.ts";

/** Where the parts of a state begin in the text. */
const PARTS = '\n  "parts": [\n';

/** The milliseconds after which the rest of the program gets a turn. */
const TURN_MS = 8;

/** Writes the text of a snapshot into a new file, with its checksum. Resolves to the size of the file. */
export async function writeSnapshot(
  file: FileHandle,
  text: Iterable<string> | AsyncIterable<string>,
): Promise<number> {
  const encoder = new TextEncoder();
  let crc = 0;
  let sizeBytes = TRAILER_BYTES;
  let turn = performance.now();
  for await (const piece of text) {
    const bytes = encoder.encode(piece);
    crc = crc32(bytes, crc);
    sizeBytes += bytes.length;
    await file.write(bytes);
    if (performance.now() - turn < TURN_MS) continue;
    await new Promise((resolve) => setTimeout(resolve));
    turn = performance.now();
  }
  await file.write(trailer(crc));
  return sizeBytes;
}

/** Throws `CORRUPT` if the file differs by one byte from what was written. */
export async function verifySnapshot(
  fs: FileSystem,
  path: string,
): Promise<void> {
  if (!await isVouchedFor(fs, path)) throw failsChecksum(path);
}

/** Whether the checksum at the end of a file matches the file; `undefined` if there is none. Each block of the file is given to `take`. */
async function isVouchedFor(
  fs: FileSystem,
  path: string,
  take: (block: Uint8Array<ArrayBuffer>) => void = () => {},
): Promise<boolean | undefined> {
  let crc = 0;
  let rest = concat();
  for await (const block of blocks(fs, path)) {
    take(block);
    const bytes = concat(rest, block);
    const end = Math.max(0, bytes.length - TRAILER_BYTES);
    crc = crc32(bytes.subarray(0, end), crc);
    rest = bytes.slice(end);
  }
  return trailerHolds(rest, crc);
}

/**
 * Reads a snapshot and verifies its checksum; one of the Rust program has none.
 * Throws `CORRUPT` for damage, `UNSUPPORTED_FORMAT` for a newer version, and for
 * parts without a codec.
 */
export async function readSnapshot<S>(
  fs: FileSystem,
  path: string,
  codec: SnapCodec<S> | undefined,
): Promise<StoredSnapshot<S>> {
  const start = await firstText(fs, path);
  const version = /^\{\n {2}"mini": (\d+),/.exec(start)?.[1];
  if (version !== undefined && Number(version) > SNAPSHOT_VERSION) {
    // A newer version may have another end. A checksum that does not match is damage.
    if (await isVouchedFor(fs, path) === false) throw failsChecksum(path);
    throw unsupported(
      path,
      "it was written by a newer version of this package",
    );
  }
  const at = start.indexOf(PARTS);
  if (version !== undefined && at !== -1) {
    await verifySnapshot(fs, path);
    const head = parse(`${start.slice(0, at).replace(/,$/, "")}\n}`, path);
    if (codec === undefined) {
      throw unsupported(path, "it is in parts; pass the codec that wrote them");
    }
    return { ...metaOf(head, path), state: await decodeParts(codec, fs, path) };
  }
  const json = version === undefined
    ? parse(await wholeText(fs, path), path, keepInteger)
    : await readVerified(fs, path);
  // Without a version it must be of the Rust program, with exactly these fields.
  const isRust = Object.keys(json).sort().join() === "seq,state";
  if (version === undefined && !isRust) {
    throw damaged(path, "it is not a snapshot");
  }
  if (!("state" in json)) throw damaged(path, "it holds no state");
  const state = await decodeJson(codec, json.state);
  return { ...metaOf(json, path), state };
}

/** Reads a snapshot that is not in parts, a block at a time. */
async function readVerified(
  fs: FileSystem,
  path: string,
): Promise<Record<string, unknown>> {
  let reader: PrettyReader | undefined = new PrettyReader(MAX_DEPTH + 1);
  const isWhole = await isVouchedFor(fs, path, (block) => {
    try {
      reader?.push(block);
    } catch {
      reader = undefined;
    }
  });
  if (!isWhole) throw failsChecksum(path);
  // Nobody but us need indent it as we do.
  return reader === undefined
    ? parse(await wholeText(fs, path), path)
    : reader.value as Record<string, unknown>;
}

function metaOf(json: Record<string, unknown>, path: string): SnapshotMeta {
  const { seq, journal, version } = json;
  if (!Number.isSafeInteger(seq) || (seq as number) < 0) {
    throw damaged(path, "it has no sequence number");
  }
  return {
    seq: seq as number,
    ...(typeof journal === "string" && { logId: journal }),
    ...(typeof version === "number" && { version }),
  };
}

/** Decodes the parts. When it settles the file is closed, however many parts the codec took, and by what means. */
async function decodeParts<S>(
  codec: SnapCodec<S>,
  fs: FileSystem,
  path: string,
): Promise<S> {
  let failure: { readonly error: unknown } | undefined;
  // A fault of the file is thrown, whatever the codec makes of it.
  const values = endingWith(parts(fs, path), (error) => {
    failure = { error: error instanceof MiniError ? error : notJson(path) };
    return failure.error;
  });
  try {
    const state = await decodeJson(codec, values);
    if (failure === undefined) return state;
  } catch (error) {
    failure ??= { error };
  } finally {
    await values.return();
  }
  throw failure.error;
}

/** Yields the same values. An error is thrown as `explain` returns it. */
async function* endingWith(
  values: AsyncGenerator<unknown, void, undefined>,
  explain: (error: unknown) => unknown,
): AsyncGenerator<unknown, void, undefined> {
  try {
    yield* values;
  } catch (error) {
    throw explain(error);
  }
}

/** Reads the values of a snapshot that was written in parts. */
async function* parts(
  fs: FileSystem,
  path: string,
): AsyncGenerator<unknown, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = "";
  let isInside = false;
  for await (const block of blocks(fs, path)) {
    const [end, ...starts] = decoder.decode(block, { stream: true }).split(
      "\n",
    );
    line += end;
    for (const start of starts) {
      if (line === "  ],") return;
      if (isInside) {
        yield parseJson(line.endsWith(",") ? line.slice(0, -1) : line);
      } else isInside = line === PARTS.slice(1, -1);
      line = start;
    }
  }
}

/** Reads a file block by block; each block is valid until the next. An error of the system gets its code here, for it may pass through a codec. */
async function* blocks(
  fs: FileSystem,
  path: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  try {
    const file = await fs.open(path, "read");
    try {
      const reader = new BlockReader(file);
      for (;;) {
        const block = await reader.next();
        if (block.length === 0) return;
        yield block;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw failed(error, `read "${path}"`, path);
  }
}

async function firstText(fs: FileSystem, path: string): Promise<string> {
  for await (const block of blocks(fs, path)) {
    return new TextDecoder().decode(block.subarray(0, 4_096));
  }
  return "";
}

/** Reads the text of a snapshot, or of a small file of the Rust program. */
export async function wholeText(fs: FileSystem, path: string): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  try {
    for await (const block of blocks(fs, path)) {
      text += decoder.decode(block, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw damaged(path, "it is not UTF-8");
    throw error;
  }
}

/** Parses an object, a field of which may be as deep as a record. */
function parse(
  text: string,
  path: string,
  reviver?: typeof keepInteger,
): Record<string, unknown> {
  const json = parseSnapshot(text, path, MAX_DEPTH + 1, reviver);
  if (typeof json !== "object" || json === null) throw notJson(path);
  return json as Record<string, unknown>;
}

/** Parses the text of a snapshot. Throws `CORRUPT` if it is not JSON, or is nested too deeply. */
export function parseSnapshot(
  text: string,
  path: string,
  maxDepth: number,
  reviver?: typeof keepInteger,
): unknown {
  try {
    return parseJson(text, maxDepth, reviver);
  } catch (error) {
    throw error instanceof MiniError ? error : notJson(path);
  }
}

function notJson(path: string): MiniError {
  return damaged(path, "it is not JSON, or is nested too deeply");
}

function failsChecksum(path: string): MiniError {
  return damaged(path, "it fails its checksum");
}
