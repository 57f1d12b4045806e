import { dirname } from "node:path";
import { MiniError } from "../base/errors.ts";
import { fromOs } from "../fs/os_errors.ts";

/** What is true after most failures. */
const AS_BEFORE = "the snapshots there were are as they were";

/** The error for what went wrong with a file: what the system says gets a code, misuse stays as it is. */
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

/** The error for a snapshot that is not what was written. */
export function damaged(path: string, reason: string): MiniError {
  return new MiniError(
    "CORRUPT",
    `Cannot restore the snapshot "${path}": ${reason}; nothing was changed`,
    { path },
  );
}

/** The error for a snapshot that cannot be read here, and is not damaged. */
export function unsupported(path: string, reason: string): MiniError {
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot restore "${path}": ${reason}; nothing was changed`,
    { path },
  );
}
