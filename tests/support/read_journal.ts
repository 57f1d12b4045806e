import { assert } from "@std/assert";
import { join } from "@std/path";
import { ROOT } from "./child.ts";
import { run } from "./system.ts";

/** A reader's account of a file: what it holds, and a verdict, as lines. */
export type Told = string[];

/** The reason for which the program cannot run; `undefined` if it can. */
export async function noPython(): Promise<string | undefined> {
  const { success, stderr } = await run("python3", "--version");
  return success ? undefined : stderr;
}

/** The account of each file by the program that knows docs/FORMAT.md alone. */
export async function told(paths: readonly string[]): Promise<Told[]> {
  const reader = join(ROOT, "tests/support/read_journal.py");
  const { success, stdout, stderr } = await run("python3", reader, ...paths);
  assert(success, stderr);
  const all: Told[] = [[]];
  for (const line of stdout.trimEnd().split("\n")) {
    const isRecord = line.startsWith("{");
    all.at(-1)!.push(isRecord ? JSON.stringify(JSON.parse(line)) : line);
    if (!isRecord) all.push([]);
  }
  return all.slice(0, -1);
}
