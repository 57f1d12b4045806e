// Files that are made to take long, or much memory.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { JournalBytes } from "../support/journal.ts";
import { miniMany } from "../support/mini.ts";
import { size as sized } from "../support/size.ts";

/** In little memory; what takes time by the square of these sizes never ends. */
const FLAGS = ["-R", "-W", "--v8-flags=--max-old-space-size=64"];

const NEWLINES = sized(3_000_000, 8_000_000);
const LINES = sized(400_000, 1_000_000);
const NULS = sized(2_000_000, 5_000_000);

const RUST = "// MINISTORE JOURNAL v1.0.0\n1\n2\n";

function grouped(count: number): string {
  return count.toLocaleString("en");
}

const FILES: [
  what: string,
  text: () => string,
  found: Record<string, string>,
][] = [
  [
    "MBs of newlines behind two records",
    () => new JournalBytes().records(1, 2).text + "\n".repeat(NEWLINES),
    {
      verify: "fails its checksum",
      salvage: "2 records in ",
      repair: "the journal ends with record 2",
    },
  ],
  [
    "very many lines of an x behind two records",
    () => new JournalBytes().records(1, 2).text + "x\n".repeat(LINES),
    {
      verify: "fails its checksum",
      salvage: `and ${grouped(LINES - 100)} lines more`,
    },
  ],
  [
    "a record of a million levels between two",
    () =>
      new JournalBytes().records(1, 1)
        .addText(`{"seq":2,"data":${"[".repeat(1e6)}${"]".repeat(1e6)}}`)
        .add({ seq: 3, data: 3 }).text,
    {
      verify: "is neither a close mark nor a record in the form",
      salvage: "2 records in ",
    },
  ],
  [
    "MBs of NULs and an x behind two records of the Rust program",
    () => RUST + "\0".repeat(NULS) + "x",
    {
      verify: `torn: ${grouped(NULS + 1)} bytes`,
      salvage: "2 records in ",
      convert: "2 records",
      backup: "2",
    },
  ],
  [
    "MBs of newlines behind two records of the Rust program",
    () => RUST + "\n".repeat(NEWLINES),
    {
      verify: "the line is not JSON",
      salvage: "lines are blank",
      convert: "the line is not JSON",
    },
  ],
  [
    "a header of the Rust program with a version of a million digits",
    () => `// MINISTORE JOURNAL v1.0.${"1".repeat(1_000_000)} \n1\n`,
    {
      verify: "is not a ministore header",
      convert: "is not a ministore header",
    },
  ],
  [
    "a record of the Rust program of a million levels",
    () => `${RUST}${"[".repeat(1e6)}${"]".repeat(1e6)}\n`,
    {
      verify: "nested too deep",
      salvage: "nested too deep",
    },
  ],
];

for (const [what, text, found] of FILES) {
  Deno.test(`mini takes little time and memory for ${what}`, async () => {
    await using directory = new TestDirectory();
    const path = directory.at("from/journal.jsonl");
    await Deno.mkdir(directory.at("from"));
    await Deno.writeTextFile(path, text());
    const { size } = await Deno.stat(path);
    const calls = Object.keys(found).map((command) => {
      const to = directory.at(`${command}/journal.jsonl`);
      return command === "verify" || command === "repair"
        ? [command, path]
        : [command, path, command === "backup" ? directory.at(command) : to];
    });
    const printed = await miniMany(calls, FLAGS);
    for (const [at, expected] of Object.values(found).entries()) {
      const { stdout, stderr } = printed[at]!;
      assertStringIncludes(stdout + stderr, expected);
    }
    if (!("repair" in found)) assertEquals((await Deno.stat(path)).size, size);
  });
}
