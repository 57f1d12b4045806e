import { join } from "node:path";
import { MiniError } from "../../base/errors.ts";
import { listIfThere } from "../../fs/directory.ts";
import { corrupt } from "../corruption.ts";
import type { JournalContext, JournalPaths } from "../journal.ts";
import { asListed } from "../spelling.ts";
import type { CommittedEnd } from "./cut.ts";
import { isRustJournal, openRustSegments } from "./rust_segments.ts";
import { type OpenSegment, openSegments } from "./segments.ts";

/** Opens the segments of a journal for reading, whatever program wrote it. */
export async function* journalSegments(
  asked: JournalContext,
  from: number | undefined,
  { live, ifMissing = "empty" }: {
    readonly live?: CommittedEnd | undefined;
    readonly ifMissing?: "error" | "empty" | undefined;
  },
): AsyncGenerator<OpenSegment, void, undefined> {
  const names = await listIfThere(asked.fs, asked.paths.directory);
  const context = await asListed(asked, names);
  if (ifMissing === "error" && !await isThere(context, names)) {
    const path = context.paths.active;
    const message = `Cannot read "${path}": there is no log`;
    throw new MiniError("NOT_FOUND", message, { path });
  }
  const rust = await rustSegments(context, names);
  yield* rust === undefined
    ? openSegments(context, from, live)
    : openRustSegments(context, rust);
}

/** Whether there is a file of the journal. A name that a writer changes while the directory is listed may be missing. */
async function isThere(
  context: JournalContext,
  names: readonly string[],
): Promise<boolean> {
  const { fs, paths } = context;
  return paths.isAmong(names) || await fs.stat(paths.active) !== undefined ||
    paths.isAmong(await listIfThere(fs, paths.directory));
}

/** The rotated segments of a journal of the Rust program; `undefined` where it is not one. */
export async function rustSegments(
  context: JournalContext,
  names: readonly string[],
): Promise<string[] | undefined> {
  const { paths } = context;
  const rotated = paths.rustSegments(names).map((name) =>
    join(paths.directory, name)
  );
  const oldest = rotated[0] ?? paths.active;
  if (!await isRustJournal(context, oldest)) return undefined;
  checkNoneMissing(paths, rotated);
  return rotated;
}

/** Throws where a rotated segment is missing: a record's number is its place, so that all behind it would have another's. */
function checkNoneMissing(
  paths: JournalPaths,
  rotated: readonly string[],
): void {
  for (const [index, path] of rotated.entries()) {
    const expected = paths.rustSegment(index + 1);
    if (path === expected) continue;
    throw corrupt(path, { reason: `"${expected}", before it, is missing` });
  }
}
