import type { MiniError } from "../../base/errors.ts";
import { fromOs } from "../../fs/os_errors.ts";
import type { JournalContext } from "../journal.ts";

/** The error of something that has failed and harmed nothing. */
export function failed(
  { paths: { directory, active: path } }: JournalContext,
  error: unknown,
  doing: string,
  after = "every record is kept, and the log stays usable",
): MiniError {
  return fromOs(error, `${doing} "${path}"`, after, { directory, path });
}
