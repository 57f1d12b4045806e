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
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "@std/path";
import process from "node:process";
import { codeOf } from "./runtime/errno.ts";
import {
  birth,
  claimName,
  claimsIn,
  isFlocked,
  type ProcessIdentity,
  startTime,
} from "./node_claim.ts";
import { fstat, lstat, type NodeFile } from "./node_file.ts";
import type { Release } from "./runtime/calls.ts";

/** Flags of `open` that Node does not name, and passes on to the system: open and lock, or fail at once. */
const OPEN_LOCKED: Readonly<Record<string, number>> = {
  darwin: 0x20 | constants.O_NONBLOCK, // O_EXLOCK: the same lock as flock
  win32: 0x10000000, // UV_FS_O_EXLOCK: nobody else may open it
};

/** The birth of a process if the system does not tell when it started. */
const UNKNOWN = birth("0", "0");

/** The flags with which opening the file of a lock locks it, on macOS and Windows; 0 elsewhere. */
export function lockedByOpening(): number {
  return OPEN_LOCKED[process.platform] ?? 0;
}

/** Locks the file through the kernel, if there is a way to ask it, and claims it if there may be none; see docs/FORMAT.md for whom that keeps out. */
// deno-lint-ignore require-await -- what is thrown must reject
export async function lock(
  file: NodeFile,
  path: string,
  mode: number,
): Promise<Release | undefined> {
  if (lockedByOpening() !== 0) return () => {};
  const isFlocked = flockThroughChild(file.fd);
  const isLocked = isFlocked ?? !isFlockedBySomebody(file.fd);
  if (!isLocked) return undefined;
  return claim(path, mode, isFlocked ? fstat(file).identity : "");
}

/**
 * Node has no `flock`. The program of that name locks the open file that it
 * inherits, which is ours, and the lock stays when the program ends.
 *
 * @returns Whether the lock is ours; `undefined` if there is no such program.
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

/**
 * Claims the file for this process, unless a live process has done so. Claims
 * first and looks then, so that of two at least one sees the other.
 *
 * @param flocked The identity of the file that the kernel has locked for this
 * caller, which the claim holds; empty if it has locked none.
 */
function claim(
  path: string,
  mode: number,
  flocked: string,
): Release | undefined {
  const directory = dirname(path);
  const name = listedName(path);
  const self = { pid: process.pid, birth: birthOf(process.pid)! };
  const mine = join(directory, claimName(name, self));
  try {
    writeClaim(mine, mode, flocked);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    if (!isLeftByThread(mine, flocked)) return undefined;
  }
  let isOurs = false;
  try {
    isOurs = isAlone(directory, name, mine);
  } finally {
    if (!isOurs) unlinkIfThere(mine);
  }
  return isOurs ? () => unlinkIfThere(mine) : undefined;
}

function writeClaim(path: string, mode: number, text: string): void {
  const fd = openSync(path, "wx", mode);
  try {
    writeSync(fd, text);
  } catch {
    // A claim that stays empty, as on a full disk, is respected for longer.
  } finally {
    closeSync(fd);
  }
}

/** Whether a claim of this process is that of a thread that has ended: the kernel's lock, which that thread had, is the caller's. */
function isLeftByThread(claim: string, flocked: string): boolean {
  return flocked !== "" && readFileSync(claim, "utf8") === flocked;
}

/** The name of the lock as its directory lists it, which is the same in every spelling. */
function listedName(path: string): string {
  const directory = dirname(path);
  const names = readdirSync(directory);
  const asked = basename(path);
  if (names.includes(asked)) return asked;
  const identity = identityOf(path);
  return names.find((name) => identityOf(join(directory, name)) === identity) ??
    asked;
}

/** The identity of a file; `undefined` if it is gone. */
function identityOf(path: string): string | undefined {
  try {
    return lstat(path).identity;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether no other live process has a claim. Removes the claims of dead ones. */
function isAlone(directory: string, name: string, mine: string): boolean {
  for (const { name: other, owner } of claimsIn(readdirSync(directory), name)) {
    const path = join(directory, other);
    if (path === mine) continue;
    if (isAlive(owner)) return false;
    unlinkIfThere(path);
  }
  return true;
}

/** Whether a process lives. If in doubt, it does. */
function isAlive({ pid, birth }: ProcessIdentity): boolean {
  const found = birthOf(pid);
  return found !== undefined && [found, UNKNOWN].includes(birth) ||
    found === UNKNOWN;
}

/** The birth of the process that has this number; `undefined` if it is dead. */
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
