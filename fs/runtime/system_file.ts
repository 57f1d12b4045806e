import type {
  BlockingFileHandle,
  FileHandle,
  FileStat,
} from "../file_system.ts";
import type { FileCalls } from "../steps/file_calls.ts";
import type { SystemCalls } from "./calls.ts";
import { failure, run, runSync } from "./errno.ts";

/** Up to this size a write goes into the page cache more quickly than a thread wakes. */
const QUICK_WRITE_BYTES = 64 * 1024;

/** An open file of the system. */
export class SystemFile<File> implements FileHandle {
  readonly #calls: SystemCalls<File>;
  readonly #file: File;
  readonly #path: string;
  /** Where the next read starts. */
  #offset = 0;
  /** The calls that return when they are done. */
  readonly blocking: BlockingFileHandle;
  /** Those of them that take less time than a promise, if they may be made. */
  readonly #quick: FileCalls | undefined;

  constructor(calls: SystemCalls<File>, file: File, path: string) {
    this.#calls = calls;
    this.#file = file;
    this.#path = path;
    this.blocking = blockingFile(calls, file, path);
    // deno-coverage-ignore -- Node's permission model only
    this.#quick = calls.isBlocking ? this.#quickCalls() : undefined;
  }

  /** The calls of a file of the system, of which the quick ones are made at once; `undefined` for any other, which may wrap one. */
  static quickCallsOf(file: FileHandle): FileCalls | undefined {
    return #quick in file ? file.#quick : undefined;
  }

  #quickCalls(): FileCalls {
    const { blocking } = this;
    return {
      write: (bytes) =>
        bytes.length <= QUICK_WRITE_BYTES
          ? blocking.write(bytes)
          : this.write(bytes),
      sync: () => this.sync(),
      truncate: (sizeBytes) => this.truncate(sizeBytes),
      stat: () => blocking.stat(),
      own: (like) => blocking.own!(like),
      close: () => this.close(),
    };
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number> {
    const count = await run(() =>
      this.#calls.read(this.#file, into, this.#offset)
    );
    this.#offset += count;
    return count;
  }

  // deno-lint-ignore require-await -- the seam is asynchronous
  async seek(offset: number): Promise<void> {
    this.#offset = offset;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // The system may take fewer bytes than it is given.
    for (let done = 0; done < bytes.length;) {
      const rest = bytes.subarray(done);
      const written = await run(() =>
        rest.length <= QUICK_WRITE_BYTES
          ? this.#calls.writeSync(this.#file, rest)
          : this.#calls.write(this.#file, rest)
      );
      done += assertSome(written);
    }
  }

  sync(): Promise<void> {
    return run(() => this.#calls.sync(this.#file));
  }

  truncate(sizeBytes: number): Promise<void> {
    return run(() => this.#calls.truncate(this.#file, sizeBytes));
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async stat(): Promise<FileStat> {
    return this.blocking.stat();
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async own(like: FileStat): Promise<void> {
    this.#calls.own(this.#file, this.#path, like);
  }

  close(): Promise<void> {
    return run(() => this.#calls.close(this.#file));
  }
}

function blockingFile<File>(
  calls: SystemCalls<File>,
  file: File,
  path: string,
): BlockingFileHandle {
  return {
    write(bytes) {
      for (let done = 0; done < bytes.length;) {
        const rest = done === 0 ? bytes : bytes.subarray(done);
        done += assertSome(runSync(() => calls.writeSync(file, rest)));
      }
    },
    sync: () => runSync(() => calls.syncSync(file)),
    truncate: (sizeBytes) => runSync(() => calls.truncateSync(file, sizeBytes)),
    stat: () => runSync(() => calls.fstat(file)),
    own: (like) => calls.own(file, path, like),
    close: () => closeAtOnce(calls, file),
  };
}

/** Closes a file. What becomes of that later, if it is asynchronous, changes nothing. */
export function closeAtOnce<File>(calls: SystemCalls<File>, file: File): void {
  Promise.resolve(calls.close(file)).catch(() => {});
}

/** Returns how many bytes the system has written, which must be some. */
function assertSome(written: number): number {
  if (written === 0) throw failure("EIO", "the system wrote no bytes");
  return written;
}
