import { pid } from "node:process";
import { basename, join } from "node:path";
import type { CommittedEnd } from "./read/cut.ts";
import { MiniError } from "../base/errors.ts";
import { nativeFormat } from "./format/write_format.ts";
import type { FileLock } from "../fs/file_system.ts";
import { assertOurs, removeTemporary } from "../fs/atomic_file.ts";
import { encodeLockNote, parseLockNote } from "../fs/lock_note.ts";
import { lockHolder, takeLock } from "./lock.ts";
import { osCode } from "../fs/os_errors.ts";
import { type Recovered, recoverJournal } from "./recover.ts";
import { corrupt } from "./corruption.ts";
import { rustFormat } from "./format/rust.ts";
import type { JournalContext, JournalPaths } from "./journal.ts";
import { isRustJournal, openRustSegments } from "./read/rust_segments.ts";
import { recoverRustJournal } from "./recover_rust.ts";
import { type OpenSegment, openSegments } from "./read/segments.ts";
import { asListed } from "./spelling.ts";
import { Writer, type WriterOptions } from "./write/writer.ts";

/** An open journal. */
export interface OpenJournal {
  /** Under the name that the directory lists. */
  readonly context: JournalContext;
  readonly writer: Writer;
  readonly recovered: Recovered;
}

/** Takes the lock, recovers, and goes on at the end. On failure nothing stays locked or open. */
export async function openJournal(
  asked: JournalContext,
  { verifyFrom, ...options }:
    & Pick<WriterOptions, "maxSegmentBytes" | "isDurable">
    & { verifyFrom: number },
): Promise<OpenJournal> {
  const { fs, staging, paths: { directory } } = asked;
  await fs.createDirectory(directory, staging.directoryMode);
  const lock = await lockJournal(asked);
  let recovered: Recovered | undefined;
  try {
    // A process that was killed may have left names that are shown and not yet on the disk.
    await fs.syncDirectory(directory);
    const names = await fs.list(directory);
    const context = await asListed(asked, names);
    const { paths } = context;
    if (names.includes(basename(paths.temporary))) {
      await removeTemporary(fs, paths.temporary);
    }
    await assertOurs(staging, [
      paths.lock,
      paths.active,
      ...paths.sealedBases(names).map((base) => paths.sealed(base)),
      ...paths.rustSegments(names).map((name) => join(paths.directory, name)),
    ]);
    const rust = await rustSegments(context, names);
    recovered = rust === undefined
      ? await recoverJournal(context, paths.sealedBases(names), {
        verifyFrom,
        log: parseLockNote(lock.note)?.log,
      })
      : await recoverRustJournal(context, rust);
    await nameLog(lock, recovered.header.journal);
    const format = rust === undefined ? nativeFormat : rustFormat;
    const all = { ...options, context, format, lock };
    return { context, writer: await Writer.at(all, recovered), recovered };
  } catch (error) {
    await recovered?.file.close().catch(() => {});
    await lock.close().catch(() => {});
    throw error;
  }
}

async function lockJournal(context: JournalContext): Promise<FileLock> {
  const { fs, paths, staging } = context;
  // The clock says when the process started; no permission is needed for it.
  const since = new Date(performance.timeOrigin).toISOString();
  const note = encodeLockNote({ pid, since });
  const lock = await takeLock(staging, paths.lock, note);
  if (lock !== undefined) return lock;
  throw new MiniError(
    "LOCKED",
    `Cannot open "${paths.active}" for writing: ${await lockHolder(
      fs,
      paths.lock,
      pid,
    )} has it open; ` +
      `close it there, or read beside it with MiniStore.replay()`,
    { path: paths.active },
  );
}

/** Has the note say which log it is, once its header is durable: a file that lost it is not taken for a new one. */
async function nameLog(lock: FileLock, log: string): Promise<void> {
  const note = parseLockNote(lock.note);
  if (note === undefined || note.log === log) return;
  await lock.leave(encodeLockNote({ ...note, log }));
}

/** Opens the segments of a journal for reading, whatever program wrote it. */
export async function* journalSegments(
  asked: JournalContext,
  from: number | undefined,
  { live, ifMissing = "empty" }: {
    readonly live?: CommittedEnd;
    readonly ifMissing?: "error" | "empty";
  },
): AsyncGenerator<OpenSegment, void, undefined> {
  const names = await namesIn(asked);
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

async function namesIn({ fs, paths }: JournalContext): Promise<string[]> {
  try {
    return await fs.list(paths.directory);
  } catch (error) {
    if (osCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Whether there is a file of the journal. A name that a writer changes while the directory is listed may be missing. */
async function isThere(
  context: JournalContext,
  names: readonly string[],
): Promise<boolean> {
  const { fs, paths } = context;
  return paths.isAmong(names) || await fs.stat(paths.active) !== undefined ||
    paths.isAmong(await namesIn(context));
}

/** The rotated segments of a journal of the Rust program; `undefined` where it is not one. */
async function rustSegments(
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
