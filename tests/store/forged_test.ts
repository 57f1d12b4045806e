// Lines that no writer of ours writes, with checksums that are right all the same.
import { crc32 } from "node:zlib";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { StateManager } from "@mini/state/state";
import { PATH, withOlderActive } from "../support/damaged.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, hex, JournalBytes, openAndRead } from "../support/journal.ts";

const STRAY: [what: string, journal: JournalBytes][] = [
  ["a mark that is of another record", two().add({ close: 5 })],
  ["a mark that is of no record", two().add({ close: "2" })],
  ["a line that is neither record nor mark", two().add({ note: "hello" })],
  ["a batch of nothing", two().add({ seq: 3, batch: [] })],
  ["a batch that is no list", two().add({ seq: 3, batch: 1 })],
];

function two(): JournalBytes {
  return new JournalBytes().records(1, 2);
}

/** A journal the last record of which is this text in quotes, in one byte a character. */
function withText(text: string): Uint8Array<ArrayBuffer> {
  const journal = two();
  const latin = (part: string) =>
    Uint8Array.from(part, (character) => character.charCodeAt(0));
  const body = latin(`"seq":3,"data":"${text}"}`);
  const crc = hex(crc32(body, parseInt(journal.chain, 16)));
  const line = [...latin(`{"crc":"${crc}",`), ...body, 0x0a];
  return new Uint8Array([...journal.bytes, ...line]);
}

for (const [what, journal] of STRAY) {
  Deno.test(`MiniStore refuses ${what}, and gives what stands before it`, async () => {
    await using directory = new TestDirectory();
    const path = directory.at();
    await Deno.writeFile(path, journal.bytes);
    const error = await errorOf(MiniStore.open(path));
    assertEquals([error.code, error.line, error.seq], ["CORRUPT", 4, 3]);
    assertMatch(
      error.message,
      /nothing was changed; mini verify .* mini salvage /,
    );
    assertEquals(await Deno.readFile(path), journal.bytes);
    const seen: number[] = [];
    const read = (async () => {
      for await (const { seq } of MiniStore.replay(path)) seen.push(seq);
    })();
    assertEquals((await errorOf(read)).code, "CORRUPT");
    assertEquals(seen, [1, 2]);
  });
}

Deno.test("MiniStore reads a record behind which its line has fields that are not known", async () => {
  await using directory = new TestDirectory();
  const { bytes } = two().add({ seq: 3, data: "c", more: { data: 1 } });
  await Deno.writeFile(directory.at(), bytes);
  const found = await openAndRead(directory.at());
  assertEquals("data" in found && found.data.at(-1), "c");
});

Deno.test("MiniStore.replay() refuses a record that is no JSON, though its checksum is right", async () => {
  await using directory = new TestDirectory();
  const { bytes } = two().addText('{"seq":3,"data":{]}');
  await Deno.writeFile(directory.at(), bytes);
  const all = Array.fromAsync(MiniStore.replay(directory.at()));
  assertEquals((await errorOf(all)).code, "CORRUPT");
});

Deno.test("MiniStore reads a record whose line has white space at its end", async () => {
  await using directory = new TestDirectory();
  const { bytes } = two().addText('{"seq":3,"data":"c"} ').records(4, 4);
  await Deno.writeFile(directory.at(), bytes);
  const found = await openAndRead(directory.at());
  assertEquals("data" in found && found.data.slice(2), ["c", "record 4"]);
});

Deno.test("MiniStore refuses a line that a newline in its checksum divides, though a later line vouches for its bytes", async () => {
  await using directory = new TestDirectory();
  const journal = two();
  const divided = '{"crc":"0000\n000","seq":3,"data":"c"}\n';
  const chain = crc32(divided, parseInt(journal.chain, 16));
  const body = '"seq":4,"data":"d"}';
  const last = `{"crc":"${hex(crc32(body, chain))}",${body}\n`;
  await Deno.writeTextFile(directory.at(), journal.text + divided + last);
  const { code, line } = await errorOf(MiniStore.open(directory.at()));
  assertEquals([code, line], ["CORRUPT", 4]);
  const read = Array.fromAsync(MiniStore.replay(directory.at()));
  assertEquals((await errorOf(read)).code, "CORRUPT");
});

Deno.test("MiniStore.open() cuts off a last line that ends with its checksum, though nothing is what that is of", async () => {
  await using directory = new TestDirectory();
  const { text, chain } = two();
  await Deno.writeTextFile(directory.at(), `${text}{"crc":"${chain}",`);
  const data = ["record 1", "record 2"];
  assertEquals(await openAndRead(directory.at()), { data, outcome: "torn" });
});

Deno.test("MiniStore reads lines of another make, nested as deeply as any that is written", async () => {
  await using directory = new TestDirectory();
  const deep = JSON.parse("[".repeat(1_000) + "]".repeat(1_000));
  const journal = new JournalBytes().add({ data: deep, seq: 1 })
    .add({ batch: [deep], seq: 2 });
  await Deno.writeTextFile(directory.at(), journal.text);
  const opened = await openAndRead(directory.at());
  assertEquals(opened, { data: [deep, deep], outcome: "unclean" });
});

Deno.test("MiniStore.replay() gives the records of a long batch that stand before a damage", async () => {
  await using directory = new TestDirectory();
  const long = JSON.stringify("x".repeat(70_000));
  const journal = new JournalBytes({ base: 9 })
    .addText(`{"seq":10,"durable":0,"batch":[${long},${long},nothing]}`);
  await Deno.writeTextFile(directory.at(), journal.text);
  const given: number[] = [];
  const error = await errorOf((async () => {
    const records = MiniStore.replay(directory.at());
    for await (const { seq } of records) given.push(seq);
  })());
  assertEquals([error.code, ...given], ["CORRUPT", 10, 11]);
});

Deno.test("MiniStore takes no file for a journal whose first line is half a header", async () => {
  await using directory = new TestDirectory();
  const { bytes } = new JournalBytes({ journal: 1 }).records(1, 2);
  await Deno.writeFile(directory.at(), bytes);
  const code = "UNSUPPORTED_FORMAT";
  assertEquals(await openAndRead(directory.at()), { code });
  assertEquals(await Deno.readFile(directory.at()), bytes);
});

Deno.test("MiniStore reads nothing behind a line that is none, however the file ends", async () => {
  await using directory = new TestDirectory();
  for (const length of [10, 10_000]) {
    const { text } = two().add({ note: "x".repeat(length) });
    await Deno.writeTextFile(directory.at(), `${text}{"crc":"`);
    const read = Array.fromAsync(MiniStore.replay(directory.at()));
    const error = await errorOf(read);
    assertEquals([error.code, error.line], ["CORRUPT", 4]);
  }
});

Deno.test("MiniStore believes no line that is not well-formed that a record had been durable", async () => {
  await using directory = new TestDirectory();
  const { text } = two();
  const malformed = [
    '"seq":"9","data":1',
    '"seq":9,"durable":"9","data":1',
    '"seq":9,"data":',
    '"seq":9',
    '"close":9.5',
  ];
  for (const fields of malformed) {
    const damaged = text.replace("record 2", "rexord 2");
    const stray = `{"crc":"00000000",${fields}}\n`;
    await Deno.writeTextFile(directory.at(), damaged + stray);
    const error = await errorOf(MiniStore.open(directory.at()));
    assertEquals([error.code, error.line], ["CORRUPT", 3]);
    assert(error.message.includes("fails its checksum"), error.message);
  }
});

Deno.test("MiniStore.replay() and StateManager.open() say CORRUPT of what is not UTF-8", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  await Deno.writeFile(path, withText("fine"));
  const fine = await openAndRead(path);
  assert("data" in fine, "the test writes no journal");
  await Deno.writeFile(path, withText("\xff"));
  for (const from of [1, 3]) {
    const read = Array.fromAsync(MiniStore.replay(path, { from }));
    const error = await errorOf(read);
    assertEquals(error.code, "CORRUPT");
    assert(error.message.includes("not UTF-8"), error.message);
  }
  const { code, line, seq } = await errorOf(MiniStore.open(path));
  assertEquals([code, line, seq], ["CORRUPT", 4, 3]);
  const opened = StateManager.open(directory.path, {
    initial: () => 0,
    apply: (state, _mutation: unknown) => state,
  });
  const error = await errorOf(opened);
  assertEquals(error.code, "CORRUPT");
  assert(error.message.includes("not UTF-8"), error.message);
});

Deno.test("MiniStore.replay() refuses a record that is nested deeper than any that is written", async () => {
  await using directory = new TestDirectory();
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  for (const levels of [1_000, 1_001]) {
    const journal = two().addText(`{"seq":3,"data":${nested(levels)}}`);
    await Deno.writeFile(directory.at(), journal.bytes);
    const opened = await openAndRead(directory.at());
    assertEquals(
      "code" in opened ? opened.code : "read",
      {
        1_000: "read",
        1_001: "CORRUPT",
      }[levels],
    );
  }
});

Deno.test("MiniStore.replay() refuses a log in which an older copy of the active segment was put back", async () => {
  const fs = await withOlderActive();
  const read: number[] = [];
  const error = await errorOf((async () => {
    for await (const { seq } of MiniStore.replay(PATH, { fs })) read.push(seq);
  })());
  assertEquals([error.code, error.path], ["CORRUPT", PATH]);
  assertStringIncludes(error.message, "an older copy");
  assertEquals(read, [1, 2, 3, 4, 5, 6]);
});
