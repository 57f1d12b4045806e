import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { FileHandle, MiniError } from "@mini/state/store";
import { type DiskSnapshot, MemoryFileSystem } from "@mini/state/testing";

/** A call of a function, which may be stopped. */
export type Task = (
  fs: MemoryFileSystem,
  signal: AbortSignal,
) => Promise<unknown>;

/** The disk that a call has left. */
export interface Left {
  readonly fs: MemoryFileSystem;
  /** Whether it came to its end nevertheless. */
  readonly isDone: boolean;
}

/** The operations for which a disk needs space. */
const TAKES_SPACE: readonly string[] = [
  "create",
  "createDirectory",
  "write",
  "sync",
];

/** The paths of the files that are open. */
function openFiles(fs: MemoryFileSystem): ReadonlySet<string> {
  const open = new Set<string>();
  for (const method of ["open", "create"] as const) {
    const call = fs[method].bind(fs) as (
      ...args: unknown[]
    ) => Promise<FileHandle>;
    fs[method] = async (path: string, ...rest: unknown[]) => {
      const file = await call(path, ...rest);
      open.add(path);
      const close = async () => {
        open.delete(path);
        await file.close();
      };
      return { ...file, close };
    };
  }
  return open;
}

/**
 * Makes a call again and again, stopped before each of its operations in turn,
 * or before one in `step`, until one comes to its end. Gives the disk that each of the others has left.
 * Fails if one rejects with anything but the reason of its signal, or leaves a
 * file open.
 */
export async function* stoppedEverywhere(
  disk: DiskSnapshot,
  task: Task,
  step = 1,
): AsyncGenerator<Left, void, undefined> {
  for (let at = 1;; at += step) {
    const fs = new MemoryFileSystem(disk);
    const stop = new AbortController();
    // An error that looks like one of the system must not be taken for one.
    const reason = Object.assign(new Error("stopped"), { code: "ENOENT" });
    const open = openFiles(fs);
    fs.hooks.before = ({ index }) => {
      if (index === at) stop.abort(reason);
      return undefined;
    };
    const outcome = await task(fs, stop.signal).then(
      () => "done",
      (error: unknown) => ({ error }),
    );
    const calls = fs.calls;
    fs.hooks = {};
    if (outcome === "done" && at > calls) {
      assert(at > 10, `only ${calls} calls`);
      return;
    }
    if (outcome !== "done") {
      const { error } = outcome as { error: unknown };
      assertStrictEquals(error, reason, `stopped at call ${at}: ${error}`);
    }
    assertEquals([...open], [], `stopped at call ${at}`);
    yield { fs, isDone: outcome === "done" };
  }
}

/**
 * Makes a call again and again on a disk that is full from one operation on, each
 * in turn, until one comes to its end. Gives the disk that each of the others has
 * left. Fails if one rejects with anything but `NO_SPACE`.
 */
export async function* onFullDisk(
  disk: DiskSnapshot,
  task: Task,
): AsyncGenerator<Left, void, undefined> {
  for (let space = 0;; space++) {
    const fs = new MemoryFileSystem(disk);
    let taken = 0;
    fs.hooks.before = ({ operation }) =>
      TAKES_SPACE.includes(operation) && taken++ >= space
        ? { code: "ENOSPC", keepBytes: 20 }
        : undefined;
    const code = await task(fs, new AbortController().signal).then(
      () => "done",
      (error: MiniError) => error.code,
    );
    const isFull = taken > space;
    fs.hooks = {};
    if (!isFull) {
      assertEquals(code, "done");
      assert(space > 1, `only ${space} operations`);
      return;
    }
    const isDone = code === "done";
    if (!isDone) assertEquals(code, "NO_SPACE", `full after ${space}`);
    yield { fs, isDone };
  }
}
