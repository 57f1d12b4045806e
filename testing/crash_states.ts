import { crc32 } from "../base/checksum.ts";
import {
  applyToEntries,
  applyToFile,
  type Content,
  type DirectoryNode,
  type DiskSnapshot,
  durableFile,
  type EntryOperation,
  type FileNode,
  withoutLost,
} from "./disk.ts";
import { MemoryFileSystem } from "./memory_fs.ts";
import { Random } from "./random.ts";

const SECTOR_BYTES = 512;
const NEWLINE = 0x0a;

/** Options of {@linkcode crashStates}: how thoroughly to look. */
export interface CrashOptions {
  /** Where unsynced bytes are cut: nowhere; at sectors, lines and writes, and one byte before and after; or everywhere. @default {"edges"} */
  readonly cuts?: "none" | "edges" | "every byte";
  /** The number of random sets of missing sectors to try for a file. @default {4} */
  readonly samples?: number;
  /** The seed of the random sets. @default {1} */
  readonly seed?: number;
}

/** One state in which a power cut may leave the disk. */
export interface CrashState {
  /** Says what became of the changes that were not synced. */
  readonly label: string;
  /** The disk, as the next process finds it. */
  readonly fs: MemoryFileSystem;
}

/** One possible value of a part of the disk. */
interface Variant<T> {
  readonly label: string;
  readonly value: T;
}

/**
 * Yields every state, up to sampling, in which a power cut at the moment of the
 * snapshot may leave the disk. The first has lost everything that was not synced.
 *
 * Each change of a name is kept or lost by itself. Bytes that were not synced are
 * complete, cut anywhere, or NUL in any set of sectors. One file varies at a
 * time, while the others have lost or kept everything.
 *
 * @example Walk through them
 * ```ts
 * import { crashStates, MemoryFileSystem } from "@mini/state/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const fs = new MemoryFileSystem();
 * fs.put("/log", new TextEncoder().encode("a"));
 * const file = await fs.open("/log", "append");
 * await file.write(new TextEncoder().encode("b"));
 *
 * const left = [...crashStates(fs.snapshot())].map((state) =>
 *   new TextDecoder().decode(state.fs.content("/log"))
 * );
 * assertEquals(left.sort(), ["a", "a\0", "ab"]);
 * ```
 */
export function* crashStates(
  snapshot: DiskSnapshot,
  options: CrashOptions = {},
): Generator<CrashState, void, undefined> {
  const random = new Random(options.seed ?? 1);
  const seen = new Set<string>();
  for (const names of directoryVariants(snapshot, random)) {
    for (const files of fileVariants(snapshot, names.value, options, random)) {
      const state = build(snapshot, names.value, files.value);
      const key = fingerprint(state);
      if (seen.has(key)) continue;
      seen.add(key);
      const fs = new MemoryFileSystem(state);
      yield { label: `${names.label}; ${files.label}`, fs };
    }
  }
}

type Names = ReadonlyMap<string, ReadonlyMap<string, number>>;
type Contents = ReadonlyMap<number, FileNode>;

/** Every way for the names in all directories to be. */
function* directoryVariants(
  { directories }: DiskSnapshot,
  random: Random,
): Generator<Variant<Names>> {
  let all: Variant<Names>[] = [{ label: "names", value: new Map() }];
  for (const [path, directory] of directories) {
    const variants = [...entryVariants(directory, random)];
    all = all.flatMap((before) =>
      variants.map(({ label, value }) => ({
        label: label === ""
          ? before.label
          : `${before.label} ${path}: ${label}`,
        value: new Map([...before.value, [path, value]]),
      }))
    );
  }
  yield* all;
}

function* entryVariants(
  { durable, unsynced }: DirectoryNode,
  random: Random,
): Generator<Variant<ReadonlyMap<string, number>>> {
  const few = unsynced.length <= 4;
  const sets = few ? 2 ** unsynced.length : 16;
  for (let set = 0; set < sets; set++) {
    // Of many changes: none, all, and some that are picked at random.
    const isKept = (index: number) =>
      few ? (set >> index & 1) === 1 : set === 1 || set > 1 && random.oneIn(2);
    const kept = unsynced.filter((_, index) => isKept(index));
    let entries = durable;
    for (const operation of kept) entries = applyToEntries(entries, operation);
    const label = unsynced.length === 0
      ? ""
      : `kept [${kept.map(describe).join(", ")}] of ${unsynced.length}`;
    yield { label, value: entries };
  }
}

function describe(operation: EntryOperation): string {
  return operation.kind === "rename"
    ? `rename ${operation.from} to ${operation.to}`
    : `${operation.kind} ${operation.name}`;
}

/** Every way for the files that still have a name to be. */
function* fileVariants(
  { files }: DiskSnapshot,
  names: Names,
  options: CrashOptions,
  random: Random,
): Generator<Variant<Contents>> {
  const reachable = new Set(
    [...names.values()].flatMap((map) => [...map.values()]),
  );
  const dirty = [...reachable].filter((node) =>
    files.get(node)!.unsynced.length > 0
  );
  const base = new Map<number, FileNode>();
  for (const node of reachable) {
    const { durable, durableRights } = files.get(node)!;
    base.set(node, durableFile(durable, durableRights));
  }
  yield { label: "unsynced bytes lost", value: base };
  for (const others of ["lost", "kept"] as const) {
    if (others === "kept" && dirty.length < 2) return;
    for (const node of dirty) {
      const { durableRights } = files.get(node)!;
      const before = new Map(base);
      for (const other of others === "kept" ? dirty : []) {
        const { durableRights } = files.get(other)!;
        const content = whole(files.get(other)!);
        before.set(other, durableFile(content, durableRights));
      }
      for (
        const { label, value } of contentVariants(
          files.get(node)!,
          options,
          random,
        )
      ) {
        yield {
          label: dirty.length < 2
            ? label
            : `file ${node}: ${label}, others ${others}`,
          value: new Map(before).set(node, durableFile(value, durableRights)),
        };
      }
    }
  }
}

function whole({ durable, unsynced, lost }: FileNode): Content {
  return withoutLost(unsynced.reduce(applyToFile, durable), lost);
}

/** Every way for the bytes of one file to be. */
function* contentVariants(
  file: FileNode,
  options: CrashOptions,
  random: Random,
): Generator<Variant<Content>> {
  const { durable, unsynced, lost } = file;
  let content = durable;
  for (const [index, operation] of unsynced.entries()) {
    const isLast = index === unsynced.length - 1;
    if (operation.kind === "write") {
      const { offset, bytes } = operation;
      for (
        const cut of cutsOf(operation.bytes, offset, options.cuts ?? "edges")
      ) {
        const part = {
          kind: "write",
          offset,
          bytes: bytes.slice(0, cut),
        } as const;
        const value = withoutLost(applyToFile(content, part), lost);
        yield { label: `cut at byte ${offset + cut}`, value };
      }
    }
    content = applyToFile(content, operation);
    if (!isLast) {
      const value = withoutLost(content, lost);
      yield { label: `${index + 1} of ${unsynced.length} changes`, value };
    }
  }
  const value = withoutLost(content, lost);
  yield { label: "all bytes", value };
  if (options.cuts === "none") return;
  yield* sectorVariants(value, durable.length, options.samples ?? 4, random);
}

function cutsOf(
  bytes: Content,
  offset: number,
  cuts: "none" | "edges" | "every byte",
): number[] {
  const all = Array.from(
    { length: Math.max(bytes.length - 1, 0) },
    (_, index) => index + 1,
  );
  if (cuts === "none") return [];
  if (cuts === "every byte") return all;
  const isEdge = (cut: number) =>
    cut <= 1 || cut >= bytes.length - 1 ||
    [-1, 0, 1].some((more) => (offset + cut + more) % SECTOR_BYTES === 0) ||
    [-2, -1, 0].some((more) => bytes[cut + more] === NEWLINE);
  return all.filter(isEdge);
}

/** The file at its full size with sectors of what was not synced missing. */
function* sectorVariants(
  content: Content,
  durableBytes: number,
  samples: number,
  random: Random,
): Generator<Variant<Content>> {
  const starts: number[] = [];
  for (let start = durableBytes; start < content.length;) {
    starts.push(start);
    start = (Math.floor(start / SECTOR_BYTES) + 1) * SECTOR_BYTES;
  }
  const without = (missing: (index: number) => boolean): Content => {
    const holed = content.slice();
    for (const [index, start] of starts.entries()) {
      if (missing(index)) {
        holed.fill(0, start, starts[index + 1] ?? content.length);
      }
    }
    return holed;
  };
  for (const index of starts.keys()) {
    yield {
      label: `NULs from sector ${index} on`,
      value: without((at) => at >= index),
    };
    yield {
      label: `sector ${index} missing`,
      value: without((at) => at === index),
    };
    yield {
      label: `only sector ${index} there`,
      value: without((at) => at !== index),
    };
  }
  for (let sample = 0; sample < samples && starts.length > 2; sample++) {
    const value = without(() => random.oneIn(2));
    yield { label: `random sectors missing, sample ${sample}`, value };
  }
}

function build(
  before: DiskSnapshot,
  names: Names,
  files: Contents,
): DiskSnapshot {
  const directories = new Map<string, DirectoryNode>();
  for (const [path, entries] of names) {
    const { rights } = before.directories.get(path)!;
    const left = { live: entries, durable: entries, unsynced: [] };
    directories.set(path, { ...left, rights });
  }
  return { files, directories };
}

function fingerprint({ directories, files }: DiskSnapshot): string {
  const parts: string[] = [];
  for (const [path, { live }] of directories) {
    for (const [name, node] of live) {
      const { live: content, rights } = files.get(node)!;
      const whose = Object.values(rights).join();
      parts.push(
        `${path}/${name}:${content.length}:${crc32(content)}:${whose}`,
      );
    }
  }
  return parts.sort().join("|");
}
