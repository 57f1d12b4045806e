import type { JournalContext } from "../../store/internal.ts";
import { basename, join } from "@std/path";
import { MiniError } from "../../base/errors.ts";
import { Misuse } from "../args.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  journalOptions,
  type Outcome,
} from "../command.ts";
import {
  measureSegments,
  summarizeDamagedLog,
} from "../../admin/read/log_summary.ts";
import {
  assertEmpty,
  contextFor,
  locateOrLost,
} from "../../admin/read/locate.ts";
import { isDirectory } from "../../fs/directory.ts";
import { leftOutBeside } from "../../admin/read/consumers.ts";
import { type Copied, copyReadable } from "../../admin/salvage/copy.ts";
import {
  type Choice,
  chooseSnapshot,
  copySnapshot,
} from "../../admin/salvage/snapshot.ts";
import { checkSnapshots } from "../../admin/read/snapshot_check.ts";
import {
  assertNew,
  buildJournal,
  readBack,
  type Renumbered,
} from "../../admin/journal_builder.ts";
import { besideLines } from "./backup.ts";
import type { Paint } from "../terminal.ts";
import { count, size, span } from "../../base/text.ts";
import type { Finding } from "../../admin/finding.ts";
import { lostIn, usableOf } from "../../admin/read/consistency.ts";
import { type Found, nextFor } from "../remedies.ts";

/** The report of a salvage. */
interface Report extends Copied {
  readonly from: string;
  readonly to: string;
  /** The snapshot that the rescued state or queue begins with. */
  readonly snapshot: { readonly path: string; readonly seq: number } | null;
  /** The consumers whose positions were not copied. */
  readonly consumers: readonly string[];
  /** The number of files in the inbox of a queue, which were not copied. */
  readonly posted: number;
  readonly passedOver: Choice["passedOver"];
  /** Whether any file of the log is there. */
  readonly hasLog: boolean;
  /** The losses at the end of the log. */
  readonly findings: readonly Finding[];
  /** The record of the newest snapshot that is ahead of the log, if any is. */
  readonly snapshotAhead: number | null;
  /** Whether a state or a queue can open the copy. */
  readonly opens: boolean;
}

export const salvage: Command = {
  name: "salvage",
  operands: ["PATH", "NEW"],
  summary: "copy everything that can be read to a new place (writes NEW)",
  details: [
    "If PATH is a journal, NEW is the name of a journal that does not exist yet.",
    "Reading continues after a damage, where the running checksum is found again.",
    "",
    "If PATH is the directory of a state or a queue with snapshots, NEW is a missing",
    "or empty directory. It gets the newest intact snapshot, which holds the effect",
    "of all records up to it, damaged ones included, and the readable records after",
    "it. Earlier records and older snapshots are not copied; to copy all records,",
    "give the journal by its own path.",
    "",
    "NEW gets an id of its own. Records keep their numbers up to the first gap and",
    "move up after it; the aborts of a state are adjusted. A record that looks intact",
    "but that no checksum confirms is copied too, and reported with its old and its",
    "new number: in NEW it has a checksum. The original is only read. Exit code 1 if",
    "anything was lost.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["data/journal.jsonl rescued/journal.jsonl", "state rescued-state"],
  async run(call: Call): Promise<Outcome> {
    const source = await locateOrLost(
      call.args.operand(0),
      journalOptions(call),
    );
    const { directory, active: path } = source.paths;
    const { totalBytes, format, segments } = await measureSegments(source);
    const isFolder = format === "mini" &&
      await isDirectory(call.fs, call.args.operand(0));
    const snapshots = await checkSnapshots(call.fs, directory);
    const choice = isFolder
      ? await chooseSnapshot(source, snapshots)
      : { passedOver: [] };
    const { chosen, passedOver } = choice;
    if (segments.length === 0 && chosen === undefined) {
      const message =
        `There is nothing to salvage in "${directory}": the log is missing, and no snapshot is intact`;
      throw new MiniError("CORRUPT", message, { path: directory });
    }
    const target = await targetOf(call, source, isFolder, choice);
    call.progress.begin("salvaging", totalBytes);
    const after = chosen?.seq;
    const { copied, written } = await buildJournal(
      target,
      "salvage",
      async (staged) => {
        const made = await copyReadable(source, staged, after);
        call.progress.begin("reading it back", totalBytes);
        await readBack(staged, made.written);
        if (chosen !== undefined) {
          await copySnapshot(source, target, chosen.seq, made.written.logId);
        }
        return made;
      },
    );
    // Where a line of the Rust program is damaged, nothing says which record is the last.
    const found = format === "mini" || copied.damages === 0
      ? await summarizeDamagedLog(source)
      : undefined;
    const lost = found === undefined
      ? { findings: [], ahead: null }
      : lostIn(path, found, usableOf(snapshots));
    const leftOut = await leftOutBeside(source);
    const report = {
      from: path,
      to: target.paths.active,
      snapshot: chosen ? { path: chosen.path, seq: chosen.seq } : null,
      ...copied,
      ...leftOut,
      passedOver,
      hasLog: segments.length > 0,
      findings: lost.findings,
      snapshotAhead: lost.ahead,
      opens: passedOver.length === 0 || chosen !== undefined ||
        written.first === 1,
    };
    const isLost = copied.damages + copied.gaps.length > 0 ||
      lost.findings.length > 0 || !report.opens;
    return {
      exitCode: isLost ? 1 : 0,
      report,
      lines: [
        ...describe(report, isLost, format, call.paint),
        ...besideLines(report),
      ],
    };
  },
};

/** The journal that is to be made. */
async function targetOf(
  call: Call,
  source: JournalContext,
  isFolder: boolean,
  { chosen, passedOver }: Choice,
): Promise<JournalContext> {
  const { args, fs } = call;
  const [from, given] = [args.operand(0), args.operand(1)];
  const isFile = !isFolder || given.endsWith(".jsonl");
  if (isFile && (chosen !== undefined || passedOver.length > 0)) {
    throw new Misuse(
      `"${from}" holds snapshots, and "${given}" is the name of a journal: give a directory that is missing or empty, or "${source.paths.active}" instead of "${from}" for its journal alone`,
    );
  }
  if (!isFile) await assertEmpty(fs, given);
  const name = basename(source.paths.active);
  const target = contextFor(
    isFile ? given : join(given, name),
    journalOptions(call),
  );
  const { directory } = source.paths;
  const isInside = target.paths.directory.startsWith(
    join(directory, "/"),
  );
  if (isFolder && isInside) {
    throw new Misuse(
      `"${given}" is in "${from}", which must not change: give a place outside it`,
    );
  }
  await assertNew(target);
  return target;
}

function describe(
  report: Report,
  isLost: boolean,
  format: Found["format"],
  paint: Paint,
): string[] {
  const { records, from, to, ranges, gaps, unverified } = report;
  const { damages, damaged, snapshot, passedOver } = report;
  const before = snapshot ? `the snapshot at record ${snapshot.seq}, and ` : "";
  const lines = [`${before}${count(records, "record")} in "${to}"`];
  for (const range of ranges) lines.push(`  ${moved(range)}`);
  for (const { from, to } of gaps) {
    lines.push(
      paint("bad", `missing: ${span("record", from, to)} (${to - from + 1})`),
    );
  }
  for (const { path, reason } of passedOver) {
    lines.push(paint("warn", `passed over: ${path}: ${reason}`));
  }
  for (const { path, line, offset, sizeBytes, reason } of damaged) {
    const where = `${path} (line ${line}, offset ${offset}, ${
      size(sizeBytes)
    })`;
    lines.push(paint("warn", `left out: ${where}: ${reason}`));
  }
  const more = damaged.reduce((left, { lines = 1 }) => left - lines, damages);
  if (more > 0) lines.push(`… and ${count(more, "line")} more`);
  for (const range of unverified) {
    lines.push(paint("warn", `no checksum confirms ${moved(range)}`));
  }
  if (snapshot !== null && report.hasLog) {
    lines.push(
      `not copied, because the snapshot covers them: records up to ${snapshot.seq}; mini salvage ${from} NEW.jsonl copies the readable ones`,
    );
  }
  const { findings, snapshotAhead } = report;
  const found = { path: from, first: 1, format, snapshots: 0, snapshotAhead };
  for (const finding of findings) {
    const { code, message } = finding;
    lines.push(
      paint("bad", `${code}: ${message}`),
      `next: ${nextFor(finding, found)}`,
    );
  }
  if (!report.opens) {
    lines.push(
      paint(
        "bad",
        "no snapshot is intact, and the log does not go back to record 1: no state or queue can open the copy; mini dump prints its records",
      ),
    );
  }
  if (!isLost) lines.push(paint("good", "nothing was lost"));
  return lines;
}

function moved({ from, to, as }: Renumbered): string {
  const now = from === to ? `now ${as}` : `now from ${as} on`;
  return `${span("record", from, to)}${from === as ? "" : `, ${now}`}`;
}
