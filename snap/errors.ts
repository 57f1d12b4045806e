import { dirname } from "@std/path";
import { MiniError } from "../base/errors.ts";
import { fromOs } from "../fs/os_errors.ts";

/** The state of affairs after most failures. */
const AS_BEFORE = "the existing snapshots are unchanged";

/** Returns the error for a failure with a file: an error of the system gets a code, a `TypeError` stays as it is. */
export function failed(
  error: unknown,
  doing: string,
  path: string,
  { directory = dirname(path), after = AS_BEFORE }: {
    directory?: string;
    after?: string | undefined;
  } = {},
): unknown {
  if (error instanceof TypeError) return error;
  return fromOs(error, doing, after, { directory, path });
}

/** Returns the error for a snapshot that is not what was written. */
export function damaged(path: string, reason: string): MiniError {
  return new MiniError(
    "CORRUPT",
    `Cannot restore the snapshot "${path}": ${reason}; nothing was changed`,
    { path },
  );
}

/** Returns the error for a snapshot that is intact, and that this code cannot read. */
export function unsupported(path: string, reason: string): MiniError {
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot restore "${path}": ${reason}; nothing was changed`,
    { path },
  );
}
