// deno-coverage-ignore-file -- runs under Node: `deno task runtimes`
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
} from "node:fs";
import type { FileHandle as NodeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import type { FileLock } from "./file_system.ts";
import { judgeLockFile, keepLog, LOCK_NOTE_BYTES } from "./lock_note.ts";
import {
  close,
  NO_FOLLOW,
  open,
  openWithoutFollowing,
  statOpen,
  statPath,
} from "./node_file.ts";
import {
  birth,
  claimName,
  claimsIn,
  isFlocked,
  type ProcessIdentity,
  startTime,
} from "./node_claim.ts";
import { codeOf, failure, run } from "./node_errors.ts";

/** Flags of `open` that Node does not name, and hands on to the system: open and lock, or fail at once. */
const OPEN_LOCKED: Readonly<Record<string, number>> = {
  darwin: 0x20 | constants.O_NONBLOCK, // O_EXLOCK: the same lock as flock
  win32: 0x10000000, // UV_FS_O_EXLOCK: nobody else may open it
};

/** What a process is born with where the system does not tell. */
const UNKNOWN = birth("0", "0");

/** What holds a lock besides the open file. */
type Hold = () => void | Promise<void>;

/** Takes the lock; see `FileSystem.lock`, and docs/FORMAT.md for whom it keeps out. */
export async function lock(
  path: string,
  mode: number,
  note: string,
): Promise<FileLock | undefined> {
  let text = note;
  for (;;) {
    const file = await openLockFile(path, mode);
    if (file === undefined) return undefined;
    let release: Hold | undefined;
    let isKept = false;
    try {
      release = await takeLock(path, file, mode);
      if (release === undefined) return undefined;
      const { identity, links } = statOpen(file);
      const isCurrent = () => statPath(path)?.identity === identity;
      // Somebody may have removed the file between our opening and our locking it.
      if (!isCurrent()) continue;
      const found = await readNote(file);
      const verdict = judgeLockFile(found, links);
      text = keepLog(found, text);
      if (verdict === "replace") {
        unlinkIfThere(path);
        continue;
      }
      if (verdict !== "take") throw failure(verdict, path);
      await writeNote(file, text);
      isKept = true;
      const free = release;
      const held = {
        note: text,
        leave: (note: string) =>
          run(async () => {
            await writeNote(file, note);
            await file.sync();
            held.note = note;
          }),
        isCurrent: () => run(isCurrent),
        close: () =>
          run(async () => {
            try {
              await free();
            } finally {
              await close(file);
            }
          }),
      };
      return held;
    } finally {
      if (!isKept) {
        await release?.();
        await close(file);
      }
    }
  }
}

/** Overwrites: cut first, a note might be lost in a power cut. */
async function writeNote(file: NodeFile, note: string): Promise<void> {
  const bytes = new TextEncoder().encode(note);
  await file.write(bytes, 0, null, 0);
  await file.truncate(bytes.length);
}

/** What a lock file holds, and a byte more than that may be. */
async function readNote(file: NodeFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(LOCK_NOTE_BYTES + 1);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  return bytes.subarray(0, bytesRead);
}

/** Opens the lock file and, on macOS and Windows, locks it; `undefined` where somebody else has. */
async function openLockFile(
  path: string,
  mode: number,
): Promise<NodeFile | undefined> {
  const locked = realDeno === undefined ? OPEN_LOCKED[process.platform] : 0;
  const flags = constants.O_RDWR | (locked ?? 0);
  try {
    if (statPath(path) !== undefined) {
      return await openWithoutFollowing(path, flags);
    }
    const create = flags | constants.O_CREAT | NO_FOLLOW;
    return await open(path, create, mode);
  } catch (error) {
    if (locked && ["EAGAIN", "EBUSY"].includes(codeOf(error) ?? "")) {
      return undefined;
    }
    throw error;
  }
}

/** Has the kernel lock the file, where there is a way to ask it, and claims it where there may be none. */
async function takeLock(
  path: string,
  file: NodeFile,
  mode: number,
): Promise<Hold | undefined> {
  if (realDeno !== undefined) return await flockThroughDeno(path, realDeno);
  if (OPEN_LOCKED[process.platform] !== undefined) return () => {};
  const isLocked = flockThroughChild(file.fd) ?? !isFlockedBySomebody(file.fd);
  return isLocked ? claim(path, mode) : undefined;
}

/** What is used of Deno, where Deno runs the npm package. */
interface LockingDeno {
  open(path: string, options: { read: true; write: true }): Promise<
    { tryLock(exclusive: boolean): Promise<boolean>; close(): void }
  >;
}

const realDeno = (globalThis as { Deno?: LockingDeno }).Deno;

async function flockThroughDeno(
  path: string,
  deno: LockingDeno,
): Promise<Hold | undefined> {
  const file = await deno.open(path, { read: true, write: true });
  if (await file.tryLock(true)) return () => file.close();
  file.close();
  return undefined;
}

/**
 * Node has no `flock`. The program of that name locks the open file that it
 * inherits, which is ours, and the lock stays when the program has ended.
 *
 * @returns Whether it is ours; `undefined` where there is no such program.
 */
function flockThroughChild(fd: number): boolean | undefined {
  try {
    const stdio = ["ignore" as const, "ignore" as const, "ignore" as const, fd];
    const { status } = spawnSync("flock", ["-x", "-n", "3"], { stdio });
    return status === 0 ? true : status === 1 ? false : undefined;
  } catch {
    return undefined; // A sandbox lets no child be started.
  }
}

function isFlockedBySomebody(fd: number): boolean {
  try {
    const { ino } = fstatSync(fd, { bigint: true });
    return isFlocked(readFileSync("/proc/locks", "utf8"), ino);
  } catch {
    return false;
  }
}

/** Claims the file for this process, unless a process that lives has done so. Claims first and looks then, so that of two at least one sees the other. */
function claim(path: string, mode: number): Hold | undefined {
  const directory = dirname(path);
  const name = listedName(path);
  const self = { pid: process.pid, birth: birthOf(process.pid)! };
  const mine = join(directory, claimName(name, self));
  try {
    closeSync(openSync(mine, "wx", mode));
  } catch (error) {
    if (codeOf(error) === "EEXIST") return undefined;
    throw error;
  }
  let isOurs = false;
  try {
    isOurs = isAlone(directory, name, mine);
  } finally {
    if (!isOurs) unlinkIfThere(mine);
  }
  return isOurs ? () => unlinkIfThere(mine) : undefined;
}

/** The name of the lock as its directory lists it, which is the same in every spelling. */
function listedName(path: string): string {
  const directory = dirname(path);
  const names = readdirSync(directory);
  const asked = basename(path);
  if (names.includes(asked)) return asked;
  const identity = statPath(path)?.identity;
  return names.find((name) =>
    statPath(join(directory, name))?.identity === identity
  ) ?? asked;
}

/** Whether no claim but ours is that of a process that lives; those of the dead are removed. */
function isAlone(directory: string, name: string, mine: string): boolean {
  for (const { name: other, owner } of claimsIn(readdirSync(directory), name)) {
    const path = join(directory, other);
    if (path === mine) continue;
    if (isAlive(owner)) return false;
    unlinkIfThere(path);
  }
  return true;
}

/** Whether a process lives, as far as can be told: where it is in doubt, it does. */
function isAlive({ pid, birth }: ProcessIdentity): boolean {
  const found = birthOf(pid);
  return found !== undefined && [found, UNKNOWN].includes(birth) ||
    found === UNKNOWN;
}

/** What tells a process from those that had its number before; `undefined` where it is dead. */
function birthOf(pid: number): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
    const start = startTime(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return start && birth(boot, start);
  } catch {
    return existsByNumber(pid) ? UNKNOWN : undefined;
  }
}

function existsByNumber(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
