// Files that are made to take long, or much memory.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { JournalBytes } from "../support/journal.ts";

const MINI = `
import process from "node:process";
import { main } from "@mini/state/cli";
await main(Deno.args);
process.stdout.write("exit code " + process.exitCode);
process.exitCode = 0;`;

/** Runs `mini` in little memory; what takes time by the square of these sizes never ends. */
async function smallMini(...args: string[]): Promise<string> {
  const flags = ["-R", "-W", "--v8-flags=--max-old-space-size=64"];
  const { stdout, stderr } = await runScript(MINI, args, flags);
  return stdout + stderr;
}

const RUST = "// MINISTORE JOURNAL v1.0.0\n1\n2\n";

const FILES: [
  what: string,
  text: () => string,
  found: Record<string, string>,
][] = [
  [
    "20 MB of newlines behind two records",
    () => new JournalBytes().records(1, 2).text + "\n".repeat(20_000_000),
    {
      verify: "fails its checksum",
      salvage: "2 records in ",
      repair: "the journal ends with record 2",
    },
  ],
  [
    "a million lines of an x behind two records",
    () => new JournalBytes().records(1, 2).text + "x\n".repeat(1_000_000),
    {
      verify: "fails its checksum",
      salvage: "and 999,900 lines more",
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
    "5 MB of NULs and an x behind two records of the Rust program",
    () => RUST + "\0".repeat(5_000_000) + "x",
    {
      verify: "torn: 5,000,001 bytes",
      salvage: "2 records in ",
      convert: "2 records",
      backup: "2",
    },
  ],
  [
    "5 MB of newlines behind two records of the Rust program",
    () => RUST + "\n".repeat(5_000_000),
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
    for (const [command, expected] of Object.entries(found)) {
      const to = directory.at(`${command}/journal.jsonl`);
      const operands = command === "verify" || command === "repair"
        ? [path]
        : [path, command === "backup" ? directory.at(command) : to];
      assertStringIncludes(await smallMini(command, ...operands), expected);
      if (command !== "repair") {
        assertEquals((await Deno.stat(path)).size, size);
      }
    }
  });
}
