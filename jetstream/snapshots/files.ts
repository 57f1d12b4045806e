import { concat } from "../../base/bytes.ts";
import { MiniError } from "../../base/errors.ts";
import type { FileHandle, FileStat, FileSystem } from "../../fs/file_system.ts";
import { deposed } from "../errors.ts";
import type { StoredMessage } from "../log/message.ts";
import type { Stream } from "../stream.ts";

/** The size of the body of a message that holds a piece of a file. */
const PIECE_BYTES = 256 * 1024;

/** A file: the messages of its pieces, in order. */
interface Manifest {
  readonly parts: string;
  readonly pieces: number[];
  sizeBytes: number;
}

const encoder = new TextEncoder();

/**
 * Files in a stream, for snapshots: of each file the pieces, then a message under
 * its name that lists them. A file that is being made has no name, and a file gets
 * its name, or another, in one step.
 */
export class StreamFiles implements FileSystem {
  readonly #stream: Stream;
  readonly #subject: string;
  /** The files that have no name yet, by their temporary one. */
  readonly #unnamed = new Map<string, Manifest>();
  /** The number of the owner; 0 for a reader. */
  readonly #epoch: number;
  #made = 0;

  constructor(stream: Stream, subject: string, epoch = 0) {
    this.#stream = stream;
    this.#subject = subject;
    this.#epoch = epoch;
  }

  create(path: string): Promise<FileHandle> {
    const parts = `${this.#epoch}-${++this.#made}`;
    const manifest: Manifest = { parts, pieces: [], sizeBytes: 0 };
    this.#unnamed.set(nameOf(path), manifest);
    return Promise.resolve(this.#writer(path, manifest));
  }

  #writer(path: string, manifest: Manifest): FileHandle {
    let waiting: Uint8Array[] = [];
    let size = 0;
    const subject = `${this.#subject}.part.${manifest.parts}`;
    const flush = async (atLeast: number) => {
      if (size < atLeast) return;
      const all = concat(...waiting);
      [waiting, size] = [[], 0];
      for (let at = 0; at < all.length; at += this.#pieceBytes) {
        const body = all.slice(at, at + this.#pieceBytes);
        manifest.pieces.push(await this.#store(subject, body));
      }
    };
    return {
      write: async (bytes) => {
        waiting.push(bytes.slice());
        size += bytes.length;
        manifest.sizeBytes += bytes.length;
        await flush(this.#pieceBytes);
      },
      sync: () => flush(1),
      stat: () => Promise.resolve(statOf(path, manifest)),
      close: () => Promise.resolve(),
      read: () => unsupported("read"),
      seek: () => unsupported("seek"),
      truncate: () => unsupported("truncate"),
    };
  }

  get #pieceBytes(): number {
    return Math.min(PIECE_BYTES, this.#stream.maxBodyBytes);
  }

  /** Stores a message. It may be stored twice; the number tells which one counts. */
  async #store(
    subject: string,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<number> {
    const answer = await this.#stream.surely(
      "write to",
      () => this.#stream.publish({ subject, headers: {}, body }),
    );
    if (answer instanceof MiniError) throw answer;
    if (answer === "moved") throw new Error("it expects nothing");
    return answer.seq;
  }

  async open(path: string): Promise<FileHandle> {
    const manifest = await this.#manifestOf(path);
    if (manifest === undefined) throw missing(path);
    const pieces = this.#pieces(manifest);
    let rest: Uint8Array = new Uint8Array(0);
    return {
      read: async (into) => {
        if (rest.length === 0) {
          const { value, done } = await pieces.next();
          if (done) return 0;
          rest = value;
        }
        const some = rest.subarray(0, into.length);
        into.set(some);
        rest = rest.subarray(some.length);
        return some.length;
      },
      stat: () => Promise.resolve(statOf(path, manifest)),
      close: async () => void await pieces.return(),
      seek: () => unsupported("seek"),
      write: () => unsupported("write"),
      sync: () => unsupported("sync"),
      truncate: () => unsupported("truncate"),
    };
  }

  async *#pieces(
    { pieces }: Manifest,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for (const seq of pieces) {
      const found = await this.#piece(seq);
      // One that is missing is found out by the checksum.
      if (found !== undefined && found.body.length > 0) yield found.body;
    }
  }

  /** A piece; `undefined` if it was removed, but not where a server is behind the others. */
  #piece(seq: number): Promise<StoredMessage | undefined> {
    const stream = this.#stream;
    return stream.surely("read", async () => {
      const found = await stream.get(seq);
      if (found !== undefined) return found;
      const { last = 0 } = await stream.facts() ?? {};
      if (last < seq) throw new Error(`message ${seq} is not there yet`);
      // Another server may have answered.
      return await stream.get(seq);
    });
  }

  async #manifestOf(path: string): Promise<Manifest | undefined> {
    const name = nameOf(path);
    const unnamed = this.#unnamed.get(name);
    if (unnamed !== undefined) return unnamed;
    const subject = this.#subjectOf(name);
    const found = await this.#stream.surely(
      "read",
      () => this.#stream.lastOf(subject),
    );
    return found && manifestIn(found);
  }

  #subjectOf(name: string): string {
    return `${this.#subject}.file.${name}`;
  }

  async stat(path: string): Promise<FileStat | undefined> {
    // The directory is there.
    if (nameOf(path) === "") return DIRECTORY;
    const manifest = await this.#manifestOf(path);
    return manifest && statOf(path, manifest);
  }

  async list(): Promise<string[]> {
    const files = `${this.#subject}.file.`;
    return [...await this.#subjects(files)];
  }

  /** The rest of each subject that begins so. */
  async #subjects(prefix: string): Promise<string[]> {
    const facts = await this.#stream.surely(
      "list",
      () => this.#stream.facts(`${prefix}>`),
    );
    return Object.keys(facts?.subjects ?? {})
      .map((subject) => subject.slice(prefix.length));
  }

  async rename(from: string, to: string): Promise<void> {
    const manifest = await this.#manifestOf(from);
    if (manifest === undefined) throw missing(from);
    const replaced = await this.#name(nameOf(to), manifest);
    const isNew = this.#unnamed.delete(nameOf(from));
    if (!isNew) await this.#purge("file", nameOf(from));
    if (replaced !== undefined) await this.#purge("part", replaced.parts);
    if (isNew) await this.#removeUnfinished();
  }

  /** Gives a file a name, unless it is that of a later owner's. Resolves to the file that had it. */
  async #name(
    name: string,
    manifest: Manifest,
  ): Promise<Manifest | undefined> {
    const stream = this.#stream;
    const subject = this.#subjectOf(name);
    const body = encoder.encode(JSON.stringify(manifest));
    let replaced: Manifest | undefined;
    await stream.surely("write to", async () => {
      const found = await stream.lastOf(subject);
      const there = found && manifestIn(found);
      // The answer to an earlier try was lost.
      if (there?.parts === manifest.parts) return;
      replaced = there;
      if (there !== undefined && epochIn(there.parts) > this.#epoch) {
        throw deposed(stream.name, `a later owner has made "${name}"`);
      }
      const answer = await stream.publish(
        { subject, headers: {}, body },
        { lastOfSubject: found?.seq ?? 0 },
      );
      if (answer instanceof MiniError) throw answer;
      if (answer === "moved") throw new Error("something else was written");
    });
    return replaced;
  }

  async remove(path: string): Promise<void> {
    const name = nameOf(path);
    const manifest = await this.#manifestOf(path);
    if (manifest === undefined) throw missing(path);
    // The name first: a file with a name has all its pieces.
    if (!this.#unnamed.delete(name)) await this.#purge("file", name);
    await this.#purge("part", manifest.parts);
  }

  async #purge(kind: "file" | "part", name: string): Promise<void> {
    const filter = `${this.#subject}.${kind}.${name}`;
    await this.#stream.surely("purge", () => this.#stream.purge({ filter }));
  }

  /** Removes the pieces of files that earlier owners have not finished. */
  async #removeUnfinished(): Promise<void> {
    const used = new Set<string>();
    for (const name of await this.list()) {
      const manifest = await this.#manifestOf(name);
      if (manifest !== undefined) used.add(manifest.parts);
    }
    for (const parts of await this.#subjects(`${this.#subject}.part.`)) {
      const isEarlier = epochIn(parts) < this.#epoch;
      if (isEarlier && !used.has(parts)) await this.#purge("part", parts);
    }
  }

  createDirectory(): Promise<void> {
    return Promise.resolve();
  }

  syncDirectory(): Promise<void> {
    return Promise.resolve();
  }

  lock(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

const DIRECTORY: FileStat = {
  kind: "directory",
  sizeBytes: 0,
  identity: "",
};

/** A file without content. */
const NO_FILE: Manifest = { parts: "0-0", pieces: [], sizeBytes: 0 };

/** The file in a message; one without content, which is a damaged snapshot, in that of a stranger. */
function manifestIn({ body }: StoredMessage): Manifest {
  try {
    const { parts, pieces, sizeBytes } = JSON.parse(
      new TextDecoder().decode(body),
    );
    const isFile = typeof parts === "string" && Array.isArray(pieces);
    return isFile ? { parts, pieces, sizeBytes } : NO_FILE;
  } catch {
    return NO_FILE;
  }
}

/** The number of the owner that has written the pieces. */
function epochIn(parts: string): number {
  return Number.parseInt(parts);
}

function statOf(path: string, { sizeBytes, parts }: Manifest): FileStat {
  return { kind: "file", sizeBytes, identity: `${path} ${parts}` };
}

/** The name of a file, without the directory that it has for snapshots; empty for that directory. */
function nameOf(path: string): string {
  const name = path.split(/[\\/]/).at(-1)!;
  return name.includes(".") ? name : "";
}

function missing(path: string): Error {
  return Object.assign(new Error(`no file ${path}`), { code: "ENOENT" });
}

function unsupported(verb: string): Promise<never> {
  const error = new Error(`a snapshot in a stream cannot ${verb}`);
  return Promise.reject(Object.assign(error, { code: "ENOTSUP" }));
}
