// deno-lint-ignore mini/imports -- of what kind the output is; no file is touched
import { fstatSync } from "node:fs";
import process from "node:process";
import { run } from "./run.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Runs the `mini` command in this process: prints, complains, and sets the
 * exit code.
 *
 * @param args What stands behind `mini`. @default {those of the process}
 *
 * @example As a program of one's own
 * ```ts
 * import { main } from "@mini/state/cli";
 *
 * await main(["--help"]);
 * ```
 */
export async function main(
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  process.exitCode = await run(args, processTerminal());
}

/** The terminal, or the pipes, of this process. */
function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) {
    if (!stream.listeners("error").includes(ignore)) stream.on("error", ignore);
  }
  const isInteractive = stdout.isTTY === true;
  return {
    isInteractive,
    isPipe: isPipe(stdout.fd),
    showsProgress: stderr.isTTY === true,
    hasColour: isInteractive && !noColour(),
    columns: stdout.columns || 80,
    write: (text) =>
      new Promise((resolve, reject) => {
        stdout.write(text, (error) => error ? reject(error) : resolve());
      }),
    complain: (text) => void stderr.write(text),
    now: () => performance.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

/** The write that has failed tells of it already. */
function ignore(): void {}

/** Whether `NO_COLOR` is set. Deno knows without the permission to read the environment, and without asking for it. */
function noColour(): boolean {
  const deno = (globalThis as { Deno?: { noColor: boolean } }).Deno;
  return deno?.noColor ?? Boolean(process.env.NO_COLOR);
}
