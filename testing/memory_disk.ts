import { Changes } from "../fs/changes.ts";
import {
  changeFile,
  type DirectoryNode,
  type DiskSnapshot,
  type EntryOperation,
  type FileNode,
  type FileOperation,
  type Rights,
} from "./disk.ts";

const ROOT = "/";

/** The rights of the root directory, which is root's. */
const ROOT_RIGHTS: Rights = { uid: 0, gid: 0, mode: 0o755 };

/** A directory that no snapshot holds, and that may be changed in place. */
interface OwnDirectory extends DirectoryNode {
  readonly live: Map<string, number>;
  readonly durable: Map<string, number>;
  readonly unsynced: EntryOperation[];
}

/** The files and directories of a {@linkcode MemoryFileSystem} as they change. */
export class MemoryDisk {
  readonly #files: Map<number, FileNode>;
  readonly #directories: Map<string, DirectoryNode>;
  /** Those of the directories that were changed since the last snapshot. */
  readonly #own: Map<string, OwnDirectory> = new Map();
  /** How many names a file has, by its number. */
  readonly #links: Map<number, number> = new Map();
  #nextNode = 1;
  /** The number of changes that a process has made. */
  changes = 0;
  /** Told of each change, also of those that somebody else makes. */
  readonly #watchers = new Set<Changes>();

  constructor(snapshot?: DiskSnapshot) {
    this.#files = new Map(snapshot?.files);
    this.#directories = new Map(snapshot?.directories);
    this.createDirectory(ROOT, ROOT_RIGHTS);
    for (const { live } of this.#directories.values()) {
      for (const node of live.values()) this.#link(node, 1);
    }
    for (const node of this.#files.keys()) {
      this.#nextNode = Math.max(this.#nextNode, node + 1);
    }
  }

  /** Tells of each change, and misses none. */
  async *watch(
    directory: string,
    signal: AbortSignal,
  ): AsyncGenerator<void, void, undefined> {
    this.directory(directory);
    const changes = new Changes();
    this.#watchers.add(changes);
    try {
      yield* changes.until(signal);
    } finally {
      this.#watchers.delete(changes);
    }
  }

  #change(): void {
    this.changes++;
    this.#tell();
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher.add();
  }

  snapshot(): DiskSnapshot {
    const files = new Map(this.#files);
    this.#own.clear();
    return { files, directories: new Map(this.#directories) };
  }

  /** A directory that is about to be changed: copied once after each snapshot. */
  #ownDirectory(path: string): OwnDirectory {
    const own = this.#own.get(path);
    if (own !== undefined) return own;
    const { live, durable, unsynced, rights } = this.directory(path);
    const copy = {
      live: new Map(live),
      durable: new Map(durable),
      unsynced: [...unsynced],
      rights,
    };
    this.#setOwn(path, copy);
    return copy;
  }

  #setOwn(path: string, directory: OwnDirectory): void {
    this.#own.set(path, directory);
    this.#directories.set(path, directory);
  }

  /** Gives a name in a directory to another file, or to none. */
  #name(
    { live }: OwnDirectory,
    name: string,
    node: number | undefined,
  ): void {
    const before = live.get(name);
    if (before !== undefined) this.#link(before, -1);
    if (node !== undefined) this.#link(node, 1);
    setOrDelete(live, name, node);
  }

  #link(node: number, by: number): void {
    this.#links.set(node, this.links(node) + by);
  }

  directory(path: string): DirectoryNode {
    const directory = this.#directories.get(path);
    if (directory === undefined) throw failure("ENOENT", path);
    return directory;
  }

  /** The names of the files and directories in a directory. */
  list(path: string): string[] {
    const names = [...this.directory(path).live.keys()];
    for (const other of this.#directories.keys()) {
      const [above, name] = split(other);
      if (above === path && name !== "") names.push(name);
    }
    return names;
  }

  isDirectory(path: string): boolean {
    return this.#directories.has(path);
  }

  /** The number of the file that has a name. */
  find(path: string): number | undefined {
    const [directory, name] = split(path);
    return this.#directories.get(directory)?.live.get(name);
  }

  /** The number of names of a file. */
  links(node: number): number {
    return this.#links.get(node) ?? 0;
  }

  /** The bytes of all files that have names. */
  get usedBytes(): number {
    const named = [...this.#directories.values()]
      .flatMap(({ live }) => [...live.values()]);
    return [...new Set(named)]
      .reduce((sum, node) => sum + this.file(node).live.length, 0);
  }

  /** As {@linkcode MemoryDisk.find}; throws if there is none. */
  need(path: string): number {
    if (this.isDirectory(path)) throw failure("EISDIR", path);
    const node = this.find(path);
    if (node === undefined) throw failure("ENOENT", path);
    return node;
  }

  file(node: number): FileNode {
    return this.#files.get(node)!;
  }

  /** Creates a directory and its missing parents, durable at once. */
  createDirectory(path: string, rights: Rights): void {
    if (this.isDirectory(path)) return;
    if (path !== ROOT) {
      if (this.find(path) !== undefined) throw failure("ENOTDIR", path);
      this.createDirectory(split(path)[0], rights);
    }
    const empty = { live: new Map(), durable: new Map(), unsynced: [] };
    this.#setOwn(path, { ...empty, rights });
  }

  /** Adds a file that has no name yet. */
  createFile(file: FileNode): number {
    const node = this.#nextNode++;
    this.#files.set(node, file);
    return node;
  }

  /** Adds a file under a name, durable at once. */
  place(path: string, file: FileNode): void {
    const [directory, name] = split(path);
    this.createDirectory(directory, { ...file.rights, mode: 0o700 });
    const own = this.#ownDirectory(directory);
    const node = this.createFile(file);
    this.#name(own, name, node);
    own.durable.set(name, node);
    this.#tell();
  }

  /** Changes owner, group or mode of a file or a directory, durable at once. */
  give(path: string, rights: Partial<Rights>): void {
    this.#change();
    if (this.isDirectory(path)) {
      const own = this.#ownDirectory(path);
      this.#setOwn(path, { ...own, rights: { ...own.rights, ...rights } });
      return;
    }
    this.replaceFile(this.need(path), (file) => {
      const changed = { ...file.rights, ...rights };
      return { ...file, rights: changed, durableRights: changed };
    });
  }

  changeEntries(path: string, operation: EntryOperation): void {
    const own = this.#ownDirectory(path);
    this.#change();
    const { kind } = operation;
    if (kind === "rename") this.#name(own, operation.from, undefined);
    const name = kind === "rename" ? operation.to : operation.name;
    this.#name(own, name, kind === "remove" ? undefined : operation.node);
    own.unsynced.push(operation);
  }

  /** Renames a file. Between two directories these are two changes, each durable with its directory. */
  rename(path: string, target: string): void {
    const node = this.need(path);
    const [directory, from] = split(path);
    const [other, to] = split(target);
    if (other === directory) {
      this.changeEntries(directory, { kind: "rename", from, to, node });
    } else {
      this.changeEntries(other, { kind: "add", name: to, node });
      this.changeEntries(directory, { kind: "remove", name: from });
    }
  }

  syncEntries(path: string): void {
    if (this.directory(path).unsynced.length === 0) return;
    this.#change();
    const { live, durable, unsynced } = this.#ownDirectory(path);
    for (const name of unsynced.splice(0).flatMap(namesOf)) {
      setOrDelete(durable, name, live.get(name));
    }
  }

  changeFile(node: number, operation: FileOperation): void {
    this.replaceFile(node, (file) => changeFile(file, operation));
  }

  replaceFile(node: number, change: (file: FileNode) => FileNode): void {
    const before = this.file(node);
    const after = change(before);
    if (after === before) return;
    this.#change();
    this.#files.set(node, after);
  }
}

/** The names that an operation changes, in their order. */
function namesOf(operation: EntryOperation): string[] {
  return operation.kind === "rename"
    ? [operation.from, operation.to]
    : [operation.name];
}

function setOrDelete(
  names: Map<string, number>,
  name: string,
  node: number | undefined,
): void {
  if (node === undefined) names.delete(name);
  else names.set(name, node);
}

/** Splits a path into its directory and its name. */
export function split(path: string): [directory: string, name: string] {
  const slash = path.lastIndexOf("/");
  return [path.slice(0, Math.max(slash, 0)) || ROOT, path.slice(slash + 1)];
}

/** An error with a POSIX name. */
export function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
