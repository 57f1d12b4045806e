/** POSIX names of the errors of every runtime. */
import { osCode } from "../os_errors.ts";

/** Errors of Deno that may have no `code`. */
const CODES_BY_NAME: Readonly<Record<string, string>> = {
  NotCapable: "ENOTCAPABLE",
  PermissionDenied: "EACCES",
  Interrupted: "EINTR",
};

/** Errors of the system to which no runtime gives a name: their numbers on Linux, and on macOS. */
const CODES_BY_NUMBER: Readonly<Record<string, string>> = {
  "27": "EFBIG",
  "122": "EDQUOT",
  "69": "EDQUOT",
};

/** Finds the number in the code that Node gives, or in Deno's message. */
const NUMBER = /^Unknown system error -(\d+)|\(os error (\d+)\)/;

/** Runs an operation, again if a signal interrupts it, and gives a failure its POSIX name. */
export async function run<T>(operation: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (codeOf(error) === "EINTR") continue;
      throw withCode(error);
    }
  }
}

/** As {@linkcode run}, before it returns. */
export function runSync<T>(operation: () => T): T {
  for (;;) {
    try {
      return operation();
    } catch (error) {
      if (codeOf(error) === "EINTR") continue;
      throw withCode(error);
    }
  }
}

/** An error with a POSIX name. */
export function failure(code: string, about: string): Error {
  return Object.assign(new Error(`${code}: ${about}`), { code });
}

/** The name of an error that a runtime has thrown. */
export function codeOf(error: unknown): string | undefined {
  const name = (error as { name?: string } | undefined)?.name ?? "";
  return osCode(error) ?? CODES_BY_NAME[name];
}

/** Whether a sandbox refused: Deno's permissions, or Node's permission model. */
export function isSandboxed(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOTCAPABLE" || code === "ERR_ACCESS_DENIED";
}

/** Whether a sandbox or the system refused access. */
export function isRefused(error: unknown): boolean {
  const code = codeOf(error);
  return isSandboxed(error) || code === "EACCES" || code === "EPERM";
}

/** Gives an error its POSIX name. */
export function withCode(error: unknown): unknown {
  const known = codeOf(error);
  if (known === "ERR_ACCESS_DENIED") return accessDenied(error);
  const about = known ?? (error as Error | undefined)?.message ?? "";
  const [, ofNode, ofDeno] = NUMBER.exec(about) ?? [];
  const code = CODES_BY_NUMBER[ofNode ?? ofDeno ?? ""] ?? known;
  if (code === osCode(error)) return error;
  return Object.assign(error as Error, { code });
}

/** Names the flag of Node that helps; the store knows those of Deno. */
function accessDenied(cause: unknown): Error {
  const { permission, resource, message } = cause as Error & {
    permission?: string;
    resource?: string;
  };
  const flag = permission === "FileSystemRead"
    ? "--allow-fs-read"
    : "--allow-fs-write";
  // Node has no flag for some calls: for `fsync`, since Node 26.
  const about = !permission
    ? `nothing can be made durable under Node's permission model (${message}): run without --permission, or under Deno, whose permissions can restrict a program to a directory too; reading needs only --allow-fs-read`
    : `Node's permission model denies it; run again with ${flag}=${resource}`;
  return Object.assign(failure("EACCES", about), { cause });
}
