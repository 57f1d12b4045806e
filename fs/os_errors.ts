import { MiniError, type MiniErrorOptions } from "../base/errors.ts";
import { messageOf } from "../base/reason.ts";

/** The POSIX name of an operating system's error, as a {@linkcode FileSystem} reports it. */
export function osCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Whether the disk is full, or the quota or the limit of file sizes is reached. */
export function isNoSpace(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG"].includes(osCode(error) ?? "");
}

/** Whether the disk does not give back what was written to it: to try again, or to read something else, tells more. */
export function isUnreadable(error: unknown): boolean {
  return ["EIO", "EBADMSG", "EUCLEAN"].includes(osCode(error) ?? "");
}

/** The thing that has the name of a file of ours, by the error that opening it gives. */
const NO_FILE: Readonly<Record<string, string>> = {
  ELOOP: "a symbolic link",
  EISDIR: "a directory",
  ENXIO: "a pipe, a socket or a device",
  EMLINK: "a hard link to another file",
  EFTYPE: "a file that is not a lock",
};

/**
 * The {@linkcode MiniError} for an operating system's error.
 *
 * @param doing The operation that failed, as `open journal "/x"`.
 * @param after The state that things are in now.
 */
export function fromOs(
  error: unknown,
  doing: string,
  after: string,
  place: MiniErrorOptions & { directory: string },
): MiniError {
  if (error instanceof MiniError) return error;
  const { directory, ...rest } = place;
  const options = { ...rest, cause: error };
  // The message of the system needs no name of its class before it.
  const because = error instanceof Error && error.message !== ""
    ? error.message
    : messageOf(error);
  const code = osCode(error) ?? "";
  if (code === "ENOTCAPABLE") {
    // Deno's words come before the path, which may hold any words.
    const kind = because.startsWith("Requires read ") ? "read" : "write";
    return new MiniError(
      "PERMISSION",
      `Cannot ${doing}: run again with --allow-${kind}=${directory} (${because}); ${after}`,
      options,
    );
  }
  if (code === "EACCES" || code === "EPERM") {
    return new MiniError(
      "PERMISSION",
      `Cannot ${doing}: access is denied (${because}); ${after}`,
      options,
    );
  }
  const what = NO_FILE[code];
  if (what !== undefined) {
    return new MiniError(
      "UNSUPPORTED_FORMAT",
      `Cannot ${doing}: ${what} is in the place of a regular file of its own (${because}); ${after}`,
      options,
    );
  }
  return new MiniError(
    isNoSpace(error) ? "NO_SPACE" : "IO",
    `Cannot ${doing}: ${because}; ${after}`,
    options,
  );
}

/** The error of a log that accepts no more records. */
export function poisoned(path: string, cause: unknown): MiniError {
  return new MiniError(
    "POISONED",
    `Cannot write to "${path}" any more: ${
      messageOf(cause)
    }; it is unknown whether the records that were not yet durable are on the disk: close the log and open it again`,
    { path, cause },
  );
}
