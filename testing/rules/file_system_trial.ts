import type { FileHandle, FileStat, FileSystem } from "../../fs/file_system.ts";
import { type Rule, Trial } from "../suite.ts";

/**
 * The surroundings of a check of `fileSystemSuite`. A check is skipped if it
 * needs a method that is left out, or that throws.
 */
export interface FileSystemFixture {
  /** The file system. */
  readonly fs: FileSystem;
  /** An existing, empty directory. */
  readonly directory: string;
  /** Makes a symbolic link to a path at which there may be nothing. */
  symlink?(target: string, path: string): unknown;
  /** Gives a file a second name. */
  link?(existing: string, path: string): unknown;
  /** Makes a named pipe. */
  pipe?(path: string): unknown;
  /** Cuts the power; resolves to the file system as the next process finds it, without anything that was not durable. */
  cutPower?(): FileSystem | Promise<FileSystem>;
  /** Removes what the check has left. */
  dispose?(): unknown;
}

/** A rule of `FileSystem`. */
export type FileSystemRule = Rule<FileSystemTrial>;

/** One test of a file system. */
export class FileSystemTrial extends Trial {
  readonly fixture: FileSystemFixture;
  /** The file system; what is opened is closed when the test has ended. */
  fs: FileSystem;

  constructor(fixture: FileSystemFixture) {
    super();
    this.fixture = fixture;
    this.fs = this.#watchFileSystem(fixture.fs);
    this.atEnd(() => fixture.dispose?.());
  }

  #watchFileSystem(fs: FileSystem): FileSystem {
    return this.watch(fs, (method, result) => {
      if (!["open", "create", "lock"].includes(method)) return result;
      return Promise.resolve(result as Promise<FileHandle | undefined>)
        .then((opened) => {
          if (opened === undefined) return undefined;
          this.atEnd(() => opened.close());
          return this.watch(opened);
        });
    });
  }

  /** Tests another file system in the place of the fixture's. */
  use(fs: FileSystem): void {
    this.fs = this.#watchFileSystem(fs);
  }

  /** A path in the directory of the test. */
  at(name: string): string {
    return `${this.fixture.directory.replace(/\/$/, "")}/${name}`;
  }

  /** Creates a file that holds a text. */
  async put(name: string, text: string): Promise<FileHandle> {
    const file = await this.fs.create(this.at(name), 0o600);
    await file.write(bytes(text));
    return file;
  }

  /** Reads a file to its end. */
  async text(name: string, fs: FileSystem = this.fs): Promise<string> {
    return await readOn(await fs.open(this.at(name), "read"));
  }

  /** Describes what must be there. */
  async stat(name: string): Promise<FileStat> {
    return await this.fs.stat(this.at(name)) ?? this.fail("it found nothing");
  }

  /** Cuts the power. */
  async afterPowerCut(): Promise<FileSystem> {
    const { cutPower } = this.fixture;
    if (cutPower === undefined) this.skip("the fixture cuts no power");
    return this.#watchFileSystem(await cutPower.call(this.fixture));
  }

  /** Has the fixture make a symbolic link to a file, a second name of it, or a pipe. */
  async make(
    what: "symlink" | "link" | "pipe",
    ...names: readonly [string] | readonly [string, string]
  ): Promise<void> {
    const make: ((...paths: string[]) => unknown) | undefined =
      this.fixture[what];
    if (make === undefined) this.skip("the fixture makes none");
    const paths = names.map((name) => this.at(name));
    try {
      await make.apply(this.fixture, paths);
    } catch (error) {
      this.skip(String(error));
    }
  }
}

/** A text as bytes. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Reads on to the end of a file. */
export async function readOn(file: FileHandle): Promise<string> {
  const block = new Uint8Array(1_000);
  const decoder = new TextDecoder();
  let text = "";
  for (let left = (await file.stat()).sizeBytes; left >= 0;) {
    const count = await file.read(block);
    if (count === 0) return text;
    left -= count;
    text += decoder.decode(block.subarray(0, count), { stream: true });
  }
  throw new Error("reading does not end");
}
