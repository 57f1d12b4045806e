import {
  asListed,
  contextOf,
  type JournalContext,
  JournalPaths,
} from "../../store/internal.ts";
import { isDirectory, namesIn } from "../../fs/directory.ts";
import { basename, join } from "@std/path";
import type { FileSystem } from "../../fs/file_system.ts";
import { MiniError } from "../../base/errors.ts";
import type { JournalOptions } from "../options.ts";
import { listThere } from "./snapshot_check.ts";

/** The journal of a directory where nothing else is said; that of a queue in any case. */
export const DEFAULT_NAME = "journal.jsonl";

/** Finds a journal by its path or that of its directory. */
export async function locate(
  given: string,
  options: JournalOptions,
): Promise<JournalContext> {
  const { fs } = options;
  const path = await isDirectory(fs, given)
    ? join(given, await nameIn(fs, given, options.journal))
    : given;
  const asked = contextFor(path, options);
  const names = await namesIn(fs, asked.paths.directory);
  const context = await asListed(asked, names);
  if (context.paths.isAmong(names)) return context;
  throw missing(`there is no journal "${context.paths.active}"`, path);
}

function missing(message: string, path: string): MiniError {
  return new MiniError("NOT_FOUND", message, { path });
}

/** The same, but where a directory holds snapshots and no journal, the journal that opening would make beside them, given the directory or that path. */
export async function locateOrLost(
  given: string,
  options: JournalOptions,
): Promise<JournalContext> {
  try {
    return await locate(given, options);
  } catch (error) {
    if (!isNotFound(error) || options.journal !== undefined) throw error;
    const { fs } = options;
    const path = await isDirectory(fs, given)
      ? join(given, DEFAULT_NAME)
      : given;
    const context = contextFor(path, options);
    const { directory, active } = context.paths;
    const isLost = basename(active) === DEFAULT_NAME &&
      journalsAmong(await namesIn(fs, directory)).length === 0 &&
      (await listThere(fs, directory)).length > 0;
    if (!isLost) throw error;
    return context;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof MiniError && error.code === "NOT_FOUND";
}

function journalsAmong(names: readonly string[]): string[] {
  return names.filter((name) =>
    name.endsWith(".jsonl") && !/\.\d{20}\.jsonl$/.test(name)
  ).sort();
}

/** A journal that need not be there. */
export function contextFor(
  path: string,
  { fs, maxRecordBytes }: JournalOptions,
): JournalContext {
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
    throw new TypeError(
      `"${directory}" is a file: give a directory that is missing or empty`,
    );
  }
  const isEmpty = (await namesIn(fs, directory)).length === 0;
  if (!isEmpty) {
    throw new TypeError(
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
    throw missing(
      `there is no journal (*.jsonl) in "${directory}"; give a journal of another name by its own path`,
      directory,
    );
  }
  if (others.length === 0) return only;
  throw new TypeError(
    `"${directory}" holds several journals: choose one with the option journal: ${
      journals.join(", ")
    }`,
  );
}
