import { aFunction, assertOptions, countFrom } from "../../base/checks.ts";
import {
  ADMIN_CHECKS,
  AdminCall,
  type AdminOptions,
  pathOf,
} from "../options.ts";
import { locate } from "../read/locate.ts";
import { measureSegments } from "../read/log_summary.ts";
import { salvagedLines } from "./reader.ts";
import type { DamagedLine, SalvagedRecords, Wants } from "./records.ts";

/** The options of {@linkcode salvageRecords}. */
export interface SalvageRecordsOptions extends AdminOptions {
  /** The first record to give. Damaged lines are given from the segment on that holds it. @default {1} */
  readonly from?: number;
  /** Tells which records to parse: the others are `undefined` in what is given, which takes much less time. Not asked for batches, nor for lines that no checksum confirms. @default {all} */
  readonly wants?: Wants;
}

/**
 * Reads everything of a damaged log that can be read, in order, with what cannot
 * be read between it, and changes nothing.
 *
 * Reading continues after a damage, where the running checksum is found again,
 * and after what the disk cannot read: that is a damaged line with its range. In
 * a log of the Rust crate the number of a record is its place among those that
 * can be read, and nothing is verified.
 *
 * Takes no lock. Stop the writer first, or what it rotates or compacts meanwhile
 * may be missing.
 *
 * @param path The log, or the directory of a state or a queue.
 * @param options Where to begin, what to parse, how the log is found, and what watches and stops the call.
 * @returns The records of each line, and each damaged line. The iteration throws what goes wrong.
 * @throws {TypeError} If the directory holds several logs.
 * @throws {MiniError} `NOT_FOUND` if there is no log. `PERMISSION`, `IO` as the system has it.
 *
 * @example Read past a damage
 * ```ts
 * import { salvageRecords } from "@mini/state/admin";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * {
 *   await using store = await MiniStore.open<string>(path);
 *   for (const text of ["a", "b", "c"]) await store.append(text);
 * }
 * const text = await Deno.readTextFile(path);
 * await Deno.writeTextFile(path, text.replace('"b"', '"B"'));
 *
 * const seen: unknown[] = [];
 * for await (const line of salvageRecords(path)) {
 *   seen.push(line.kind === "records" ? line.records : line.reason);
 * }
 * assertEquals(seen, [["a"], "the line fails its checksum", ["c"]]);
 * ```
 */
export function salvageRecords(
  path: string | URL,
  options: SalvageRecordsOptions = {},
): AsyncIterable<SalvagedRecords | DamagedLine> {
  assertOptions("salvageRecords()", options, {
    ...ADMIN_CHECKS,
    from: countFrom(1),
    wants: aFunction,
  });
  return readLog(pathOf(path), options);
}

async function* readLog(
  path: string,
  { from = 1, wants, ...options }: SalvageRecordsOptions,
): AsyncGenerator<SalvagedRecords | DamagedLine, void, undefined> {
  const call = new AdminCall(options);
  const step = <T>(work: () => Promise<T>) =>
    call.look(`read "${path}"`, path, work);
  const all = await step(async () => {
    const context = await locate(path, call);
    call.begin("salvaging", (await measureSegments(context)).totalBytes);
    return salvagedLines(context, from, wants);
  });
  try {
    for (;;) {
      const { value, done } = await step(() => all.next());
      if (done) return;
      for (const line of value) {
        const isBefore = line.kind === "records" && line.seq < from;
        const given = isBefore ? since(line, from) : line;
        if (given !== undefined) yield given;
      }
    }
  } finally {
    await all.return();
  }
}

/** The records of a line from one number on. */
function since(
  line: SalvagedRecords,
  from: number,
): SalvagedRecords | undefined {
  const records = line.records.slice(from - line.seq);
  return records.length === 0 ? undefined : { ...line, seq: from, records };
}
