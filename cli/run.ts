import { systemFileSystem } from "../fs/system.ts";
import { osCode } from "../fs/os_errors.ts";
import { Misuse, parseArguments } from "./args.ts";
import type { Command, Outcome } from "./command.ts";
import { COMMANDS } from "./commands/all.ts";
import {
  asCommands,
  type Complaint,
  counted,
  explain,
  nextAfter,
} from "../admin/internal.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { Progress } from "./progress.ts";
import { VERSION } from "./version.ts";
import { LineWriter, painter, type Terminal } from "./terminal.ts";
import { printable } from "../base/text.ts";

/** Runs one command; resolves to the exit code. */
export async function run(
  args: readonly string[],
  process: Terminal,
): Promise<number> {
  const isJson = args.includes("--json");
  const progress = new Progress(process);
  const terminal: Terminal = {
    ...process,
    write: (text) => {
      // The two may share a line.
      if (process.isInteractive) progress.clear();
      return process.write(printable(text));
    },
    complain: (text) => process.complain(printable(text)),
  };
  try {
    if (args[0] === "--version") {
      const text = isJson ? JSON.stringify({ version: VERSION }) : VERSION;
      await terminal.write(`${text}\n`);
      return 0;
    }
    const { command, rest } = choose(args);
    if (command === undefined) {
      await terminal.write(`${generalHelp(COMMANDS).join("\n")}\n`);
      return 0;
    }
    const parsed = parseArguments(rest, command);
    if (parsed.has("help")) {
      await terminal.write(`${commandHelp(command).join("\n")}\n`);
      return 0;
    }
    const writer = new LineWriter(terminal);
    const outcome = await command.run({
      args: parsed,
      terminal,
      paint: painter(terminal),
      progress,
      writer,
      fs: counted(systemFileSystem, progress),
      isJson,
    }).finally(async () => {
      progress.clear();
      await writer.flush();
    });
    await print(outcome, isJson, terminal);
    return outcome.exitCode;
  } catch (error) {
    // The reader of the output is gone.
    if (osCode(error) === "EPIPE") return 0;
    progress.clear();
    return await complain(explain(error), isJson, terminal);
  }
}

/** The command that is asked for, `undefined` where help is, and what stands behind its name. */
function choose(
  args: readonly string[],
): { command: Command | undefined; rest: readonly string[] } {
  const [first, second] = args;
  if (first === undefined) throw new Misuse(unknown("mini needs a command"));
  if (first === "help" && second !== undefined) {
    return choose([...args.slice(1), "--help"]);
  }
  if (first === "help" || first === "--help" || first === "-h") {
    return { command: undefined, rest: [] };
  }
  for (const [name, used] of [[`${first} ${second}`, 2], [first, 1]] as const) {
    const command = COMMANDS.find((command) => command.name === name);
    if (command !== undefined) return { command, rest: args.slice(used) };
  }
  const family = COMMANDS.filter(({ name }) => name.startsWith(`${first} `))
    .map(({ name }) => name.slice(first.length + 1));
  if (family.length === 0) {
    throw new Misuse(unknown(`mini has no command "${first}"`));
  }
  if (second === "--help" || second === "-h") {
    return { command: undefined, rest: [] };
  }
  throw new Misuse(unknown(`mini ${first} needs one of ${family.join(", ")}`));
}

function unknown(why: string): string {
  return `${why}; see mini --help`;
}

async function print(
  { report, lines }: Outcome,
  isJson: boolean,
  terminal: Terminal,
): Promise<void> {
  if (isJson && report !== undefined) {
    await terminal.write(`${JSON.stringify(report)}\n`);
  }
  if (!isJson && lines !== undefined && lines.length > 0) {
    await terminal.write(`${lines.join("\n")}\n`);
  }
}

async function complain(
  complaint: Complaint,
  isJson: boolean,
  terminal: Terminal,
): Promise<number> {
  const { message: told, ...place } = complaint;
  const message = asCommands(told);
  const next = nextAfter(complaint.code);
  if (isJson) {
    const error = { ...place, message, ...(next !== undefined && { next }) };
    await terminal.write(`${JSON.stringify({ error })}\n`).catch(() => {});
  } else {
    terminal.complain(`mini: ${message}\n`);
    if (next !== undefined) terminal.complain(`next: ${next}\n`);
  }
  return complaint.code === "MISUSE" ? 2 : 1;
}
