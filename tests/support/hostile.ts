import { crc32 } from "node:zlib";
import type { MemoryFileSystem, Random } from "@mini/state/testing";
import { hex, JournalBytes } from "./journal.ts";

const DIR = "/data";
const encoder = new TextEncoder();

/** A change to a folder, and whether it puts in content that no program of ours has written. */
export interface Damage {
  readonly what: string;
  readonly isForged: boolean;
}

/** Changes a folder as an accident or an enemy would. */
export function damage(fs: MemoryFileSystem, random: Random): Damage {
  const done: Damage[] = [];
  for (let left = 1 + random.below(2); left > 0; left--) {
    const kind = random.below(10);
    done.push(
      kind < 5
        ? damageBytes(fs, random)
        : kind < 7
        ? forgeJournal(fs, random)
        : kind < 9
        ? forgeSnapshot(fs, random)
        : addName(fs, random),
    );
  }
  return {
    what: done.map(({ what }) => what).join("; "),
    isForged: done.some(({ isForged }) => isForged),
  };
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}

/** Bytes flipped, set, swapped, doubled, cut out, put in. */
function damageBytes(fs: MemoryFileSystem, random: Random): Damage {
  const names = [
    ...fs.names(DIR),
    ...fs.names(`${DIR}/inbox`).map((name) => `inbox/${name}`),
  ].filter((name) => !name.endsWith(".lock") && isFile(fs, name));
  const name = pick(random, names);
  const bytes = fs.content(`${DIR}/${name}`)!;
  const from = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, from + random.below(200));
  const [start, part, end] = [
    bytes.slice(0, from),
    bytes.slice(from, to),
    bytes.slice(to),
  ];
  const edits: Record<string, () => Uint8Array[]> = {
    "flipped": () => [start, part.map((byte) => flip(byte, random)), end],
    "set": () => [start, part.fill(random.below(256)), end],
    "reversed": () => [start, part.reverse(), end],
    "doubled": () => [start, part, part, end],
    "cut out": () => [start, end],
    "cut off": () => [start],
    "moved to the end": () => [start, end, part],
    "put in": () => [start, bytesOf(random, 1 + random.below(3_000)), bytes],
    "a huge line put in": () => [start, hugeLine(random), end],
  };
  const edit = pick(random, Object.keys(edits));
  fs.put(`${DIR}/${name}`, concat(edits[edit]!()));
  return { what: `${name}: ${edit} at ${from}`, isForged: false };
}

function isFile(fs: MemoryFileSystem, name: string): boolean {
  return fs.content(`${DIR}/${name}`) !== undefined;
}

function flip(byte: number, random: Random): number {
  return random.oneIn(8) ? byte ^ 1 << random.below(8) : byte;
}

function bytesOf(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** Rarely one beyond the limit of a record. */
function hugeLine(random: Random): Uint8Array {
  const length = random.oneIn(20) ? 17 * 1024 * 1024 : random.below(300_000);
  return new Uint8Array(length).fill(0x5b + random.below(2));
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Stands for a value so deep that no recursion gets through it. */
const DEEP = "deep value";

/** JSON of what may hold a value that is too deep to be made JSON of. */
function toJson(value: unknown, indent?: number): string {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  return JSON.stringify(value, null, indent).replace(`"${DEEP}"`, deep);
}

/** Values that have broken programs. */
function hostileValue(random: Random): unknown {
  return pick<() => unknown>(random, [
    () => -1,
    () => 1.5,
    () => 2 ** 53,
    () => 1e300,
    () => "1",
    () => null,
    () => [],
    () => ({}),
    () => "../../etc/passwd",
    () => "\0\n\u2028\ud800",
    () => JSON.parse('{"__proto__":{"polluted":true}}'),
    () => JSON.parse('{"constructor":{"prototype":{"polluted":true}}}'),
    () => DEEP,
    () => ({ apply: DEEP }),
    () => ({ apply: JSON.parse('{"__proto__":{"polluted":true}}') }),
    () => ({ applyBatch: 7 }),
    () => ({ apply: 1, version: "new" }),
    () => ({ apply: hostileEntry(random) }),
    () => ({ abort: random.below(9) }),
    () => ({ abort: -1 }),
    () => "x".repeat(random.below(2_000_000)),
  ])();
}

/** An entry of the ledger of a queue, one of its fields, or one of a part of it, being what it should not be. */
function hostileEntry(random: Random): unknown {
  const kind = pick(random, [
    "enqueue",
    "receive",
    "settle",
    "cancel",
    "update",
    "progress",
    "gone",
    "policy",
    "schedule",
    "fire",
  ]);
  const field = pick(random, ["id", "payload", "from", "name", "finished"]);
  const part = random.oneIn(2) ? hostileValue(random) : [{
    id: random.below(9),
    [field]: hostileValue(random),
  }];
  return { at: 1, v: 2, [kind]: part };
}

/** A journal with right checksums, and fields that are not what they should be. */
function forgeJournal(fs: MemoryFileSystem, random: Random): Damage {
  const field = pick(random, ["mini", "journal", "base", "prev", "none"]);
  const value = hostileValue(random);
  const journal = new JournalBytes(field === "none" ? {} : { [field]: value });
  for (let seq = 1; seq <= 5; seq++) {
    const fields: Record<string, unknown> = { seq, data: { apply: seq } };
    if (random.oneIn(2)) {
      const name = pick(random, ["seq", "data", "durable", "batch", "close"]);
      fields[name] = hostileValue(random);
    }
    journal.addText(toJson(fields));
  }
  const sealed = random.oneIn(3);
  const name = sealed
    ? `journal.${String(random.below(6)).padStart(20, "0")}.jsonl`
    : "journal.jsonl";
  fs.put(`${DIR}/${name}`, journal.bytes);
  return { what: `${name} forged, ${field} of the header`, isForged: true };
}

/** A snapshot with a right checksum, and fields that are not what they should be. */
function forgeSnapshot(fs: MemoryFileSystem, random: Random): Damage {
  const seq = random.below(9);
  const fields: Record<string, unknown> = { mini: 1, seq, state: [] };
  const field = pick(random, [
    "mini",
    "seq",
    "journal",
    "version",
    "state",
    "parts",
  ]);
  if (field === "parts") delete fields.state;
  fields[field] = hostileValue(random);
  const text = toJson(fields, 2).slice(0, -2);
  const crc = hex(crc32(text));
  const bytes = encoder.encode(`${text},\n  "crc": "${crc}"\n}\n`);
  const name = `snapshot_${String(seq).padStart(20, "0")}.json`;
  fs.put(`${DIR}/${name}`, bytes);
  return { what: `${name} forged, ${field}`, isForged: true };
}

/** Files whose names look like ours, and are not. */
function addName(fs: MemoryFileSystem, random: Random): Damage {
  const nines = "9".repeat(20);
  const name = pick(random, [
    `journal.${nines}.jsonl`,
    "journal.00000000000000000003.jsonl",
    "journal..jsonl",
    "journal.jsonl.001",
    "journal.jsonl.torn",
    "journal.jsonl.tmp",
    `snapshot_${nines}.json`,
    "snapshot_00000000000000000009.json.tmp",
    "snapshot_00000000000000000009.json.bad",
    "snapshot.json",
    "snapshot.seq",
    "snapshot_\u0660\u0660.json",
    "..\\..\\outside",
    "\n",
    "__proto__",
    "x".repeat(255),
  ]);
  const content = pick(random, ["", "{", "7", '{"seq":1,"state":[]}']);
  fs.put(`${DIR}/${name}`, encoder.encode(content));
  return { what: `${JSON.stringify(name)} added`, isForged: true };
}
