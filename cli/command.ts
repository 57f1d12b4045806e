import type { FileSystem } from "../fs/file_system.ts";
import type { AdminOptions } from "../admin/mod.ts";
import { type JournalContext, locate } from "../admin/internal.ts";
import { table } from "../base/text.ts";
import type { Arguments, CommandSpec, OptionSpec } from "./args.ts";
import type { Progress } from "./progress.ts";
import type { Paint } from "../admin/internal.ts";
import type { LineWriter, Terminal } from "./terminal.ts";

/** A command: how it is called, and what it does. */
export interface Command extends CommandSpec {
  run(call: Call): Promise<Outcome>;
}

/** One call of a command. */
export interface Call {
  readonly args: Arguments;
  readonly terminal: Terminal;
  readonly paint: Paint;
  readonly progress: Progress;
  /** Prints what is too much for an {@linkcode Outcome}. */
  readonly writer: LineWriter;
  /** The file system, with `progress` counting what is read. */
  readonly fs: FileSystem;
  readonly isJson: boolean;
}

/** The result of a command. */
export interface Outcome {
  /** 0 if all is well, 1 if something was found. */
  readonly exitCode: 0 | 1;
  /** The output with `--json`, unless it was printed already. */
  readonly report?: unknown;
  /** The output without it. */
  readonly lines?: readonly string[];
}

/** The options of commands that read a journal. */
export const JOURNAL_OPTIONS: readonly OptionSpec[] = [
  {
    name: "journal",
    value: "NAME",
    summary: "the name of the journal in the directory (journal.jsonl)",
  },
  {
    name: "max-record-bytes",
    value: "N",
    min: 1,
    summary: "the program's maxRecordBytes, if it is over 16 MiB",
  },
];

/** How a command finds and reads a journal by itself. */
export function journalOptions(
  { args, fs }: Pick<Call, "args" | "fs">,
): Pick<AdminOptions, "journal" | "maxRecordBytes"> & { fs: FileSystem } {
  const journal = args.text("journal");
  const maxRecordBytes = args.number("max-record-bytes");
  return {
    fs,
    ...(journal !== undefined && { journal }),
    ...(maxRecordBytes !== undefined && { maxRecordBytes }),
  };
}

/** The options of a function of `/admin`, which counts for itself what it reads. */
export function adminOptions(call: Call): AdminOptions {
  const { fs: _, ...found } = journalOptions(call);
  return { ...found, onProgress: (step) => call.progress.show(step) };
}

/** The journal that a command is given. */
export function located(call: Call): Promise<JournalContext> {
  return locate(call.args.operand(0), journalOptions(call));
}

/** A row for each of some things, or one line where there are none. */
export function rowsOf<T>(
  things: readonly T[],
  none: string,
  row: (thing: T) => readonly string[],
): string[] {
  return things.length === 0 ? [none] : table(things.map(row));
}
