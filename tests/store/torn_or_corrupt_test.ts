// Each row of the table "Torn or corrupt?" in docs/FORMAT.md, by its name there.
import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { JournalBytes, openAndRead, readOnly } from "../support/journal.ts";

const SECTOR = 512;

interface Row {
  readonly row: string;
  readonly active: Uint8Array;
  /** Sealed segments by base. */
  readonly sealed?: Record<number, Uint8Array>;
  readonly want: { last: number; outcome: string } | string;
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** A journal with a last group commit long enough to span sectors, and where that begins. */
function longCommit(): { bytes: Uint8Array; start: number } {
  const journal = new JournalBytes().records(1, 3);
  const start = journal.bytes.length;
  for (let seq = 4; seq <= 40; seq++) {
    journal.add(
      seq === 4
        ? { seq, data: "x".repeat(80) }
        : { seq, durable: 3, data: "x".repeat(80) },
    );
  }
  return { bytes: journal.bytes, start };
}

function withNuls(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return bytes.slice().fill(0, from, to);
}

const three = new JournalBytes().records(1, 3);
const commit = longCommit();
const sectorIn = Math.ceil(commit.start / SECTOR) * SECTOR;
const sealed = new JournalBytes().records(1, 2);
const second = new JournalBytes({ base: 2, prev: sealed.chain }).records(3, 3);

const ROWS: Row[] = [
  {
    row: "clean: ends in the two marks of a clean end",
    active: new JournalBytes().records(1, 3).add({ close: 3 })
      .add({ close: 3 }).bytes,
    want: { last: 3, outcome: "clean" },
  },
  {
    row: "unclean: ends in one mark, which may not be durable",
    active: new JournalBytes().records(1, 3).add({ close: 3 }).bytes,
    want: { last: 3, outcome: "unclean" },
  },
  {
    row: "clean: all lines valid, no mark",
    active: three.bytes,
    want: { last: 3, outcome: "unclean" },
  },
  {
    row: "damage in a sealed segment",
    sealed: { 0: text(sealed.text.replace("record 1", "record X")) },
    active: second.bytes,
    want: "CORRUPT",
  },
  {
    row: "a sealed segment that is cut short",
    sealed: { 0: sealed.bytes.slice(0, -5) },
    active: second.bytes,
    want: "CORRUPT",
  },
  {
    row: "damage at the end of a sealed segment, behind which a rotation ended",
    sealed: { 0: text(sealed.text.replace("record 2", "record X")) },
    active: new Uint8Array(0),
    want: "CORRUPT",
  },
  {
    row: "a sealed segment whose last record does not meet the next one's base",
    sealed: { 0: new JournalBytes().records(1, 1).bytes },
    active: second.bytes,
    want: "CORRUPT",
  },
  {
    row: "a segment whose header does not vouch for the one before",
    sealed: { 0: sealed.bytes },
    active: new JournalBytes({ base: 2, prev: "deadbeef" }).records(3, 3).bytes,
    want: "CORRUPT",
  },
  {
    row: "a segment of another journal",
    sealed: { 0: sealed.bytes },
    active: new JournalBytes({ base: 2, prev: sealed.chain, journal: "ff" })
      .records(3, 3).bytes,
    want: "CORRUPT",
  },
  {
    row: "a bad line, and a later line that says it was durable",
    active: text(three.text.replace("record 2", "record X")),
    want: "CORRUPT",
  },
  {
    row:
      "a bad line of missing sectors, and a later close mark that says it was durable",
    active: withNuls(
      join(commit.bytes, text('{"crc":"00000000","close":40}\n')),
      sectorIn,
      sectorIn + SECTOR,
    ),
    want: "CORRUPT",
  },
  {
    row: "a mark between records that is missing",
    active: (() => {
      const before = new JournalBytes().records(1, 3);
      const end = Math.ceil(before.bytes.length / SECTOR) * SECTOR;
      const mark = { close: 3, pad: "x".repeat(end) };
      const padded = new JournalBytes().records(1, 3).add(mark).records(4, 4);
      return withNuls(padded.bytes, before.bytes.length, end);
    })(),
    want: "CORRUPT",
  },
  {
    row: "a last line that is complete but for its newline",
    active: three.bytes.slice(0, -1),
    want: { last: 3, outcome: "unclean" },
  },
  {
    row: "a last line whose newline is a NUL",
    active: join(three.bytes.slice(0, -1), new Uint8Array(1)),
    want: { last: 3, outcome: "unclean" },
  },
  {
    row: "torn: a last line that is short and has no newline",
    active: three.bytes.slice(0, -4),
    want: { last: 2, outcome: "torn" },
  },
  {
    row: "torn: a short last line after the mark of a clean end",
    active: new JournalBytes().records(1, 3).add({ close: 3 }).records(4, 4)
      .bytes.slice(0, -4),
    want: { last: 3, outcome: "torn" },
  },
  {
    row: "torn: NULs run to the end",
    active: join(three.bytes, new Uint8Array(3000)),
    want: { last: 3, outcome: "torn" },
  },
  {
    row: "torn: NULs from inside the last line to the end",
    active: withNuls(three.bytes, three.bytes.length - 7, three.bytes.length),
    want: { last: 2, outcome: "torn" },
  },
  {
    row:
      "torn: a sector of the last group commit is missing, later ones are there",
    active: withNuls(commit.bytes, sectorIn, sectorIn + SECTOR),
    want: { last: 5, outcome: "torn" },
  },
  {
    row: "torn: the sector that the last group commit begins in is missing",
    active: withNuls(commit.bytes, commit.start, sectorIn),
    want: { last: 3, outcome: "torn" },
  },
  {
    row: "a complete last line with a wrong checksum and no NULs",
    active: text(three.text.replace("record 3", "record X")),
    want: "CORRUPT",
  },
  {
    row: "a NUL that is no missing sector",
    active: text(three.text.replace("record 3", "record \0")),
    want: "CORRUPT",
  },
  {
    row: "a last line whose newline is damaged",
    active: join(three.bytes.slice(0, -1), text("J")),
    want: "CORRUPT",
  },
  {
    row: "a stray text at the end",
    active: join(three.bytes, text("hello")),
    want: "CORRUPT",
  },
  {
    row: "an empty newest segment behind a sealed one",
    sealed: { 0: sealed.bytes },
    active: new Uint8Array(0),
    want: "CORRUPT",
  },
  {
    row: "a half-written header behind a sealed segment",
    sealed: { 0: sealed.bytes },
    active: second.bytes.slice(0, 30),
    want: "CORRUPT",
  },
  {
    row: "a header of NULs behind a sealed segment",
    sealed: { 0: sealed.bytes },
    active: new Uint8Array(99),
    want: "CORRUPT",
  },
  {
    row: "an empty only segment",
    active: new Uint8Array(0),
    want: { last: 0, outcome: "created" },
  },
  {
    row: "a file of nothing but NULs, longer than a header",
    active: new Uint8Array(4096),
    want: "CORRUPT",
  },
  {
    row: "CRLF",
    active: text(three.text.replaceAll("\n", "\r\n")),
    want: "CORRUPT",
  },
  { row: "a BOM", active: text(`\ufeff${three.text}`), want: "CORRUPT" },
  {
    row: "a blank line",
    active: text(
      three.text.replace('{"crc":"', '\n{"crc":"').replace(/^\n/, "") + "\n",
    ),
    want: "CORRUPT",
  },
  {
    row: "torn: cut behind a quotation mark in a text",
    active: text(`${three.text}{"crc":"00000000","seq":4,"data":"a\\"}b`),
    want: { last: 3, outcome: "torn" },
  },
  {
    row: "a last line whose checksum is no number",
    active: text(`${three.text}{"crc":"0x12`),
    want: "CORRUPT",
  },
  {
    row: "a record's number that does not follow on",
    active: new JournalBytes().records(1, 1).records(3, 3).bytes,
    want: "CORRUPT",
  },
  {
    row: "a batch whose numbers do not follow on",
    active:
      new JournalBytes().add({ seq: 1, batch: ["a", "b"] }).records(2, 2).bytes,
    want: "CORRUPT",
  },
  {
    row: "a newer version",
    active: new JournalBytes({ mini: 2, fresh: true }).bytes,
    want: "UNSUPPORTED_FORMAT",
  },
  {
    row: "a newer version whose checksum this code does not know",
    active: text('{"crc":"zzzzzzzz","mini":2}\n'.replaceAll("z", "0")),
    want: "UNSUPPORTED_FORMAT",
  },
  {
    row: "not a journal",
    active: text("hello\nworld\n"),
    want: "UNSUPPORTED_FORMAT",
  },
  {
    row: "not a journal, and short",
    active: text("hello"),
    want: "UNSUPPORTED_FORMAT",
  },
];

for (const { row, active, sealed: segments = {}, want } of ROWS) {
  Deno.test(`MiniStore.open() judges ${row}`, async () => {
    await using directory = new TestDirectory();
    const path = directory.at();
    for (const [base, bytes] of Object.entries(segments)) {
      const name = `journal.${base.padStart(20, "0")}.jsonl`;
      await Deno.writeFile(directory.at(name), bytes);
    }
    await Deno.writeFile(path, active);
    const read = await readOnly(path);
    const opened = await openAndRead(path);
    if (typeof want === "string") {
      assertEquals(opened, { code: want });
      assertEquals(await Deno.readFile(path), active, "the file was touched");
      assertEquals(read, { code: want });
      return;
    }
    if ("code" in opened) throw new Error(`refused: ${opened.code}`);
    assertEquals([opened.data.length, opened.outcome], [
      want.last,
      want.outcome,
    ]);
    assertEquals(read, opened.data, "a reader sees something else");
    await using store = await MiniStore.open<unknown>(path);
    assertEquals(store.recovery.outcome, "clean");
    assertEquals(await store.append("after"), want.last + 1);
    const data = await Array.fromAsync(store.replay(), (record) => record.data);
    assertEquals(data, [...opened.data, "after"]);
  });
}
