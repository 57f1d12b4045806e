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
  if (list === undefined) return;
  const { format, sealed } = list;
  if (format === "mini") {
    const newest = live === undefined ? sealed.at(-1)?.base : undefined;
    return yield* openSegments(context, { from, since }, live, newest);
  }
  assertNoneMissing(context, sealed);
  yield* openRustSegments(context, sealed, live);
}

/** The layout of a journal as it is now; `undefined` if there is no log. */
export async function journalLayout(
  asked: JournalContext,
  ifMissing: IfMissing,
): Promise<Layout | undefined> {
  const { context, list } = await listed(asked, ifMissing);
  return list && layoutOf(context, list);
}

/** The segments of a journal; none if it has no file, so that nothing is known of the program that is to write one. */
async function listed(
  asked: JournalContext,
  ifMissing: IfMissing,
): Promise<{ context: JournalContext; list: SegmentList | undefined }> {
  const { fs, paths: { directory } } = asked;
  let names = await listIfExists(fs, directory);
  let context = await asListed(asked, names);
  if (!context.paths.isAmong(names)) {
    // A name that a writer changes while the directory is listed may be missing.
    const isActive = await fs.stat(context.paths.active) !== undefined;
    names = await listIfExists(fs, directory);
    context = await asListed(asked, names);
    if (!isActive && !context.paths.isAmong(names)) {
      if (ifMissing === "empty") return { context, list: undefined };
      const path = context.paths.active;
      const message = `Cannot read "${path}": there is no log`;
      throw new MiniError("NOT_FOUND", message, { path });
    }
  }
  return { context, list: await listSegments(context, names) };
}
