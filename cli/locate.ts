import { listSnapshots } from "../snap/internal.ts";
import {
  asListed,
  contextOf,
  type JournalContext,
  JournalPaths,
} from "../store/internal.ts";
import { isDirectory, namesIn } from "../fs/directory.ts";
import { join } from "@std/path";
import type { FileSystem } from "../fs/file_system.ts";
import { type Arguments, Misuse } from "./args.ts";
import type { Call } from "./command.ts";

/** The journal of a directory where nothing else is said; that of a queue in any case. */
export const DEFAULT_NAME = "journal.jsonl";

/** Finds the journal that a command is given, by its path or that of its directory. */
export async function locate(
  { args, fs }: Pick<Call, "args" | "fs">,
): Promise<JournalContext> {
  const given = args.operand(0);
  const path = await isDirectory(fs, given)
    ? join(given, await nameIn(fs, given, args.text("journal")))
    : given;
  const asked = contextFor(path, { args, fs });
  const names = await namesIn(fs, asked.paths.directory);
  const context = await asListed(asked, names);
  if (context.paths.isAmong(names)) return context;
  throw new Misuse(`there is no journal "${context.paths.active}"`);
}

/** The same, but where a directory holds snapshots and no journal, the journal that opening would make beside them. */
export async function locateOrLost(
  call: Pick<Call, "args" | "fs">,
): Promise<JournalContext> {
  try {
    return await locate(call);
  } catch (error) {
    const { args, fs } = call;
    const given = args.operand(0);
    const hasSnapshots = error instanceof Misuse &&
      args.text("journal") === undefined && await isDirectory(fs, given) &&
      journalsAmong(await namesIn(fs, given)).length === 0 &&
      (await listSnapshots(fs, given)).length > 0;
    if (!hasSnapshots) throw error;
    return contextFor(join(given, DEFAULT_NAME), call);
  }
}

function journalsAmong(names: readonly string[]): string[] {
  return names.filter((name) =>
    name.endsWith(".jsonl") && !/\.\d{20}\.jsonl$/.test(name)
  ).sort();
}

/** A journal that need not be there. */
export function contextFor(
  path: string,
  { args, fs }: { args: Arguments; fs: FileSystem },
): JournalContext {
  const maxRecordBytes = args.number("max-record-bytes");
  return contextOf(path, {
    fs,
    ...(maxRecordBytes !== undefined && { maxRecordBytes }),
  });
}

/** How a journal that was found is read. It may have gone since, or been lost beside its snapshots. */
export function reading(
  { fs, maxRecordBytes }: JournalContext,
): { fs: FileSystem; maxRecordBytes: number; ifMissing: "empty" } {
  return { fs, maxRecordBytes, ifMissing: "empty" };
}

/** Throws where a directory that a command is to fill has something in it. */
export async function assertEmpty(
  fs: FileSystem,
  directory: string,
): Promise<void> {
  if (await fs.stat(directory) === undefined) return;
  if (!await isDirectory(fs, directory)) {
    throw new Misuse(
      `"${directory}" is a file: give a directory that is missing or empty`,
    );
  }
  const isEmpty = (await namesIn(fs, directory)).length === 0;
  if (!isEmpty) {
    throw new Misuse(
      `"${directory}" is not empty: give a directory that is missing or empty`,
    );
  }
}

/** The name of the journal in a directory. */
async function nameIn(
  fs: FileSystem,
  directory: string,
  asked: string | undefined,
): Promise<string> {
  if (asked !== undefined) return asked;
  const names = await namesIn(fs, directory);
  if (new JournalPaths(join(directory, DEFAULT_NAME)).isAmong(names)) {
    return DEFAULT_NAME;
  }
  const journals = journalsAmong(names);
  const [only, ...others] = journals;
  if (only === undefined) {
    throw new Misuse(
      `there is no journal (*.jsonl) in "${directory}"; give a journal of another name by its own path`,
    );
  }
  if (others.length === 0) return only;
  throw new Misuse(
    `"${directory}" holds several journals: choose one with --journal: ${
      journals.join(", ")
    }`,
  );
}
