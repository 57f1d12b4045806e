import { basename } from "@std/path";
import { putBackHint, salvageCommand } from "../../admin/internal.ts";
import { type Repair, repair } from "../../admin/mod.ts";
import { size, span } from "../../base/text.ts";
import { adminOptions, type Command, JOURNAL_OPTIONS } from "../command.ts";

export const repairCommand: Command = {
  name: "repair",
  operands: ["PATH"],
  summary: "go back to the last record before a damage (writes)",
  details: [
    "For a journal that opening refuses as CORRUPT. Removes every record from the",
    "first bad one on, intact ones too: run mini salvage first to keep those. Before",
    "it changes or removes a segment, it copies it to ….damaged, and leaves the copy.",
    "Where the newest segment is missing, it makes an empty one after the last that",
    "is there. The journal must not be open elsewhere.",
  ],
  options: [
    {
      name: "dry-run",
      summary: "only report what would be removed; exit code 1 if anything",
    },
    ...JOURNAL_OPTIONS,
  ],
  examples: ["data/journal.jsonl --dry-run", "data/journal.jsonl"],
  async run(call) {
    const report = await repair(call.args.operand(0), {
      ...adminOptions(call),
      dryRun: call.args.has("dry-run"),
    });
    return {
      exitCode: report.needed && !report.repaired ? 1 : 0,
      report,
      lines: report.needed ? describe(report) : ["nothing to repair"],
    };
  },
};

/** The end of a reason that is no longer true after a repair. */
const CHANGED_BY_REPAIR =
  /; (nothing was changed|opening creates an empty one)$/;

function describe(report: Repair): string[] {
  const { path, repaired, reason, missing, last, aside } = report;
  const { snapshotAhead: ahead, snapshots } = report;
  const salvage = `${
    salvageCommand(path, snapshots > 0)
  } keeps what is readable; then mini repair ${path}`;
  const next = missing
    ? `${putBackHint(path)}; else mini repair ${path}`
    : salvage;
  return [
    repaired ? reason.replace(CHANGED_BY_REPAIR, "") : reason,
    wentOf(report),
    ...aside.map((name) => `the original is kept in ${basename(name)}`),
    ...(ahead === null ? [] : [
      `the snapshot at record ${ahead} is ahead: a state opens from it, sets the log aside, and continues with record ${
        ahead + 1
      }; the effect of the records after ${ahead} is lost`,
    ]),
    repaired
      ? `repaired: the journal ends with record ${last}`
      : `next: ${next}`,
  ];
}

/** The records that went, or would go. */
function wentOf(
  { repaired, missing, cut: { from, to, bytes } }: Repair,
): string {
  const records = to === null
    ? ""
    : `${span("record", from, to)} (${to - from + 1})`;
  if (missing) {
    return to === null
      ? "lost: how many records the segment held is not known"
      : `lost: ${records}, and any after them`;
  }
  const went = repaired ? "removed" : "would remove";
  return to === null
    ? `${went}: ${size(bytes)} from record ${from} on`
    : `${went}: ${records}, ${size(bytes)}`;
}
