import type { MemoryFileSystem, Random } from "@mini/state/testing";
import { JournalBytes } from "../support/journal.ts";
import { type Damage, namesLike } from "./files.ts";
import { PATH } from "./process.ts";
import { damageSnapshots } from "./snapshot_damage.ts";
import { pick } from "./world.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SECTOR = 512;
const NEWLINE = 0x0a;
const encoder = new TextEncoder();

/** Damages a disk in one way, picked by chance; `undefined` where it has nothing to be damaged so. */
export function damage(
  fs: MemoryFileSystem,
  random: Random,
): Damage | undefined {
  const kind = random.below(10);
  if (kind < 2) return flip(fs, random);
  if (kind < 5) return damageActive(fs, random);
  if (kind < 7) return damageSealed(fs, random);
  if (kind < 8) return forge(fs, random);
  return damageSnapshots(fs, random);
}

const SEALED = /^journal\.\d{20}\.jsonl$/;

/** One bit, anywhere in what is kept. */
function flip(fs: MemoryFileSystem, random: Random): Damage | undefined {
  const path = pick(
    random,
    namesLike(fs, /^journal\.(\d{20}\.)?jsonl$|^snapshot_\d{20}\.json$/),
  );
  const bytes = fs.content(path)?.slice() ?? new Uint8Array();
  if (bytes.length === 0) return undefined;
  const at = random.below(bytes.length);
  bytes[at]! ^= 1 << random.below(8);
  fs.put(path, bytes);
  return { what: `${path}: a bit at ${at} flipped`, mayLose: false };
}

function damageActive(
  fs: MemoryFileSystem,
  random: Random,
): Damage | undefined {
  const bytes = fs.content(PATH);
  if (bytes === undefined) return undefined;
  const { length } = bytes;
  const header = bytes.indexOf(NEWLINE) + 1;
  const at = random.below(length);
  const near = Math.max(0, length - random.below(1_500));
  const sector = Math.ceil(at / SECTOR) * SECTOR;
  const edits: Record<string, () => Bytes | undefined> = {
    "cut": () => bytes.slice(0, at),
    "cut near its end": () => bytes.slice(0, near),
    "cut in its header": () => bytes.slice(0, random.below(header)),
    "without its last newline": () => bytes.slice(0, -1),
    "NULs for its last newline": () => padded(bytes.slice(0, -1), length + 40),
    "cut, and NULs to its end": () => padded(bytes.slice(0, near), length),
    "cut in its header, and NULs": () =>
      padded(bytes.slice(0, random.below(header)), random.below(header) + 60),
    "NULs in place of a sector": () => holed(bytes, sector, sector + SECTOR),
    "NULs somewhere": () => holed(bytes, at, at + random.below(300)),
    "NULs for the beginning of its last record": () => withoutSector(bytes),
    "a line missing": () => withLines(bytes, random, 1, []),
    "a blank line within it": () => withLines(bytes, random, 0, [""]),
    "a blank line behind it": () => joined(bytes, "\n"),
    "stray text behind it": () => joined(bytes, "stray text"),
    "CRLF at its end": () => joined(bytes.slice(0, -1), "\r\n"),
    "a BOM before it": () => joined(Uint8Array.of(0xef, 0xbb, 0xbf), bytes),
  };
  const what = pick(random, Object.keys(edits));
  const edited = edits[what]!();
  if (edited === undefined) return undefined;
  fs.put(PATH, edited);
  if (/in its header/.test(what) && random.oneIn(2)) fs.unlink(`${PATH}.lock`);
  // With no record in it, it may have been cut while it was made.
  const mayLose = /cut|NULs/.test(what) || length === header;
  return { what: `active segment: ${what}`, mayLose };
}

function padded(bytes: Bytes, length: number): Bytes {
  const whole = new Uint8Array(Math.max(bytes.length, length));
  whole.set(bytes);
  return whole;
}

function holed(bytes: Bytes, start: number, end: number): Bytes {
  return bytes.slice().fill(0, start, end);
}

function joined(...parts: (string | Bytes)[]): Bytes {
  const whole = parts.map((part) =>
    typeof part === "string" ? encoder.encode(part) : part
  );
  return Uint8Array.from(whole.flatMap((part) => [...part]));
}

/** As after a power cut in the last write, one sector of which is missing. */
function withoutSector(bytes: Bytes): Bytes | undefined {
  const text = new TextDecoder().decode(bytes);
  const lines = text.trimEnd().split("\n");
  if (lines.at(-1)?.includes('"close":')) lines.pop();
  const last = lines.pop();
  if (lines.length === 0 || last === undefined) return undefined;
  const start = encoder.encode(lines.join("\n")).length + 1;
  const end = start + encoder.encode(last).length + 1;
  const edge = (Math.floor(start / SECTOR) + 1) * SECTOR;
  return edge < end ? holed(bytes.slice(0, end), start, edge) : undefined;
}

/** With a number of lines fewer, or others put in: but at the end, where a loss shows nowhere. */
function withLines(
  bytes: Bytes,
  random: Random,
  fewer: number,
  others: string[],
): Bytes | undefined {
  const lines = new TextDecoder().decode(bytes).split("\n");
  if (lines.length < 4) return undefined;
  lines.splice(1 + random.below(lines.length - 3), fewer, ...others);
  return encoder.encode(lines.join("\n"));
}

function damageSealed(
  fs: MemoryFileSystem,
  random: Random,
): Damage | undefined {
  const sealed = namesLike(fs, SEALED);
  if (random.oneIn(3)) return loseNames(fs, random);
  if (sealed.length === 0) return undefined;
  const path = pick(random, sealed);
  const bytes = fs.content(path)!;
  const edits: Record<string, () => void> = {
    "removed": () => fs.unlink(path),
    "emptied": () => fs.put(path, new Uint8Array()),
    "cut": () => fs.put(path, bytes.slice(0, random.below(bytes.length))),
    "a line missing": () =>
      fs.put(path, withLines(bytes, random, 1, []) ?? new Uint8Array()),
    "in place of another": () => fs.put(pick(random, sealed), bytes),
  };
  const what = pick(random, Object.keys(edits));
  edits[what]!();
  // Without an active segment this may be where the log ends.
  const mayLose = fs.content(PATH) === undefined;
  return { what: `${path}: ${what}`, mayLose };
}

/** Names gone, or left behind. */
function loseNames(fs: MemoryFileSystem, random: Random): Damage | undefined {
  if (random.oneIn(3)) {
    fs.put(`${PATH}.tmp`, encoder.encode('{"crc":"'));
    return { what: "a temporary file left behind", mayLose: false };
  }
  const isAll = random.oneIn(2);
  const gone = isAll ? namesLike(fs, /^journal\..*jsonl$/) : [PATH];
  for (const path of gone) fs.unlink(path);
  return { what: `${gone} removed`, mayLose: true };
}

/** An active segment that belongs to another journal, with right checksums. */
function forge(fs: MemoryFileSystem, random: Random): Damage | undefined {
  const bytes = fs.content(PATH);
  if (bytes === undefined) return undefined;
  const isFollowing = namesLike(fs, SEALED).length > 0;
  const [first = ""] = new TextDecoder().decode(bytes).split("\n", 1);
  const { journal, base, prev } = JSON.parse(first);
  const header = { journal, base, prev };
  const seq = base + 1;
  const files: Record<string, () => Bytes | undefined> = {
    "of another journal": () =>
      isFollowing
        ? new JournalBytes({ ...header, journal: "f".repeat(32) }).bytes
        : undefined,
    "of another base": () =>
      isFollowing
        ? new JournalBytes({ ...header, base: seq }).bytes
        : undefined,
    "of another prev": () =>
      isFollowing
        ? new JournalBytes({ ...header, prev: "0badc0de" }).bytes
        : undefined,
    "of another version": () => new JournalBytes({ ...header, mini: 2 }).bytes,
    "no journal": () => encoder.encode("once upon a time\n"),
    "a number too high": () =>
      new JournalBytes(header).add({ seq: seq + 4, data: 1 }).bytes,
  };
  const what = pick(random, Object.keys(files));
  const forged = files[what]!();
  if (forged === undefined) return undefined;
  fs.put(PATH, forged);
  return { what: `active segment forged: ${what}`, mayLose: false };
}
