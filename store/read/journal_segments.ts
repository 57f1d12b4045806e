import { MiniError } from "../../base/errors.ts";
import { listIfExists } from "../../fs/directory.ts";
import type { JournalContext } from "../journal.ts";
import { asListed } from "../spelling.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { assertNoneMissing, openRustSegments } from "./rust_segments.ts";
import type { CommittedEnd, OpenSegment } from "./segment_reader.ts";
import { listSegments, openSegments, type SegmentList } from "./segments.ts";

/** Whether a path without a log is an error, or a log without records. */
export type IfMissing = "error" | "empty";

/** Opens the segments of a journal for reading, whatever program wrote it. */
export async function* journalSegments(
  asked: JournalContext,
  from: number | undefined,
  { live, since, ifMissing = "empty" }: {
    readonly live?: CommittedEnd | undefined;
    /** A time, in milliseconds since 1970: segments that end before it may be passed over. */
    readonly since?: number | undefined;
    readonly ifMissing?: IfMissing | undefined;
  },
): AsyncGenerator<OpenSegment, void, undefined> {
  const { context, list } = await listed(asked, ifMissing);
  const { format, sealed } = list;
  if (format === "mini") {
    return yield* openSegments(context, { from, since }, live);
  }
  assertNoneMissing(context, sealed);
  yield* openRustSegments(context, sealed, live);
}

/** The layout of a journal as it is now. */
export async function journalLayout(
  asked: JournalContext,
  ifMissing: IfMissing,
): Promise<Layout> {
  const { context, list } = await listed(asked, ifMissing);
  return layoutOf(context, list);
}

async function listed(
  asked: JournalContext,
  ifMissing: IfMissing,
): Promise<{ context: JournalContext; list: SegmentList }> {
  const names = await listIfExists(asked.fs, asked.paths.directory);
  const context = await asListed(asked, names);
  if (ifMissing === "error" && !await isThere(context, names)) {
    const path = context.paths.active;
    const message = `Cannot read "${path}": there is no log`;
    throw new MiniError("NOT_FOUND", message, { path });
  }
  return { context, list: await listSegments(context, names) };
}

/** Whether there is a file of the journal. A name that a writer changes while the directory is listed may be missing. */
async function isThere(
  context: JournalContext,
  names: readonly string[],
): Promise<boolean> {
  const { fs, paths } = context;
  return paths.isAmong(names) || await fs.stat(paths.active) !== undefined ||
    paths.isAmong(await listIfExists(fs, paths.directory));
}
