import { assertEquals } from "@std/assert";
import { copy } from "@std/fs";
import { fromFileUrl } from "@std/path";
import { MemoryFileSystem } from "@mini/state/testing";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { JournalBytes, openAndRead, readOnly } from "../support/journal.ts";

const RECORDS: unknown[] = [
  { type: "set", key: "a", value: 1 },
  { type: "inc", key: "a", by: 5 },
  "naïve – событие 🦀",
  null,
  [1, 2.5, -3e-7, true],
  { "": { "\n": "\u2028" } },
  "x".repeat(600),
  { __proto__x: 1 },
  "last",
];

const GOLDEN: [
  folder: string,
  want: { data: unknown[]; outcome: string } | { code: string },
][] = [
  ["whole", { data: RECORDS, outcome: "clean" }],
  ["torn", { data: RECORDS.slice(0, 8), outcome: "torn" }],
  ["flipped", { code: "CORRUPT" }],
  ["sealed-cut", { code: "CORRUPT" }],
  ["newer", { code: "UNSUPPORTED_FORMAT" }],
];
for (const [folder, want] of GOLDEN) {
  Deno.test(`the journal of version 1 in fixtures/v1/${folder} keeps its verdict`, async () => {
    await using directory = new TestDirectory();
    const fixture = new URL(`../fixtures/v1/${folder}`, import.meta.url);
    await copy(fromFileUrl(fixture), directory.at("golden"));
    const path = directory.at("golden/journal.jsonl");
    assertEquals(await readOnly(path), "data" in want ? want.data : want);
    assertEquals(await openAndRead(path), want);
  });
}

Deno.test("lines of every length have the checksums of docs/FORMAT.md", async () => {
  const lengths = Array.from(
    { length: 520 },
    (_, index) => index < 260 ? index : 7_800 + index,
  );
  const records = lengths.map((length) =>
    length % 3 === 0 ? "é".repeat(length / 3) : "x".repeat(length)
  );
  const fs = new MemoryFileSystem();
  const path = "/journal.jsonl";
  await using store = await MiniStore.open<string>(path, { fs });
  for (const record of records) await store.append(record);
  const expected = new JournalBytes({ journal: store.id });
  records.forEach((data, index) => expected.add({ seq: index + 1, data }));
  const file = await fs.open(path, "read");
  const bytes = new Uint8Array(expected.bytes.length + 1);
  assertEquals(await file.read(bytes), expected.bytes.length);
  assertEquals(new TextDecoder().decode(bytes).slice(0, -1), expected.text);
});

Deno.test("a line names neither the records that are durable nor those that are applied, where they are all before it", async () => {
  const fs = new MemoryFileSystem();
  await using state = await StateManager.open<number, number>("/data", {
    fs,
    initial: () => 0,
    apply: (sum, by) => sum + by,
  });
  for (const by of [1, 2]) await state.apply(by);
  const text = new TextDecoder().decode(fs.content("/data/journal.jsonl"));
  assertEquals(text.match(/"(durable|applied)"/g), null);
});
