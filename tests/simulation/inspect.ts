import {
  type FileSystem,
  type LogRecord,
  type MiniError,
  MiniStore,
  type RecoveryReport,
} from "@mini/state/store";
import { type DiskSnapshot, MemoryFileSystem } from "@mini/state/testing";
import { DIR, PATH } from "./process.ts";
import type { Coverage, Row } from "./rows.ts";
import { told, type Trace } from "./trace.ts";
import { isSame } from "./units.ts";

const NEWLINE = 0x0a;
const decoder = new TextDecoder();

/** The records that can be read, and what ends the reading. */
interface Found {
  readonly records: readonly string[];
  readonly error?: MiniError;
}

/**
 * Opens a copy of a disk, as a log that is used by itself, to see what recovery
 * makes of it; and reads it without opening it, which must come to the same.
 */
export async function inspect(
  disk: DiskSnapshot,
  coverage: Coverage,
  trace: Trace,
  options: { readonly maxRecordBytes?: number } = {},
): Promise<void> {
  const before = new MemoryFileSystem(disk);
  const fs = trace.watch(new MemoryFileSystem(disk));
  const changed: string[] = [];
  fs.hooks.after = ({ operation, path }) =>
    changed.push(`${operation} ${path}`);
  const all = { ...options, fs };
  const reading = MiniStore.replay(PATH, { ...all, ifMissing: "empty" });
  const read = await readAll(reading);
  if (changed.length > 0) trace.violation(`a reader does ${changed}`);
  const opened = await MiniStore.open(PATH, all).catch((e: MiniError) => e);
  if (opened instanceof Error) {
    trace.note(`inspected: ${told(opened)}`);
    checkUntouched(changed, trace);
    // Of two complaints each may meet another first.
    const isOne = options.maxRecordBytes === undefined;
    const isAgreed = read.error?.code === opened.code;
    if (read.error === undefined || isOne && !isAgreed) {
      trace.violation(
        `opening: ${told(opened)}; a reader: ${told(read.error)}`,
      );
    }
    const row = rowOfError(opened);
    if (row !== undefined) coverage.hit(row);
    return;
  }
  const { recovery } = opened;
  trace.note(`inspected: ${recovery.outcome}, ${recovery.reason ?? ""}`);
  const shown = await readAll(opened.replay());
  if (!isSame(read.records, shown.records) || read.error !== undefined) {
    trace.violation(
      `opening shows ${shown.records.length} records, ` +
        `a reader ${read.records.length} (${told(read.error)})`,
    );
  }
  checkTorn(before, fs, recovery, trace);
  for (const row of rowsOf(before, fs, recovery)) coverage.hit(row);
}

/** A reader's account of a log, and of how it ends. */
export async function readLog(fs: FileSystem): Promise<string> {
  const { records, error } = await readAll(
    MiniStore.replay(PATH, { fs, ifMissing: "empty" }),
  );
  return `${records.join("\n")}\n${error?.code ?? ""}`;
}

async function readAll(
  iterable: AsyncIterable<LogRecord<unknown>>,
): Promise<Found> {
  const records: string[] = [];
  try {
    for await (const { seq, data } of iterable) {
      records.push(`${seq} ${JSON.stringify(data)}`);
    }
    return { records };
  } catch (error) {
    return { records, error: error as MiniError };
  }
}

/** A log that is refused is not changed: only the lock, and what was never read. */
function checkUntouched(changed: readonly string[], trace: Trace): void {
  const harmless =
    /^(createDirectory|lock|syncDirectory) |^create .*\.lock$|^remove .*\.tmp$/;
  const touched = changed.filter((change) => !harmless.test(change));
  if (touched.length > 0) trace.violation(`a refusal does ${touched}`);
}

/** Whatever was cut off is kept. */
function checkTorn(
  before: MemoryFileSystem,
  after: MemoryFileSystem,
  { tornBytes, outcome }: RecoveryReport,
  trace: Trace,
): void {
  if ((tornBytes > 0) !== (outcome === "torn")) {
    trace.violation(`${outcome}, with ${tornBytes} torn bytes`);
  }
  if (tornBytes === 0) return;
  const cut = before.content(PATH)!.slice(-tornBytes);
  const kept = after.content(`${PATH}.torn`);
  if (kept === undefined || !isSame([...kept], [...cut])) {
    trace.violation("the torn tail is not what .torn holds");
  }
}

function rowsOf(
  before: MemoryFileSystem,
  after: MemoryFileSystem,
  { outcome, reason }: RecoveryReport,
): Row[] {
  const rows: Row[] = [];
  if (before.content(`${PATH}.tmp`) && !after.content(`${PATH}.tmp`)) {
    rows.push("temporary file: removed on opening");
  }
  const bytes = before.content(PATH);
  if (/segment was unfinished/.test(reason ?? "")) {
    rows.push(rowOfUnfinished(bytes));
  } else if (outcome === "clean") rows.push("end: clean");
  else if (outcome === "torn") {
    rows.push("torn: the tail is kept in .torn", rowOfTorn(reason ?? ""));
  } else if (outcome === "unclean" && bytes !== undefined) {
    rows.push(
      bytes.at(-1) === NEWLINE
        ? "end: unclean"
        : bytes.at(-1) === 0
        ? "last line: whole but for its newline, NULs behind it"
        : "last line: whole but for its newline",
    );
  }
  return rows;
}

function rowOfUnfinished(bytes: Uint8Array | undefined): Row {
  if (bytes === undefined) {
    return "unfinished: no active segment behind a sealed one";
  }
  return bytes.includes(0)
    ? "unfinished: NULs in place of a header, or behind it, and nothing names the log"
    : "unfinished: a beginning of a header, and nothing names the log";
}

function rowOfTorn(reason: string): Row {
  if (/NULs/.test(reason)) return "tail: NULs to the end";
  if (/sectors/.test(reason)) return "tail: sectors missing";
  return "last line: cut short";
}

const BY_MESSAGE: readonly [RegExp, Row][] = [
  [/a sealed segment is damaged at record/, "sealed segment: damaged"],
  [/a sealed segment has no header/, "sealed segment: no header"],
  [/by its name it starts/, "sealed segment: name and header disagree"],
  [/belong to different journals/, "segment: of another journal"],
  [
    /the segment before it ends with/,
    "segment: base does not meet the one before",
  ],
  [
    /does not have the checksum of/,
    "segment: prev does not meet the one before",
  ],
  [/by a newer version/, "header: another version"],
  [
    /its header and all records after it are missing: there are sealed segments/,
    "header: lost, sealed segments stand beside it",
  ],
  [
    /its header and all records after it are missing: its lock file names/,
    "header: lost, the lock names the log",
  ],
  [/its first line is damaged/, "header: damaged"],
  [/it is not a journal/, "header: not a journal"],
  [
    /a later line says that it was durable/,
    "bad line: a later line says that it was durable",
  ],
  [
    /a line between records/,
    "bad line: the record it should hold stands behind it",
  ],
  [/complete but fails its checksum/, "bad line: has a newline"],
  [/not the beginning of a record/, "tail: stray text"],
  [/does not follow record/, "line: a number that does not follow on"],
];

function rowOfError({ code, message, path }: MiniError): Row | undefined {
  if (!path?.startsWith(`${DIR}/`)) return undefined;
  if (code === "TOO_LARGE") return "line: over maxRecordBytes";
  return BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1];
}

/** The last line of the active segment. */
export function lastLine(fs: MemoryFileSystem): string {
  const text = decoder.decode(fs.content(PATH) ?? new Uint8Array());
  return text.trimEnd().split("\n").at(-1) ?? "";
}
