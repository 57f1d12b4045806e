import { assert, assertEquals, assertMatch } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { mini, miniCommand } from "../support/mini.ts";
import { skipped } from "../support/system.ts";
import { size } from "../support/size.ts";

const RECORDS = size(40_000, 2_000_000);

/** Enough for progress to be shown. */
const FEW_RECORDS = 5_000;

/** Several times what a runtime takes by itself. */
const MAX_PEAK_MIB = 290;

/** Less than the records take. */
const HEAP = "--v8-flags=--max-old-space-size=32";

/** Runs a command and tells the most memory that the process ever had. */
const PEAK = `
import process from "node:process";
import { main } from "@mini/state/cli";
const { log } = console;
process.stdout.write = (_, done) => (done?.(), true);
await main(JSON.parse(Deno.args[0]));
if (process.exitCode) throw new Error(Deno.args[0]);
// Linux counts what the parent had into maxRSS.
const status = await Deno.readTextFile("/proc/self/status").catch(() => "");
const peak = /VmHWM:\\s*(\\d+) kB/.exec(status)?.[1];
console.error(peak ?? process.resourceUsage().maxRSS);`;

async function makeLog(path: string, records: number): Promise<number> {
  await using store = await MiniStore.open(path, { durable: false });
  const text = "x".repeat(900);
  for (let first = 1; first <= records; first += 500) {
    const turn = Array.from(
      { length: 500 },
      (_, at) => store.append({ value: first + at, text }),
    );
    await Promise.all(turn);
  }
  return records * 900 / 1024 / 1024;
}

/** Runs a command, by a program of its own where one is given, in a pseudo-terminal and gives what it prints; its own output goes to `stdout` where that is given. */
async function inTerminal(
  args: readonly string[],
  { env = {}, stdout = "", columns, program }: {
    env?: Record<string, string>;
    stdout?: string;
    columns?: number;
    program?: string;
  } = {},
): Promise<string> {
  const quoted = [Deno.execPath(), ...miniCommand(args, ["-R"], program)]
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const narrowed = columns === undefined ? "" : `stty cols ${columns}; `;
  const command = `${narrowed}${quoted}${
    stdout === "" ? "" : ` > '${stdout}'`
  }`;
  const output = await new Deno.Command("script", {
    args: ["-qec", command, "/dev/null"],
    env,
    clearEnv: false,
    stdin: "null",
  }).output();
  return new TextDecoder().decode(output.stdout);
}

/** Why there is no pseudo-terminal to be had; `undefined` where there is. */
async function whyNoTerminal(): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command("script", {
      args: ["--version"],
    }).output();
    return new TextDecoder().decode(stdout).includes("util-linux")
      ? undefined
      : "its script is not that of util-linux";
  } catch {
    return "it has no script command";
  }
}

/** The command where time flies. */
const HASTY = `
import { main } from "@mini/state/cli";
let now = 0;
performance.now = () => now += 1_000;
await main(Deno.args);`;

/** A string cannot hold all of what is dumped. */
async function beginningOf(path: string): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(9_000);
  const length = await file.read(bytes) ?? 0;
  return new TextDecoder().decode(bytes.subarray(0, length));
}

const ESCAPE = "\u001b";
const CLEARED = `${ESCAPE}[K`;
const PROGRESS = new RegExp(
  `${ESCAPE}\\[K\\w+ +\\d+ % {2}[\\d.]+ \\wiB/s {2}\\d+:\\d\\d left`,
);
const COLOUR = new RegExp(`${ESCAPE}\\[(1|31|32|33)m`);

Deno.test("mini reads much in little memory", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("large/journal.jsonl");
  const mib = await makeLog(path, RECORDS);

  const calls = [
    ["verify", path],
    ["stat", path],
    ["dump", path],
    ["salvage", path, directory.at("rescued.jsonl")],
    ["backup", path, directory.at("copy")],
  ];
  const peaks: string[] = [];
  for (const args of calls) {
    const { stderr, success } = await runScript(
      PEAK,
      [JSON.stringify(args)],
      ["-A", HEAP],
    );
    assert(success, `${args[0]}: ${stderr}`);
    const peak = Number(stderr.trim().split("\n").at(-1)) / 1024;
    peaks.push(`${args[0]} ${peak.toFixed(0)}`);
    assert(peak < MAX_PEAK_MIB, `${args[0]}: ${peak} MiB`);
  }
  // deno-lint-ignore no-console -- it is what was measured
  console.log(
    `peak memory in MiB on ${mib.toFixed(0)} MiB of records: ${
      peaks.join(", ")
    }`,
  );
});

Deno.test("mini shows progress and colour on a terminal, and only there", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("log/journal.jsonl");
  await makeLog(path, FEW_RECORDS);
  const piped = await mini(["verify", path]);
  assertEquals([piped.code, piped.stderr], [0, ""]);
  assert(!piped.stdout.includes("\u001b"), piped.stdout);

  const why = await whyNoTerminal();
  if (why !== undefined) {
    // deno-lint-ignore no-console -- it is a report
    return console.log(`SKIPPED the terminal: ${why}`);
  }
  const env = { NO_COLOR: "" };
  // What is printed goes to a file, the progress to the terminal.
  const dumped = directory.at("dumped.txt");
  const program = directory.at("hasty.ts");
  await Deno.writeTextFile(program, HASTY);
  const progress = await inTerminal(["dump", path], {
    env,
    stdout: dumped,
    program,
  });
  assertMatch(progress, PROGRESS);
  assert(progress.endsWith("\r\u001b[K"), progress.slice(-200));
  assert(!(await beginningOf(dumped)).includes("\u001b"));

  const coloured = await inTerminal(["stat", path], { env });
  assertMatch(coloured, COLOUR);
  const plain = await inTerminal(["stat", path], { env: { NO_COLOR: "1" } });
  assert(!COLOUR.test(plain), plain);
  assert(plain.includes("█"), plain);
});

/** Dumps a log where time flies and both outputs are one terminal. */
const ONE_SCREEN = `
import process from "node:process";
import { main } from "@mini/state/cli";
const { stdout, stderr } = process;
for (const stream of [stdout, stderr]) {
  Object.defineProperty(stream, "isTTY", { value: true });
}
stderr.write = (text) => stdout.write(text);
let now = 0;
performance.now = () => now += 1_000;
await main(["dump", Deno.args[0]]);`;

Deno.test("mini takes its progress away before it prints records where it stood", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<string>(directory.at());
    const text = "x".repeat(1_000);
    await store.appendBatch(Array.from({ length: 200 }, () => text));
    await store.append(text);
  }
  const { stdout } = await runScript(ONE_SCREEN, [directory.at()]);
  const [first = ""] = stdout.split("\n");
  assert(first.includes("/s"), first);
  assert(first.includes("\r\u001b[K1\t"), first);
});

Deno.test("mini stat and mini queue dead keep to the width of a terminal", async () => {
  const why = await whyNoTerminal();
  if (why !== undefined) return skipped("a narrow terminal", why);
  await using directory = new TestDirectory();
  const dir = directory.at("jobs");
  {
    await using queue = await MiniQueue.open<string>(dir);
    for (let at = 0; at < 3; at++) await queue.enqueue("x".repeat(200));
    await (await queue.receive())?.deadLetter("y".repeat(200));
    await queue.compact();
    await queue.enqueue("z");
  }
  const env = { NO_COLOR: "1" };
  for (const args of [["stat", dir], ["queue", "dead", dir]]) {
    const text = await inTerminal(args, { env, columns: 40 });
    // Paths and sentences wrap, as they do in any terminal; tables do not.
    // On a busy machine a line begins with progress, which is taken away again.
    const lines = text.split(/\r?\n/)
      .map((line) => line.split(CLEARED).at(-1)!);
    const rows = lines.filter((line) =>
      / {2,}|[█▏▎▍▌▋▊▉]/.test(line) && !line.includes(dir)
    );
    assert(rows.length > 0, text);
    for (const row of rows) assert([...row].length <= 40, `${row}\n${text}`);
  }
});
