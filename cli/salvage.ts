import type { JournalContext } from "../store/segment.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  type Outcome,
} from "./command.ts";
import type { Damage, Readable } from "./pieces.ts";
import { contextFor, locate } from "./place.ts";
import { salvagePieces } from "./salvage_source.ts";
import { readHeader, survey } from "./survey.ts";
import { assertNew, readBack, type Renumbered, Target } from "./target.ts";
import type { Paint } from "./terminal.ts";
import { count, size, span } from "./text.ts";

/** No more damages than this are told one by one. */
const MAX_TOLD = 100;

/** What was read and what was not. */
interface Report {
  readonly from: string;
  readonly to: string;
  readonly records: number;
  /** Where the records of the new journal were in the old one. */
  readonly ranges: readonly Renumbered[];
  /** Numbers between records that were read, which nothing has. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
  /** Numbers of records that look whole, and that no checksum vouches for. */
  readonly unverified: readonly number[];
  readonly damages: number;
  readonly damaged: readonly (Damage["place"] & { reason: string })[];
}

export const salvage: Command = {
  name: "salvage",
  operands: ["PATH", "NEW"],
  summary: "copy everything that can be read into a new journal (writes NEW)",
  details: [
    "Reads on behind a damage, and finds the running checksum again there. NEW",
    "gets an id of its own. Records keep their numbers up to the first gap, and",
    "move up behind it; the aborts of a state follow them. The original is only",
    "read. Exit code 1 where anything was lost.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["data/journal.jsonl rescued/journal.jsonl"],
  async run(call: Call): Promise<Outcome> {
    const source = await locate(call);
    const target = contextFor(call.args.operand(1), call);
    await assertNew(target);
    const { totalBytes } = await survey(source);
    call.progress.begin("salvaging", totalBytes);
    const { report, written } = await copyReadable(source, target);
    call.progress.begin("reading it back", totalBytes);
    await readBack(target, written);
    return {
      exitCode: report.damages + report.gaps.length > 0 ? 1 : 0,
      report,
      lines: describe(report, call.paint),
    };
  },
};

async function copyReadable(
  source: JournalContext,
  to: JournalContext,
): Promise<{ report: Report; written: Target }> {
  const unverified: number[] = [];
  const damaged: Report["damaged"][number][] = [];
  const isNative = (await survey(source)).format === "mini";
  const first = isNative ? await firstOf(source) : 1;
  let damages = 0;
  let target: Target | undefined;
  let renumber = (data: unknown): unknown => data;
  try {
    for await (const piece of salvagePieces(source)) {
      if (piece.kind === "damage") {
        damages++;
        const { place, reason } = piece;
        if (damaged.length < MAX_TOLD) damaged.push({ ...place, reason });
        continue;
      }
      if (target === undefined) {
        target = await Target.create(to, first ?? piece.seq);
        if (isNative && isOfState(piece)) renumber = abortsFollow(target);
      }
      if (isNative && !piece.isVerified) unverified.push(piece.seq);
      await target.add(piece.seq, piece.records.map(renumber));
    }
    target ??= await Target.create(to);
    await target.finish();
  } finally {
    await target?.[Symbol.asyncDispose]();
  }
  const { ranges, records } = target;
  const report = {
    from: source.paths.active,
    to: to.paths.active,
    records,
    ranges,
    gaps: gapsBetween(ranges, first),
    unverified,
    damages,
    damaged,
  };
  return { report, written: target };
}

function isOfState({ records: [data] }: Readable): boolean {
  return typeof data === "object" && data !== null &&
    ["apply", "applyAll", "abort"].some((name) => name in data);
}

/** In the log of a state a record may name another by its number. */
function abortsFollow(target: Target): (data: unknown) => unknown {
  return (data) => {
    const { abort } = data as { abort?: unknown };
    if (typeof abort !== "number") return data;
    // Record 0 is none: what was aborted is gone, or was before the first.
    return { abort: target.numberOf(abort) ?? 0 };
  };
}

/** The number that the first record had, where name or header of the first segment tell. */
async function firstOf(source: JournalContext): Promise<number | undefined> {
  const [oldest] = (await survey(source)).segments;
  if (oldest?.base !== undefined) return oldest.base + 1;
  try {
    const header = await readHeader(source, source.paths.active);
    return header && header.base + 1;
  } catch {
    return undefined;
  }
}

function gapsBetween(
  ranges: readonly Renumbered[],
  first: number | undefined,
): Report["gaps"] {
  const gaps: { from: number; to: number }[] = [];
  let next = first ?? ranges[0]?.from ?? 1;
  for (const { from, to } of ranges) {
    if (from > next) gaps.push({ from: next, to: from - 1 });
    next = to + 1;
  }
  return gaps;
}

function describe(report: Report, paint: Paint): string[] {
  const { records, to, ranges, gaps, unverified, damages, damaged } = report;
  const lines = [`${count(records, "record")} in "${to}"`];
  for (const { from, to, as } of ranges) {
    const moved = from === as ? "" : `, now from ${as} on`;
    lines.push(`  ${span("record", from, to)}${moved}`);
  }
  for (const { from, to } of gaps) {
    lines.push(
      paint("bad", `missing: ${span("record", from, to)} (${to - from + 1})`),
    );
  }
  for (const { path, line, offset, sizeBytes, reason } of damaged) {
    const where = `${path} (line ${line}, offset ${offset}, ${
      size(sizeBytes)
    })`;
    lines.push(paint("warn", `left out: ${where}: ${reason}`));
  }
  if (damages > damaged.length) {
    lines.push(`… and ${count(damages - damaged.length, "line")} more`);
  }
  if (unverified.length > 0) {
    lines.push(
      `no checksum vouches for ${count(unverified.length, "line")}: ${
        span("record", unverified[0]!, unverified.at(-1)!)
      }`,
    );
  }
  if (damages + gaps.length === 0) {
    lines.push(paint("good", "nothing was lost"));
  }
  return lines;
}
