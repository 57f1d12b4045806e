import { aBoolean, assertOptions } from "../../base/checks.ts";
import { MiniError } from "../../base/errors.ts";
import { readBlock } from "../../fs/blocks.ts";
import type { FileStat, FileSystem } from "../../fs/file_system.ts";
import { fromOs } from "../../fs/os_errors.ts";
import { absolutePath } from "../../fs/system.ts";
import { dirname } from "@std/path";
import {
  hasPrefix,
  isRustHeader,
  type JournalContext,
  PREFIX_BYTES,
} from "../../store/internal.ts";
import { NEWLINE } from "../../base/bytes.ts";
import {
  assertNew,
  buildJournal,
  JournalBuilder,
  readBack,
} from "../journal_builder.ts";
import {
  ADMIN_CHECKS,
  AdminCall,
  type AdminOptions,
  pathOf,
} from "../options.ts";
import { contextFor } from "../read/locate.ts";
import { PieceCutter } from "./pieces.ts";
import { type Found, type Loss, type LostPart, valuesIn } from "./values.ts";

/** The options of {@linkcode adopt}. */
export interface AdoptOptions extends Omit<AdminOptions, "journal"> {
  /** Whether to report only, and write nothing. @default {false} */
  readonly dryRun?: boolean;
}

/** The result of adopting a file. */
export interface AdoptReport {
  /** The absolute path of the file. */
  readonly from: string;
  /** That of the journal. */
  readonly to: string;
  /** Whether the journal was written. */
  readonly adopted: boolean;
  /** How many records it has. */
  readonly records: number;
  /** How many bytes of the file were read. */
  readonly sizeBytes: number;
  /** Whether the file changed meanwhile. */
  readonly changed: boolean;
  /** How many parts of the file were left out. */
  readonly losses: number;
  /** Their bytes. */
  readonly lostBytes: number;
  /** The first 100 of them, in order. */
  readonly lost: readonly LostPart[];
}

const MAX_TOLD = 100;

/**
 * Makes a journal of a file of JSON values, one a line, in which anything may
 * be damaged: what can be read for certain becomes records, in order, and the
 * report tells of the rest.
 *
 * The file is only read, and takes no lock: `changed` tells that its writer was
 * not stopped. Opening refuses the journal until it is complete and read back, so
 * that a call which fails, is stopped or is killed leaves nothing that opens, and
 * the same call can be made again.
 *
 * @param file The file.
 * @param to The path of the journal, which must not exist.
 * @param options Whether to write at all, limits, and what watches and stops the call.
 * @returns What became records, and what was left out.
 * @throws {TypeError} If the file is a journal already, or not a file of lines,
 * or if the journal exists.
 * @throws {MiniError} `NOT_FOUND` if there is no such file. `NO_SPACE`,
 * `PERMISSION`, `IO` as the system has it, and `LOCKED` while another call makes
 * the journal.
 *
 * @example Adopt a log file that a crash has damaged
 * ```ts
 * import { adopt } from "@mini/state/admin";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 * import { writeFile } from "node:fs/promises";
 *
 * const dir = await Deno.makeTempDir();
 * await writeFile(`${dir}/app.log`, '{"a":1}\n{"a":2}\n{"a":');
 * const { records, lost } = await adopt(`${dir}/app.log`, `${dir}/app.jsonl`);
 * assertEquals(records, 2);
 * assertEquals(lost, [{
 *   line: 3,
 *   offset: 16,
 *   sizeBytes: 5,
 *   reason: "a value that is cut short",
 *   after: 2,
 * }]);
 *
 * await using store = await MiniStore.open<{ a: number }>(`${dir}/app.jsonl`);
 * assertEquals(await store.append({ a: 3 }), 3);
 * ```
 */
export async function adopt(
  file: string | URL,
  to: string | URL,
  options: AdoptOptions = {},
): Promise<AdoptReport> {
  const { journal: _, ...checks } = ADMIN_CHECKS;
  assertOptions("adopt()", options, { ...checks, dryRun: aBoolean });
  const [path, target] = [pathOf(file), pathOf(to)];
  const call = new AdminCall(options);
  const place = { doing: `adopt "${path}"`, path };
  return await call.run(
    () => adoptFile(call, path, target, options.dryRun),
    place,
  );
}

async function adoptFile(
  call: AdminCall,
  file: string,
  to: string,
  dryRun = false,
): Promise<AdoptReport> {
  const context = contextFor(to, call);
  const { fs, paths, maxRecordBytes } = context;
  const source = { fs, path: absolutePath(file), maxRecordBytes };
  assertApart(source.path, context);
  const before = await assertAdoptable(source);
  await assertNew(context);
  const read = new Reading();
  const write = async (staged: JournalContext) => {
    const journal = await JournalBuilder.create(staged);
    try {
      await read.all(source, (json) => journal.addJson(json));
      await journal.finish();
    } finally {
      await journal[Symbol.asyncDispose]();
    }
    call.begin("reading it back", before.sizeBytes);
    await readBack(staged, journal);
  };
  call.begin("adopting", before.sizeBytes);
  if (dryRun) await read.all(source, () => {});
  else await buildJournal(context, "adopt", write);
  const after = await fs.stat(source.path);
  const changed = after?.identity !== before.identity ||
    after.sizeBytes !== read.sizeBytes;
  const { active } = paths;
  return {
    from: source.path,
    to: active,
    adopted: !dryRun,
    changed,
    ...read.report,
  };
}

/** A file to be adopted. */
interface Source {
  readonly fs: FileSystem;
  readonly path: string;
  readonly maxRecordBytes: number;
}

/** The counts while a file is read. */
class Reading {
  sizeBytes = 0;
  #records = 0;
  #losses = 0;
  #lostBytes = 0;
  readonly #lost: LostPart[] = [];

  get report(): Omit<AdoptReport, "from" | "to" | "adopted" | "changed"> {
    return {
      records: this.#records,
      sizeBytes: this.sizeBytes,
      losses: this.#losses,
      lostBytes: this.#lostBytes,
      lost: this.#lost,
    };
  }

  /** Reads the file in blocks, and gives the JSON of each record. */
  async all(
    { fs, path, maxRecordBytes }: Source,
    give: (json: string) => Promise<void> | void,
  ): Promise<void> {
    const cutter = new PieceCutter(maxRecordBytes);
    const file = await fs.open(path, "read").catch(cannotRead(path));
    try {
      for (let isEnd = false; !isEnd;) {
        const block = await readBlock(file).catch(cannotRead(path));
        this.sizeBytes += block.length;
        isEnd = block.length === 0;
        for (const piece of isEnd ? cutter.end() : cutter.push(block)) {
          for (const found of valuesIn(piece, maxRecordBytes)) {
            if (found.kind === "loss") this.#lose(found);
            else {
              this.#records++;
              await give(found.json);
            }
          }
        }
      }
    } finally {
      await file.close();
    }
  }

  #lose({ line, offset, sizeBytes, reason }: Found & Loss): void {
    this.#losses++;
    this.#lostBytes += sizeBytes;
    if (this.#lost.length === MAX_TOLD) return;
    const after = this.#records;
    this.#lost.push({ line, offset, sizeBytes, reason, after });
  }
}

/** Throws for a file that the journal, once it is opened, would take for one of its own. */
function assertApart(file: string, { paths }: JournalContext): void {
  const { active, lock, temporary, torn } = paths;
  const own = [lock, temporary, torn, `${active}.part`];
  if (!own.some((path) => file.startsWith(path))) return;
  throw new TypeError(
    `"${file}" has a name that files of the journal "${active}" have; give the journal another name`,
  );
}

/** Beginnings of files that hold no lines of JSON, and what to do with such a file. */
const OTHERS: readonly [start: string, what: string][] = [
  ["\xff\xfe", "is UTF-16: convert it to UTF-8 first"],
  ["\xfe\xff", "is UTF-16: convert it to UTF-8 first"],
  ["\x1f\x8b", "is compressed by gzip: decompress it first"],
  ["\x28\xb5\x2f\xfd", "is compressed by zstd: decompress it first"],
];

const KINDS: Readonly<Record<FileStat["kind"], string | undefined>> = {
  file: undefined,
  directory: "a directory; give one file of it",
  symlink: "a symbolic link; give the file that it leads to",
  other: "a pipe or a device; save what it gives in a file first",
};

/** Throws for what is not a file of lines, and for a journal. */
async function assertAdoptable(source: Source): Promise<FileStat> {
  const { fs, path } = source;
  const found = await fs.stat(path).catch(cannotRead(path));
  if (found === undefined) {
    throw new MiniError("NOT_FOUND", `there is no file "${path}"`, { path });
  }
  const kind = KINDS[found.kind];
  if (kind !== undefined) throw new TypeError(`"${path}" is ${kind}`);
  const file = await fs.open(path, "read").catch(cannotRead(path));
  try {
    const block = await readBlock(file).catch(cannotRead(path));
    const problem = problemOf(block);
    if (problem !== undefined) throw new TypeError(`"${path}" ${problem}`);
    return found;
  } finally {
    await file.close();
  }
}

function problemOf(block: Uint8Array): string | undefined {
  const start = String.fromCharCode(...block.subarray(0, PREFIX_BYTES + 6));
  const isOurs = block.length > PREFIX_BYTES && hasPrefix(block) &&
    /^"(mini|seq|clos)/.test(start.slice(PREFIX_BYTES));
  if (isOurs) {
    return "is a journal already, or a segment of one: verify() checks it, and salvage() copies what can be read of it";
  }
  if (isRustHeader(block.subarray(0, block.indexOf(NEWLINE) + 1))) {
    return "is a journal of the Rust crate: convert() makes a native one of it";
  }
  return OTHERS.find(([bytes]) => start.startsWith(bytes))?.[1];
}

function cannotRead(path: string): (error: unknown) => never {
  return (error) => {
    const place = { directory: dirname(path), path };
    throw fromOs(error, `read "${path}"`, "it was not changed", place);
  };
}
