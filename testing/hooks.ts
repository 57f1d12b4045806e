import type { FileHandle, FileSystem } from "../fs/file_system.ts";

/** A call of a `FileSystem` or of a handle, as a test sees it. */
export interface FileSystemCall {
  /** The position of the call among all calls, from 1. */
  readonly index: number;
  /** The name of the method. */
  readonly operation:
    | Exclude<keyof FileSystem, symbol | "blocking">
    | Exclude<keyof FileHandle, symbol | "blocking">;
  /** The path of the file or the directory. */
  readonly path: string;
}

/** The failure of a call. */
export interface Fault {
  /** The POSIX name of the error. */
  readonly code: string;
  /** The number of bytes of a failing write that reach the file nevertheless. @default {0} */
  readonly keepBytes?: number;
}

/** Functions with which a test watches calls and makes them fail. */
export interface Hooks {
  /** Called before every call. A fault that it returns makes the call fail. */
  before?: (call: FileSystemCall) => Fault | undefined;
  /** Called after every call that has changed something, also after one that failed. */
  after?: (call: FileSystemCall) => void;
}
