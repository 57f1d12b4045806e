import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { join } from "@std/path";
// deno-lint-ignore mini/imports -- the seam to the process, so that no test needs one
import { run } from "../../cli/run.ts";
import { ROOT, runScript } from "./child.ts";

/** The output of the command, and how it ended. */
export interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line of `mini` with these permissions, or of another program. */
export function miniCommand(
  args: readonly string[],
  permissions: readonly string[] = ["-R", "-W"],
  program: string = join(ROOT, "cli/mod.ts"),
): string[] {
  const flags = ["run", "--no-prompt", "--config", join(ROOT, "deno.json")];
  return [...flags, ...permissions, program, ...args];
}

/** Runs `mini` in a pipe: with these permissions in a process of its own, else in this one, which is much quicker. */
export async function mini(
  args: readonly string[],
  permissions?: readonly string[],
): Promise<Printed> {
  if (permissions === undefined) return await miniHere(args);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: miniCommand(args, permissions),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

async function miniHere(args: readonly string[]): Promise<Printed> {
  let stdout = "";
  let stderr = "";
  const code = await run(args, {
    isInteractive: false,
    isPipe: true,
    showsProgress: false,
    hasColour: false,
    columns: 80,
    write(text) {
      stdout += text;
      return Promise.resolve();
    },
    clear: () => Promise.resolve(),
    complain: (text) => void (stderr += text),
    now: () => performance.now(),
    sleep: delay,
  });
  return { code, stdout, stderr };
}

/** Runs `mini` with `--json`; gives what it says, and its exit code. */
export async function miniJson(
  args: readonly string[],
  // deno-lint-ignore no-explicit-any -- whatever it prints
): Promise<{ code: number; json: any }> {
  const { code, stdout, stderr } = await mini([...args, "--json"]);
  assertEquals(stderr, "");
  return { code, json: JSON.parse(stdout) };
}

/** The values that a command with `--json` prints, one a line. */
export function linesOf(stdout: string): unknown[] {
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** A journal that is kept with the project. */
export function fixture(name: string): string {
  return join(ROOT, "tests/fixtures", name);
}

/** Copies a folder with its files. */
export async function copyFolder(from: string, to: string): Promise<string> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isFile } of Deno.readDir(from)) {
    if (isFile) await Deno.copyFile(join(from, name), join(to, name));
  }
  return to;
}

/** Every file in a folder, by name, as text: to see that nothing was changed. */
export async function contentsOf(dir: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isFile } of Deno.readDir(dir)) {
    if (isFile) found[name] = await Deno.readTextFile(join(dir, name));
  }
  return found;
}

const MANY = `
import process from "node:process";
import { main } from "@mini/state/cli";
const end = "\\u0000";
for (const args of JSON.parse(Deno.args[0])) {
  process.exitCode = 0;
  await main(args);
  await new Promise((resolve) => process.stdout.write(process.exitCode + end, resolve));
  await new Promise((resolve) => process.stderr.write(end, resolve));
}
process.exitCode = 0;`;

/** Runs the command several times in one process of their own, with these flags. */
export async function miniMany(
  calls: readonly (readonly string[])[],
  flags: readonly string[] = ["-R"],
): Promise<Printed[]> {
  const { success, stdout, stderr } = await runScript(
    MANY,
    [JSON.stringify(calls)],
    flags,
  );
  if (!success) throw new Error(stderr);
  const complaints = stderr.split("\0");
  return stdout.split("\0").slice(0, calls.length).map((text, at) => {
    const [, printed = "", code] = /^([\s\S]*)(\d)$/.exec(text)!;
    return { code: Number(code), stdout: printed, stderr: complaints[at]! };
  });
}
