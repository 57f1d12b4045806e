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
  const write = (text: string) =>
    new Promise<void>((resolve, reject) => {
      stdout.write(text, (error) => error ? reject(error) : resolve());
    });
  return {
    isInteractive,
    isPipe: isPipe(stdout.fd),
    showsProgress: stderr.isTTY === true,
    hasColour: wantsColour(isInteractive),
    columns: stdout.columns || 80,
    write,
    clear: () => write("\u001b[H\u001b[2J"),
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

/** The part of Deno that tells about colours without asking for a permission. */
interface DenoOfColours {
  readonly noColor: boolean;
  readonly permissions: {
    querySync(of: { name: "env"; variable: string }): { state: string };
  };
}

/** Whether colours are wanted: on a terminal that `NO_COLOR` does not forbid, or where `FORCE_COLOR` says so. */
function wantsColour(isInteractive: boolean): boolean {
  const { Deno: deno } = globalThis as { Deno?: DenoOfColours };
  const of = { name: "env", variable: "FORCE_COLOR" } as const;
  const mayLook = !deno || deno.permissions.querySync(of).state === "granted";
  const forced = mayLook ? process.env.FORCE_COLOR : undefined;
  if (forced) return !["0", "false"].includes(forced);
  return isInteractive && !(deno?.noColor ?? Boolean(process.env.NO_COLOR));
}
