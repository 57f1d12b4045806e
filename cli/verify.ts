import { collect } from "./collect.ts";
import { basename } from "@std/path";
import type { MiniError } from "../store/errors.ts";
import type { JournalContext } from "../store/segment.ts";
import { MiniStore } from "../store/store.ts";
import type { Call, Command, Outcome } from "./command.ts";
import { JOURNAL_OPTIONS } from "./command.ts";
import { checkSegments, type SegmentCheck } from "./check.ts";
import { type Complaint, explain } from "./explain.ts";
import { locate, reading } from "./place.ts";
import {
  checkSnapshots,
  listThere,
  type SnapshotCheck,
} from "./snapshot_check.ts";
import { type Format, type Survey, survey } from "./survey.ts";
import { count, grouped, size, span } from "./text.ts";

/** What is wrong with a journal, its snapshots, or what they have to do with each other. */
export interface Finding extends Omit<Complaint, "exitCode" | "next"> {
  /** Whether opening refuses the journal for it. */
  readonly isRefused: boolean;
}

/** What verifying has found. */
export interface Verification {
  readonly path: string;
  readonly format: Format;
  readonly first: number;
  readonly last: number;
  readonly segments: number;
  readonly sizeBytes: number;
  /** How the journal ends. */
  readonly end: SegmentCheck["end"] | "open";
  readonly tornBytes: number;
  readonly snapshots: number;
  readonly findings: readonly Finding[];
}

export const verify: Command = {
  name: "verify",
  operands: ["PATH"],
  summary: "read every byte, and say what is damaged",
  details: [
    "Checks all segments as opening does, and goes on behind a damage; then the",
    "snapshots, and whether they and the journal belong together.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["data/journal.jsonl", "state --json"],
  async run(call: Call): Promise<Outcome> {
    const context = await locate(call);
    const verification = await verifyJournal(context, call);
    return {
      exitCode: verification.findings.length > 0 ||
          verification.end === "torn"
        ? 1
        : 0,
      report: verification,
      lines: describe(verification, call),
    };
  },
};

/** Verifies a journal, and the snapshots beside it. */
export async function verifyJournal(
  context: JournalContext,
  { progress }: Pick<Call, "progress">,
): Promise<Verification> {
  const found = await survey(context);
  const { directory } = context.paths;
  progress.begin("verifying", found.totalBytes);
  const newest = (await listThere(context.fs, directory)).at(-1)?.seq ?? 0;
  const log = found.format === "mini"
    ? await verifyNative(context, newest)
    : await verifyRust(context, found);
  const snapshots = await checkSnapshots(context.fs, directory);
  const findings = [
    ...log.findings,
    ...snapshots.flatMap(({ problem }) =>
      problem === undefined ? [] : [finding(problem, false)]
    ),
    ...togetherness(context, log, snapshots),
  ];
  return {
    path: context.paths.active,
    format: found.format,
    ...log,
    snapshots: snapshots.length,
    findings,
  };
}

type LogPart =
  & Omit<Verification, "path" | "format" | "snapshots">
  & { readonly journal?: string };

async function verifyNative(
  context: JournalContext,
  newest: number,
): Promise<LogPart> {
  const checks = await collect(checkSegments(context));
  const end = checks.at(-1)!;
  const journal = checks.find(({ header }) => header !== undefined)?.header
    ?.journal;
  return {
    first: checks[0]!.base + 1,
    last: Math.max(...checks.map(({ last }) => last)),
    segments: checks.length,
    sizeBytes: checks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    end: end.end,
    tornBytes: end.end === "torn" ? end.sizeBytes - end.goodBytes : 0,
    ...(journal !== undefined && { journal }),
    findings: checks.flatMap(({ problem }, at) =>
      problem === undefined
        ? []
        : [finding(problem, !isCovered(checks, at, newest))]
    ),
  };
}

/** Whether opening a state leaves a segment unread, because a snapshot stands for all of it. */
export function isCovered(
  checks: readonly SegmentCheck[],
  at: number,
  newest: number,
): boolean {
  const next = checks[at + 1];
  // The seam to the active segment is looked at in any case.
  return next !== undefined && !next.isActive && next.base <= newest;
}

/** Such a journal has nothing to verify it by: what can be read is taken for whole. */
async function verifyRust(
  context: JournalContext,
  { segments, totalBytes }: Survey,
): Promise<LogPart> {
  let last = 0;
  const findings: Finding[] = [];
  try {
    const records = MiniStore.replay(context.paths.active, reading(context));
    for await (const { seq } of records) last = seq;
  } catch (error) {
    findings.push({ ...finding(error as MiniError, true) });
  }
  const common = { segments: segments.length, sizeBytes: totalBytes };
  return { first: 1, last, ...common, end: "open", tornBytes: 0, findings };
}

function finding(error: MiniError, isRefused: boolean): Finding {
  const { exitCode: _, next: __, ...told } = explain(error);
  return { ...told, isRefused };
}

/** Whether a state can be made of the log and the snapshots. */
function togetherness(
  { paths }: JournalContext,
  { first, journal }: LogPart,
  snapshots: readonly SnapshotCheck[],
): Finding[] {
  const usable = snapshots.filter(({ status }) =>
    status === "whole" || status === "unverified"
  );
  const newest = usable.at(-1)?.seq ?? 0;
  const findings: Finding[] = [];
  for (const { path, seq, journal: of } of usable) {
    if (of === undefined || journal === undefined || of === journal) continue;
    const message =
      `The snapshot "${path}" at record ${seq} belongs to the log ${of}, and the log here is ${journal}`;
    findings.push({ code: "CORRUPT", message, path, seq, isRefused: true });
  }
  if (snapshots.length > 0 && newest + 1 < first) {
    const message =
      `The newest whole snapshot stands at record ${newest}, and the log "${paths.active}" starts with record ${first}: what is between is missing`;
    const { active: path } = paths;
    const seq = newest + 1;
    findings.push({ code: "CORRUPT", message, path, seq, isRefused: true });
  }
  return findings;
}

const ENDS: Readonly<Record<Verification["end"], string>> = {
  sealed: "sealed",
  closed: "closed cleanly",
  open: "not closed: a program has it open, or ended without closing it",
  torn: "torn",
  unfinished: "its newest segment is unfinished: opening makes it again",
  damaged: "damaged",
};

function describe(
  verification: Verification,
  { paint }: Pick<Call, "paint">,
): string[] {
  const { first, last, segments, sizeBytes, findings, end, path } =
    verification;
  const records = last < first
    ? "no records"
    : `${span("record", first, last)} (${grouped(last - first + 1)})`;
  const lines = [
    path,
    `${records}, ${count(segments, "segment")}, ${size(sizeBytes)}${
      verification.snapshots > 0
        ? `, ${count(verification.snapshots, "snapshot")}`
        : ""
    }; ${ENDS[end]}`,
  ];
  if (verification.format === "ministore") {
    lines.push(
      "a journal of the Rust program: it has no checksums to verify it by",
    );
  }
  if (end === "torn") {
    lines.push(paint(
      "warn",
      `torn: ${
        count(verification.tornBytes, "byte")
      } of an unfinished write at the end; opening keeps them in ${
        basename(path)
      }.torn and goes on after record ${last}; nothing that was acknowledged is lost`,
    ));
  }
  for (const { code, message } of findings) {
    lines.push(paint("bad", `${code}: ${message}`));
  }
  if (findings.some(({ isRefused, code }) => isRefused && code === "CORRUPT")) {
    lines.push(
      `next: mini salvage ${path} NEW copies everything that is whole; mini repair ${path} goes back to the last good record`,
    );
  } else if (findings.some(({ isRefused }) => !isRefused)) {
    lines.push(
      "next: nothing need be done: a whole snapshot stands for what is damaged",
    );
  } else if (findings.length === 0 && end !== "torn") {
    lines.push(paint("good", "all is well"));
  }
  return lines;
}
