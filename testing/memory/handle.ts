import type {
  BlockingFileHandle,
  FileHandle,
  FileStat,
} from "../../fs/file_system.ts";
import { type Content, loseUnsynced, syncFile } from "../disk.ts";
import type { Fault, FileSystemCall } from "../hooks.ts";
import { failure, type MemoryDisk } from "../memory_disk.ts";

/** An open file in memory, and how a call to it is made. */
interface OpenFile {
  readonly disk: MemoryDisk;
  readonly node: number;
  readonly access: "read" | "append";
  readonly path: string;
  /** The number of bytes that fit on the disk. */
  free(): number;
  stat(): FileStat;
  own(like: FileStat): void;
  call<T>(
    operation: FileSystemCall["operation"],
    effect: () => T,
    onFault?: (fault: Fault) => void,
  ): T;
}

/** Makes a call at once, whose caller learns of it on a later microtask. */
export function later<T>(call: () => T): Promise<T> {
  return new Promise((resolve) => resolve(call()));
}

/** The handle of an open file. */
export function memoryHandle(
  { disk, node, access, path, free, stat, own, call }: OpenFile,
): FileHandle {
  let position = 0;
  let isOpen = true;
  const run: OpenFile["call"] = (operation, effect, onFault) =>
    call(operation, () => {
      if (!isOpen) throw failure("EBADF", path);
      return effect();
    }, onFault);
  const write = (bytes: Content) => {
    if (access === "read") throw failure("EBADF", path);
    const offset = disk.file(node).live.length;
    const fitting = bytes.slice(0, free());
    disk.changeFile(node, { kind: "write", offset, bytes: fitting });
    if (fitting.length < bytes.length) throw failure("ENOSPC", path);
  };
  const read = (into: Uint8Array<ArrayBuffer>) => {
    const part = disk.file(node).live
      .subarray(position, position + into.length);
    into.set(part);
    position += part.length;
    return part.length;
  };
  const blocking: Required<BlockingFileHandle> = {
    write: (bytes) =>
      run("write", () => write(bytes), ({ keepBytes = 0 }) => {
        if (keepBytes > 0) write(bytes.subarray(0, keepBytes));
      }),
    sync: () =>
      run(
        "sync",
        () => disk.replaceFile(node, syncFile),
        () => disk.replaceFile(node, loseUnsynced),
      ),
    truncate: (sizeBytes) =>
      run(
        "truncate",
        () => disk.changeFile(node, { kind: "truncate", sizeBytes }),
      ),
    stat: () => run("stat", stat),
    own: (like) => run("own", () => own(like)),
    close: () => run("close", () => void (isOpen = false)),
  };
  return {
    read: (into) => later(() => run("read", () => read(into))),
    seek: (offset) => later(() => run("seek", () => void (position = offset))),
    write: (bytes) => later(() => blocking.write(bytes)),
    sync: () => later(() => blocking.sync()),
    truncate: (sizeBytes) => later(() => blocking.truncate(sizeBytes)),
    stat: () => later(() => blocking.stat()),
    own: (like) => later(() => blocking.own(like)),
    close: () => later(() => blocking.close()),
    blocking,
  };
}
