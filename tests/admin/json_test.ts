import {
  adopt,
  backup,
  convert,
  repair,
  restore,
  salvage,
  stat,
  verify,
} from "@mini/state/admin";
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { copyFolder, miniJson } from "../support/mini.ts";

/** A function whose report a command prints, and what both are given. */
type Case = readonly [
  command: string,
  call: (from: string, to: string) => Promise<object>,
  from: string,
  to?: string,
  flag?: string,
];

const REPAIRS = (path: string) => repair(path);
const CASES: readonly Case[] = [
  ["stat", (path) => stat(path), "state"],
  ["stat", (path) => stat(path), "damaged"],
  ["verify", (path) => verify(path), "state"],
  ["verify", (path) => verify(path), "damaged"],
  ["repair", REPAIRS, "state"],
  ["repair", REPAIRS, "damaged"],
  [
    "repair",
    (path) => repair(path, { dryRun: true }),
    "damaged",
    "",
    "--dry-run",
  ],
  ["salvage", salvage, "damaged", "made"],
  ["backup", backup, "state", "made"],
  ["restore", restore, "state", "made"],
  ["convert", convert, "rust.log", "made.jsonl"],
  ["adopt", adopt, "values.log", "made.jsonl"],
  [
    "adopt",
    (file, to) => adopt(file, to, { dryRun: true }),
    "values.log",
    "made.jsonl",
    "--dry-run",
  ],
];

/** Makes a state, one that is damaged, and files that are no journals yet. */
async function fill(place: string): Promise<void> {
  for (const name of ["state", "damaged"]) {
    await using counter = await openCounter(join(place, name), {
      maxSegmentBytes: 200,
    });
    for (let at = 1; at <= 12; at++) {
      await counter.apply({ by: 1 });
      if (at === 6) await counter.createSnapshot();
    }
  }
  const path = join(place, "damaged/journal.jsonl");
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace('"by":1', '"by":7'));
  const values = '{"set":1}\n{"set":2}\n{"se';
  await Deno.writeTextFile(join(place, "values.log"), values);
  const rust = `// MINISTORE JOURNAL v0.1.4\n${values}`;
  await Deno.writeTextFile(join(place, "rust.log"), rust);
}

for (const [command, call, from, to = "", flag] of CASES) {
  const what = ["mini", command, from, ...(flag ? [flag] : [])].join(" ");
  Deno.test(`${what} --json prints what ${command}() reports, which is plain JSON`, async () => {
    await using directory = new TestDirectory();
    const [mine, theirs] = [directory.at("first"), directory.at("other")];
    await fill(mine);
    for (const name of ["", "state", "damaged"]) {
      await copyFolder(join(mine, name), join(theirs, name));
    }
    const report = await call(join(mine, from), join(mine, to));
    assertEquals(JSON.parse(JSON.stringify(report)), report);
    const operands = [from, ...(to === "" ? [] : [to])];
    const { json } = await miniJson([
      command,
      ...operands.map((name) => join(theirs, name)),
      ...(flag === undefined ? [] : [flag]),
    ]);
    const printed = JSON.stringify(json).replaceAll(theirs, mine);
    assertEquals(JSON.parse(printed), report);
  });
}
