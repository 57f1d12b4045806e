/** The bytes of a file, never changed in place. */
export type Content = Uint8Array<ArrayBuffer>;

/** A change of a file that is not synced. */
export type FileOperation =
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Content }
  | { readonly kind: "truncate"; readonly sizeBytes: number };

/** A change of a directory that is not synced. */
export type EntryOperation =
  | { readonly kind: "add"; readonly name: string; readonly node: number }
  | {
    readonly kind: "rename";
    readonly from: string;
    readonly to: string;
    readonly node: number;
  }
  | { readonly kind: "remove"; readonly name: string };

/** The owner, the group and the mode of a file or a directory. */
export interface Rights {
  /** The owner. */
  readonly uid: number;
  /** The group. */
  readonly gid: number;
  /** The lowest bits of a Unix mode. */
  readonly mode: number;
}

/** A file: what the page cache shows, and what the disk holds. */
export interface FileNode {
  /** The bytes that a reader sees. */
  readonly live: Content;
  /** The bytes that the disk holds. */
  readonly durable: Content;
  /** The changes since the last sync, oldest first. */
  readonly unsynced: readonly FileOperation[];
  /** Ranges that a failed sync has lost: the cache shows them, and they never reach the disk. */
  readonly lost: readonly (readonly [start: number, end: number])[];
  /** The owner, the group and the mode that are shown. */
  readonly rights: Rights;
  /** The owner, the group and the mode on the disk. */
  readonly durableRights: Rights;
}

/** A directory: what the cache shows, and what the disk holds. */
export interface DirectoryNode {
  /** The names that a reader sees, each with the number of its file. */
  readonly live: ReadonlyMap<string, number>;
  /** The names that the disk holds. */
  readonly durable: ReadonlyMap<string, number>;
  /** The changes since the last sync, oldest first. */
  readonly unsynced: readonly EntryOperation[];
  /** The owner, the group and the mode, durable at once. */
  readonly rights: Rights;
}

/** A whole file system at one moment. Immutable, and cheap to keep: contents are shared. */
export interface DiskSnapshot {
  /** Every file by its number, including those that have lost their names. */
  readonly files: ReadonlyMap<number, FileNode>;
  /** Every directory by its path. */
  readonly directories: ReadonlyMap<string, DirectoryNode>;
}

/** No bytes. */
export const NOTHING: Content = new Uint8Array(0);

/** A file of which every byte is durable. */
export function durableFile(content: Content, rights: Rights): FileNode {
  return {
    live: content,
    durable: content,
    unsynced: [],
    lost: [],
    rights,
    durableRights: rights,
  };
}

/** The content after an operation. */
export function applyToFile(
  content: Content,
  operation: FileOperation,
): Content {
  const { length } = content;
  if (operation.kind === "truncate") {
    const cut = new Uint8Array(operation.sizeBytes);
    cut.set(content.subarray(0, Math.min(length, operation.sizeBytes)));
    return cut;
  }
  const { offset, bytes } = operation;
  const grown = new Uint8Array(Math.max(length, offset + bytes.length));
  grown.set(content);
  grown.set(bytes, offset);
  return grown;
}

/** The entries after an operation. */
export function applyToEntries(
  entries: ReadonlyMap<string, number>,
  operation: EntryOperation,
): Map<string, number> {
  const changed = new Map(entries);
  if (operation.kind === "add") changed.set(operation.name, operation.node);
  else if (operation.kind === "remove") changed.delete(operation.name);
  else {
    // The file moves, whether or not its old name has reached the disk.
    changed.delete(operation.from);
    changed.set(operation.to, operation.node);
  }
  return changed;
}

/** The content, with NULs in place of what a failed sync has lost. */
export function withoutLost(content: Content, lost: FileNode["lost"]): Content {
  if (lost.length === 0) return content;
  const holed = content.slice();
  for (const [start, end] of lost) holed.fill(0, start, end);
  return holed;
}

/** The file after a write or a truncation. */
export function changeFile(file: FileNode, operation: FileOperation): FileNode {
  const lost = operation.kind === "write" ? file.lost : file.lost
    .filter(([start]) => start < operation.sizeBytes)
    .map(([start, end]) =>
      [start, Math.min(end, operation.sizeBytes)] as const
    );
  return {
    ...file,
    live: applyToFile(file.live, operation),
    unsynced: [...file.unsynced, operation],
    lost,
  };
}

/** The file after a sync that has succeeded. */
export function syncFile(file: FileNode): FileNode {
  const { rights } = file;
  if (file.unsynced.length === 0 && file.durableRights === rights) return file;
  const durable = withoutLost(file.live, file.lost);
  return { ...file, durable, unsynced: [], durableRights: rights };
}

/** The file after a failed sync: clean in the cache, and not on the disk. */
export function loseUnsynced(file: FileNode): FileNode {
  const lost = file.unsynced.flatMap((operation) =>
    operation.kind === "write"
      ? [[operation.offset, operation.offset + operation.bytes.length] as const]
      : []
  );
  return { ...file, unsynced: [], lost: [...file.lost, ...lost] };
}
