import type { JournalContext } from "../../store/internal.ts";
import { MiniStore } from "../../store/mod.ts";
import { join } from "@std/path";
import { SnapStore } from "../../snap/mod.ts";
import { Misuse } from "../args.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  journalOptions,
  type Outcome,
} from "../command.ts";
import {
  assertEmpty,
  contextFor,
  locate,
  reading,
} from "../../admin/read/locate.ts";
import { isDirectory } from "../../fs/directory.ts";
import { AS_WRITTEN } from "../../admin/read/snapshot_check.ts";
import { measureSegments, tornOfRust } from "../../admin/read/log_summary.ts";
import {
  assertNew,
  buildJournal,
  JournalBuilder,
  readBack,
} from "../../admin/journal_builder.ts";
import { count } from "../../base/text.ts";

export const convert: Command = {
  name: "convert",
  operands: ["PATH", "NEW"],
  summary: "make a native journal from one of the Rust crates (writes NEW)",
  details: [
    "If PATH is a journal, NEW gets the records of all its rotated segments, under",
    "the same numbers. If PATH is the directory of a state, NEW is a missing or",
    "empty directory, and gets the state with its newest snapshot. The original is",
    "only read; stop the program that writes it first. Exit code 1 if the last line",
    "is unfinished and was left out.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["counter.log data/journal.jsonl", "rust-state state"],
  async run(call: Call): Promise<Outcome> {
    const { args, fs, progress } = call;
    const source = await locate(call.args.operand(0), journalOptions(call));
    const { format, totalBytes } = await measureSegments(source);
    if (format === "mini") {
      throw new Misuse(`"${source.paths.active}" is already a native journal`);
    }
    const isState = await isDirectory(fs, args.operand(0));
    const path = args.operand(1);
    // Snapshots of something else would be pruned, or taken for those of the state.
    if (isState) await assertEmpty(fs, path);
    const to = contextFor(
      isState ? join(path, "journal.jsonl") : path,
      journalOptions(call),
    );
    await assertNew(to);
    progress.begin("converting", totalBytes);
    const { records, snapshot } = await buildJournal(
      to,
      "convert",
      async (staged) => {
        const written = await copyAll(source, staged, isState);
        progress.begin("reading it back", totalBytes);
        await readBack(staged, written);
        const snapshot = isState
          ? await copySnapshot(source, to, written)
          : null;
        return { records: written.records, snapshot };
      },
    );
    const tornBytes = await tornOfRust(source);
    return {
      exitCode: tornBytes > 0 ? 1 : 0,
      report: {
        from: source.paths.active,
        to: to.paths.active,
        records,
        snapshot,
        tornBytes,
      },
      lines: [
        `${count(records, "record")} in "${to.paths.active}"`,
        ...(snapshot === null
          ? []
          : [`and the snapshot at record ${snapshot}`]),
        ...(tornBytes === 0 ? [] : [
          `left out: ${
            count(tornBytes, "byte")
          } of an unfinished line at the end of "${source.paths.active}"`,
        ]),
      ],
    };
  },
};

async function copyAll(
  source: JournalContext,
  to: JournalContext,
  isState: boolean,
): Promise<JournalBuilder> {
  const target = await JournalBuilder.create(to);
  try {
    // The format of the Rust program has no word for what had been applied.
    if (isState) target.noteApplied(0);
    const records = MiniStore.replay<unknown>(
      source.paths.active,
      reading(source),
    );
    for await (const { seq, data } of records) {
      await target.add(seq, [isState ? { apply: data } : data]);
    }
    await target.finish();
    return target;
  } finally {
    await target[Symbol.asyncDispose]();
  }
}

/** Copies the newest snapshot of a state, for the new log; gives its number. */
async function copySnapshot(
  source: JournalContext,
  to: JournalContext,
  { logId }: JournalBuilder,
): Promise<number | null> {
  const { fs, paths } = source;
  const disk = new SnapStore(paths.directory, {
    fs,
    codec: AS_WRITTEN,
    readOnly: true,
  });
  const found = await disk.restore();
  if (found === undefined) return null;
  const snapshots = new SnapStore<unknown>(to.paths.directory, { fs });
  const meta = { ...(logId !== undefined && { logId }) };
  await snapshots.create(found.state, found.seq, meta);
  return found.seq;
}
