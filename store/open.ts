import { pid } from "node:process";
import { basename, join } from "node:path";
import { MiniError } from "../base/errors.ts";
import { nativeFormat } from "./format/line.ts";
import type { FileLock } from "../fs/file_system.ts";
import { assertOurs, removeTemporary } from "../fs/atomic_file.ts";
import { encodeLockNote, parseLockNote } from "../fs/lock_note.ts";
import { lockHolder, takeLock } from "./lock.ts";
import { type Recovered, recoverJournal } from "./recover.ts";
import { rustFormat } from "./format/rust.ts";
import type { JournalContext } from "./journal.ts";
import { rustSegments } from "./read/journal_segments.ts";
import { recoverRustJournal } from "./recover_rust.ts";
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
