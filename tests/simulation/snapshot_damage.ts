import { crc32 } from "node:zlib";
import type { MemoryFileSystem, Random } from "@mini/state/testing";
import { hex } from "../support/journal.ts";
import { type Damage, namesLike } from "./files.ts";
import { DIR } from "./process.ts";
import { pick } from "./world.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Damages snapshots, or forges one. */
export function damageSnapshots(
  fs: MemoryFileSystem,
  random: Random,
): Damage | undefined {
  const all = namesLike(fs, /^snapshot_\d{20}\.json$/);
  const newest = all.at(-1);
  if (newest === undefined) return undefined;
  const bytes = fs.content(newest)!;
  const edits: Record<string, () => void> = {
    "the newest is cut": () =>
      fs.put(newest, bytes.slice(0, random.below(bytes.length))),
    "the newest is empty": () => fs.put(newest, new Uint8Array()),
    "the newest is gone": () => fs.unlink(newest),
    "all are gone": () => all.forEach((path) => fs.unlink(path)),
    "all are damaged": () =>
      all.forEach((path) => fs.put(path, cutOf(fs, path))),
    "an unfinished one": () =>
      fs.put(
        `${DIR}/snapshot_${"9".repeat(15).padStart(20, "0")}.json.tmp`,
        bytes,
      ),
    "the newest is of another journal": () =>
      fs.put(
        newest,
        changed(bytes, /"journal": "[^"]*"/, `"journal": "${"f".repeat(32)}"`),
      ),
    "the newest is of a newer version": () =>
      fs.put(newest, changed(bytes, /"mini": 1/, '"mini": 2')),
  };
  const what = pick(random, Object.keys(edits));
  edits[what]!();
  return { what: `snapshots: ${what}`, mayLose: false };
}

function cutOf(fs: MemoryFileSystem, path: string): Uint8Array<ArrayBuffer> {
  return fs.content(path)!.slice(0, -9);
}

/** The snapshot with something else in it, and the checksum of that. */
function changed(
  bytes: Uint8Array,
  pattern: RegExp,
  by: string,
): Uint8Array<ArrayBuffer> {
  const text = decoder.decode(bytes).replace(pattern, by);
  const body = text.slice(0, text.lastIndexOf(',\n  "crc": "'));
  return encoder.encode(`${body},\n  "crc": "${hex(crc32(body))}"\n}\n`);
}
