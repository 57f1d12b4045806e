import { basename, join } from "@std/path";
import { MiniError } from "../base/errors.ts";
import { nativeFormat } from "./format/line.ts";
import { assertOurs, removeTemporary } from "../fs/atomic_file.ts";
import { lockJournal, namedLog, nameLog } from "./lock.ts";
import {
  type Recovered,
  recoverJournal,
  type RecoveryReport,
} from "./recover.ts";
import { rustFormat } from "./format/rust.ts";
import type { JournalContext } from "./journal.ts";
import { listSegments } from "./read/segments.ts";
import { lastTimeIn } from "./read/native_segments.ts";
import { recoverRustJournal } from "./recover_rust.ts";
import { asListed } from "./spelling.ts";
import type { StoreOptions } from "./options.ts";
import { OPEN, TORN } from "./telemetry.ts";
import { Writer } from "./write/writer.ts";

/** An open journal. */
export interface OpenJournal {
  /** With the name that the directory lists. */
  readonly context: JournalContext;
  readonly writer: Writer;
  readonly report: RecoveryReport;
}

/** How a journal is written. */
type OpenOptions = Pick<
  StoreOptions<unknown>,
  | "maxSegmentBytes"
  | "durable"
  | "timestamps"
  | "keep"
  | "verifyFrom"
  | "slowMs"
>;

/** Takes the lock, recovers, and makes the writer that continues at the end. On failure nothing stays locked or open. */
export function openJournal(
  asked: JournalContext,
  options: OpenOptions,
): Promise<OpenJournal> {
  const { active: path } = asked.paths;
  const start = performance.now();
  return OPEN.run(
    () => ({ kind: "store", path }),
    async () => {
      const journal = await open(asked, options);
      journal.writer.meter.openMs = performance.now() - start;
      const { tornBytes, tornPath } = journal.report;
      if (tornBytes > 0) {
        TORN.tell(() => ({ path, tornBytes, ...(tornPath && { tornPath }) }));
      }
      return journal;
    },
    (message, { report }) => {
      message.recovery = report;
    },
  );
}

async function open(
  asked: JournalContext,
  {
    maxSegmentBytes = 16 * 1024 * 1024,
    durable = true,
    timestamps = false,
    keep,
    verifyFrom = 1,
    slowMs = 1_000,
  }: OpenOptions,
): Promise<OpenJournal> {
  const { fs, staging, paths: { directory } } = asked;
  await fs.createDirectory(directory, staging.directoryMode);
  const lock = await lockJournal(asked, {
    doing: "open",
    hint: "close it there, or read beside it with MiniStore.replay()",
  });
  let recovered: Recovered | undefined;
  try {
    // A process that was killed may have left names that are listed and not yet on the disk.
    await fs.syncDirectory(directory);
    const names = await fs.list(directory);
    const context = await asListed(asked, names);
    const { paths } = context;
    const bases = paths.sealedBases(names);
    if (names.includes(basename(paths.temporary))) {
      await removeTemporary(fs, paths.temporary);
    }
    await assertOurs(staging, [
      paths.lock,
      paths.active,
      ...bases.map((base) => paths.sealed(base)),
      ...paths.rustSegments(names).map((name) => join(paths.directory, name)),
    ]);
    const { format, sealed } = await listSegments(context, names);
    if (format !== "mini") assertRustCan(paths.active, { timestamps, keep });
    recovered = format === "mini"
      ? await recoverJournal(context, bases, {
        verifyFrom,
        log: namedLog(lock),
      })
      : await recoverRustJournal(context, sealed);
    await nameLog(lock, recovered.header.journal);
    const lastTime = timestamps
      ? recovered.at ?? await lastTimeIn(context, recovered.sealed)
      : undefined;
    const writer = await Writer.at({
      context,
      format: format === "mini" ? nativeFormat : rustFormat,
      lock,
      maxSegmentBytes,
      isDurable: durable,
      hasTimes: timestamps,
      lastTime,
      keep,
      slowMs,
    }, recovered);
    return { context, writer, report: recovered.report };
  } catch (error) {
    await recovered?.file.close().catch(() => {});
    await lock.close().catch(() => {});
    throw error;
  }
}

/** Throws `UNSUPPORTED_FORMAT` for options that would do nothing in a journal of the Rust program. */
function assertRustCan(
  path: string,
  options: { readonly timestamps: boolean; readonly keep: unknown },
): void {
  const name = options.timestamps ? "timestamps" : "keep";
  if (!options[name]) return;
  const message =
    `Cannot open "${path}" with ${name}: the format of the Rust ministore cannot express that; mini convert makes a journal that can`;
  throw new MiniError("UNSUPPORTED_FORMAT", message, { path });
}
