import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { ROOT } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import {
  contentsOf,
  copyFolder,
  fixture,
  mini,
  miniMany,
} from "../support/mini.ts";

/** The commands of the contract. */
const COMMANDS = [
  "verify",
  "stat",
  "dump",
  "tail",
  "state",
  "snapshots",
  "inspect",
  "repair",
  "salvage",
  "convert",
  "adopt",
  "backup",
  "consumer list",
  "consumer remove",
  "queue stats",
  "queue peek",
  "queue get",
  "queue finished",
  "queue dead",
  "queue redrive",
  "queue purge",
  "queue cancel",
];

Deno.test("mini --help lists every command, and asks for no permission", async () => {
  const { code, stdout, stderr } = await mini(["--help"], []);
  assertEquals([code, stderr], [0, ""]);
  for (const name of COMMANDS) assertStringIncludes(stdout, `\n  ${name} `);
});

Deno.test("mini COMMAND --help says how it is called, for every command", async () => {
  const calls = COMMANDS.map((name) => [...name.split(" "), "--help"]);
  const helps = await miniMany(calls);
  for (const [at, { code, stdout, stderr }] of helps.entries()) {
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `Usage: mini ${COMMANDS[at]} `);
    assertStringIncludes(stdout, "--json");
    assertStringIncludes(stdout, `  mini ${COMMANDS[at]} `);
  }
});

Deno.test("mini help COMMAND prints that command's help, and mini --version the version", async () => {
  const [help, ofOne, ofTwo, family, all, version, json] = await miniMany([
    ["verify", "--help"],
    ["help", "verify"],
    ["help", "queue", "dead"],
    ["help", "queue"],
    ["queue", "--help"],
    ["--version"],
    ["--version", "--json"],
  ]);
  assertEquals(ofOne, help);
  assertStringIncludes(ofTwo!.stdout, "Usage: mini queue dead ");
  assertEquals([family, family!.code], [all, 0]);
  const config = await Deno.readTextFile(join(ROOT, "deno.json"));
  const { version: expected } = JSON.parse(config);
  assertEquals([version!.code, version!.stdout], [0, `${expected}\n`]);
  assertEquals(JSON.parse(json!.stdout), { version: expected });
});

const MISUSES: [args: string[], complaint: string][] = [
  [[], "mini needs a command"],
  [["lick"], 'mini has no command "lick"'],
  [["queue"], "needs one of stats, peek, get, finished, dead"],
  [["queue", "lick"], "mini queue needs one of"],
  [["verify"], "mini verify needs PATH"],
  [["verify", "a", "b"], 'mini verify: unexpected argument "b"'],
  [["dump", "x", "--lick"], "unknown option '--lick'"],
  [["dump", "x", "--from", "0"], "--from must be a whole number of at least 1"],
  [["dump", "x", "--from", "-1"], 'a whole number of at least 1, not "-1"'],
  [["tail", "x", "-n", "-5"], 'a whole number of at least 0, not "-5"'],
  [["dump", "x", "--from", "--to", "2"], "--from needs a value; see mini dump"],
  [["dump", "x", "--to"], "--to needs a value; see mini dump"],
  [["inspect", "x", "--port", "99999"], "a whole number from 0 to 65535"],
  [["help", "lick"], 'mini has no command "lick"'],
  [["dump", "x", "--from", "2", "--to", "ten"], "--to must be a whole number"],
  [["verify", "/nowhere/at/all"], 'there is no journal "/nowhere/at/all"'],
  [["verify", join(ROOT, "docs")], "there is no journal (*.jsonl) in "],
  [["state", fixture("v1/whole"), "--at", "99"], "the last record is 9"],
  [["queue", "dead", fixture("v1/whole")], "holds no queue"],
  [["queue", "get", "x", "nine"], '"nine" is not the number of a message'],
  [["convert", fixture("v1/whole"), "x"], "is already a native journal"],
  [["repair", fixture("mini-rs/counter.log")], "of the Rust crate"],
  [["snapshots", "/nowhere/at/all"], "there is no directory"],
];

Deno.test("mini complains of misuse with exit code 2, and prints nothing", async () => {
  const printed = await miniMany(MISUSES.map(([args]) => args));
  for (const [at, { code, stdout, stderr }] of printed.entries()) {
    const [args, complaint] = MISUSES[at]!;
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertStringIncludes(stderr, complaint);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
});

Deno.test("mini --json tells of misuse and of failures in JSON, on the same channel", async () => {
  const misuse = await mini(["lick", "--json"]);
  assertEquals([misuse.code, misuse.stderr], [2, ""]);
  assertEquals(JSON.parse(misuse.stdout).error.code, "MISUSE");
  const corrupt = await mini(["dump", "--json", fixture("v1/flipped")]);
  assertEquals([corrupt.code, corrupt.stderr], [1, ""]);
  const last = corrupt.stdout.trimEnd().split("\n").at(-1)!;
  const { code, seq, line, offset, next } = JSON.parse(last).error;
  assertEquals([code, seq, line, offset], ["CORRUPT", 5, 2, 100]);
  assertStringIncludes(next, "mini salvage");
});

/** Commands that only read, for a folder with a journal. */
const READERS = [
  "verify",
  "stat",
  "dump",
  "tail",
  "state",
  "snapshots",
  "queue stats",
  "queue peek",
  "queue finished",
  "queue dead",
  "repair --dry-run",
];

Deno.test("mini: commands that read need no more than to read the directory, and change nothing", async () => {
  await using directory = new TestDirectory();
  const folders = ["v1/flipped", "mini-rs/state"];
  for (const [at, folder] of folders.entries()) {
    const dir = await copyFolder(fixture(folder), directory.at(`${at}`));
    const before = await contentsOf(dir);
    const printed = await Promise.all(
      READERS.map((name) => mini([...name.split(" "), dir], [`-R=${dir}`])),
    );
    for (const { stderr } of printed) {
      assert(!/--allow-|Requires/.test(stderr), stderr);
    }
    assertEquals(await contentsOf(dir), before);
  }
});

Deno.test("mini says which permission it lacks", async () => {
  const dir = fixture("v1/whole");
  const unread = await mini(["verify", dir], []);
  assertEquals(unread.code, 1);
  assertStringIncludes(unread.stderr, `--allow-read=${dir}`);
  await using directory = new TestDirectory();
  const copy = await copyFolder(fixture("v1/flipped"), directory.at("copy"));
  const unwritten = await mini(["repair", copy], [`-R=${copy}`]);
  assertEquals(unwritten.code, 1);
  assertStringIncludes(unwritten.stderr, `--allow-write=${copy}`);
  assertEquals(await contentsOf(copy), await contentsOf(fixture("v1/flipped")));
});

Deno.test("mini: commands that write say LOCKED beside a writer, and change nothing", async () => {
  await using directory = new TestDirectory();
  const dir = await copyFolder(fixture("v1/whole"), directory.at("copy"));
  await using _ = await MiniStore.open(join(dir, "journal.jsonl"));
  const before = await contentsOf(dir);
  const { code, stderr } = await mini(["repair", dir], ["-R", "-W"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, `process ${Deno.pid}, started `);
  assertStringIncludes(stderr, " has it open for writing; nothing was changed");
  assertStringIncludes(stderr, "next: stop that program first");
  assertEquals(await contentsOf(dir), before);
});

Deno.test("mini ends quietly when nobody reads on", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<string>(directory.at(), {
      durable: false,
    });
    const records = Array.from({ length: 20_000 }, () => "x".repeat(100));
    await Promise.all(records.map((record) => store.append(record)));
  }
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-R", join(ROOT, "cli/mod.ts"), "dump", directory.at()],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  assertEquals([(await child.status).code, await stderr], [0, ""]);
});

Deno.test("mini: every command in README.md and docs/OPERATIONS.md that is shown is one that there is", async () => {
  const shown = new Set<string>();
  for (const file of ["README.md", "docs/OPERATIONS.md"]) {
    const text = await Deno.readTextFile(join(ROOT, file));
    for (const [, line] of text.matchAll(/^mini (.+)$/gm)) shown.add(line!);
  }
  assert(shown.size >= COMMANDS.length, `${shown.size} examples`);
  // With --help nothing is done; a wrong name or option is still misuse.
  const lines = [...shown].map((line) =>
    line.split(" #")[0]!.trim().split(" ")
  );
  const printed = await miniMany(lines.map((args) => [...args, "--help"]));
  for (const [at, { code, stderr }] of printed.entries()) {
    assertEquals(code, 0, `mini ${lines[at]!.join(" ")}: ${stderr}`);
  }
});
