import type { JournalContext } from "../store/internal.ts";
import { MiniStore } from "../store/mod.ts";
import { join } from "@std/path";
import { SnapStore } from "../snap/mod.ts";
import { assertOptions } from "../base/checks.ts";
import { isDirectory } from "../fs/directory.ts";
import {
  assertNew,
  buildJournal,
  JournalBuilder,
  readBack,
} from "./journal_builder.ts";
import {
  ADMIN_CHECKS,
  AdminCall,
  type AdminOptions,
  pathOf,
} from "./options.ts";
import { leftOutBeside } from "./read/consumers.ts";
import {
  assertEmpty,
  contextFor,
  DEFAULT_NAME,
  locate,
  reading,
} from "./read/locate.ts";
import { measureSegments, tornOfRust } from "./read/log_summary.ts";
import { AS_WRITTEN } from "./read/snapshot_check.ts";

/** The result of {@linkcode convert}. */
export interface ConvertReport {
  /** The path of the original log. */
  readonly from: string;
  /** That of the new one. */
  readonly to: string;
  /** How many records it has. */
  readonly records: number;
  /** The record of the snapshot that the new state begins with; `null` if there is none, and for a log. */
  readonly snapshot: number | null;
  /** The bytes of an unfinished line at the end of the original, which were left out. */
  readonly tornBytes: number;
  /** The consumers whose positions were left out: they begin again in the copy. */
  readonly consumers: readonly string[];
  /** How many files in the inbox of a queue were left out: the original will take them in. */
  readonly posted: number;
}

/**
 * Makes a native log from one of the Rust crate `ministore`, or a native state
 * from a directory of `ministate`.
 *
 * A log gets the records of all rotated segments, under the same numbers; a state
 * its newest snapshot as well. The original is only read, without its lock: stop
 * the program that writes it first. Opening refuses the new log until it is
 * complete and read back, so that a call which fails, is stopped or is killed
 * leaves nothing that opens. The same call can be made again; the directory of a
 * state is to be removed first.
 *
 * @param from The log, or the directory of the state.
 * @param to The path of the new log, which must not exist; for a state, a directory that is missing or empty.
 * @param options How the log is found, and what watches and stops the call.
 * @returns What was copied, and what was left out.
 * @throws {TypeError} If the log is a native one, or something is in the place of the new one.
 * @throws {MiniError} `NOT_FOUND` if there is no log. `CORRUPT` if a line is damaged, `UNSERIALIZABLE` if it holds a number that JavaScript has not. `LOCKED` while another call makes the same log. `NO_SPACE`, `PERMISSION`, `IO` as the system has it.
 *
 * @example Convert a log
 * ```ts
 * import { convert } from "@mini/state/admin";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 * import { writeFile } from "node:fs/promises";
 *
 * const dir = await Deno.makeTempDir();
 * const rust = '// MINISTORE JOURNAL v0.1.4\n{"set":1}\n{"set":2}\n';
 * await writeFile(`${dir}/counter.log`, rust);
 * const { records } = await convert(`${dir}/counter.log`, `${dir}/new.jsonl`);
 * assertEquals(records, 2);
 *
 * await using store = await MiniStore.open<{ set: number }>(`${dir}/new.jsonl`);
 * assertEquals(await store.append({ set: 3 }), 3);
 * ```
 */
export async function convert(
  from: string | URL,
  to: string | URL,
  options: AdminOptions = {},
): Promise<ConvertReport> {
  assertOptions("convert()", options, ADMIN_CHECKS);
  const [path, place] = [pathOf(from), pathOf(to)];
  const call = new AdminCall(options);
  return await call.run(async () => {
    const { fs } = call;
    const source = await locate(path, call);
    const { format, totalBytes } = await measureSegments(source);
    if (format === "mini") {
      throw new TypeError(
        `"${source.paths.active}" is already a native journal`,
      );
    }
    const isState = await isDirectory(fs, path);
    // Snapshots of something else would be pruned, or taken for those of the state.
    if (isState) await assertEmpty(fs, place);
    const target = contextFor(
      isState ? join(place, DEFAULT_NAME) : place,
      call,
    );
    await assertNew(target);
    call.begin("converting", totalBytes);
    const make = async (staged: JournalContext) => {
      const written = await copyAll(source, staged, isState);
      call.begin("reading it back", totalBytes);
      await readBack(staged, written);
      return {
        from: source.paths.active,
        to: target.paths.active,
        records: written.records,
        snapshot: isState ? await copySnapshot(source, target, written) : null,
        // Before the journal gets its name: what is complete was not stopped.
        tornBytes: await tornOfRust(source),
        ...await leftOutBeside(source),
      };
    };
    return await buildJournal(target, "convert", make);
  }, { doing: `convert "${path}"`, path });
}

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
