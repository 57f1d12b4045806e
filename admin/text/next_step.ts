/** The next step after a failure, by the commands of `mini`: what they and the page say beside it. Never part of a report. */

import { dirname } from "@std/path";
import type { Finding } from "../finding.ts";
import { span } from "../../base/text.ts";

/** The next step after a failure, by its code. */
const NEXT: Readonly<Record<string, string>> = {
  CORRUPT:
    "mini verify lists the damage in each segment; mini salvage copies everything readable to a new place, for a state or a queue with its newest snapshot; mini repair goes back to the last good record, and keeps the original",
  LOCKED:
    "stop that program first, or act on the page of createInspector() if it has mounted one; mini backup and the commands that only read run beside it",
  COMPACTED: "mini stat shows which records are left",
  TOO_LARGE:
    "set --max-record-bytes to the maxRecordBytes of the program that wrote it",
  UNSUPPORTED_FORMAT:
    "use the version that wrote it; remove an unfinished backup or copy, and make it again",
  UNSERIALIZABLE: "mini dump --to reads the records before it",
};

/** The next step after a failure, if anything helps. */
export function nextAfter(code: string): string | undefined {
  return NEXT[code];
}

/** A message that names functions of `/admin` and their options, with those of the commands that call them. */
export function asCommands(message: string): string {
  return message.replace(
    /(?<![\w."/])(verify|repair|salvage|convert|adopt|backup|restore)\(\)/g,
    "mini $1",
  ).replace(
    "choose one with the option journal:",
    "choose one with --journal:",
  );
}

/** The part of a report that its findings are about. */
interface Found {
  /** The journal. */
  readonly path: string;
  readonly first: number;
  readonly format: "mini" | "ministore";
  /** The number of snapshots beside it. */
  readonly snapshots: number;
  readonly snapshotAhead: number | null;
}

/** The next step for a finding, if there is one. */
export function nextFor(finding: Finding, found: Found): string | undefined {
  const { path } = found;
  switch (finding.remedy) {
    case "salvage":
      return salvageHint(path, found.format === "mini" && found.snapshots > 0);
    case "restore-copy":
      return restoreHint(finding, found);
    case "reset-consumer": {
      const name = finding.path?.slice(`${path}.consumer.`.length);
      return `reset() of consumer "${name}", in its program, sets a new position; mini consumer remove ${path} ${name} forgets it`;
    }
    case "none":
      return finding.blocksOpen ? nextAfter(finding.code) : undefined;
  }
}

function restoreHint(finding: Finding, found: Found): string {
  const { path, snapshotAhead } = found;
  const putBack = putBackHint(path);
  // The newest segment is missing.
  if (finding.seq === undefined) return putBack;
  if (finding.path === path) {
    return `restore a copy that holds ${
      span("record", finding.seq, found.first - 1)
    }, or a snapshot of them`;
  }
  if (finding.blocksOpen && found.format === "mini") {
    return "restore files that belong together";
  }
  return `the snapshot covers the records up to ${snapshotAhead}; ${putBack}; to go back to a backup, move "${
    dirname(path)
  }" away, and copy the backup into its place`;
}

/** The remedy for records that are missing at the end. */
export function putBackHint(log: string): string {
  return `if a copy of "${
    dirname(log)
  }" holds more, restore it before anything opens the log`;
}

/** The command that rescues everything readable: for a state or a queue with its snapshots. */
export function salvageCommand(path: string, hasSnapshots: boolean): string {
  return `mini salvage ${hasSnapshots ? dirname(path) : path} NEW`;
}

function salvageHint(path: string, hasSnapshots: boolean): string {
  const copied = hasSnapshots
    ? "the newest intact snapshot and every readable record after it"
    : "everything readable";
  return `${
    salvageCommand(path, hasSnapshots)
  } copies ${copied}; mini repair ${path} goes back to the last good record`;
}
