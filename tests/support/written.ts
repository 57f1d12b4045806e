/** The fixtures in tests/fixtures/written. */
import { copy, walk } from "@std/fs";
import { join } from "@std/path";
import { ROOT } from "./child.ts";
import { TestDirectory } from "./dir.ts";
import { fixture } from "./mini.ts";

/** When the versions were written, oldest first. */
export const TIMES: readonly string[] = [
  "2026-11-21",
  "2026-11-29",
  "2026-11-30",
];
export const NEWEST: string = TIMES.at(-1)!;

/** A copy of a folder that a version has written. */
export async function written(
  time: string,
  name: string,
): Promise<TestDirectory> {
  const directory = new TestDirectory();
  const from = fixture(`written/${time}/${name}`);
  await copy(from, directory.path, { overwrite: true });
  return directory;
}

/** Every file that a version has written, as a path in the folder of fixtures. */
export async function files(time: string): Promise<string[]> {
  const paths: string[] = [];
  const folder = fixture(`written/${time}`);
  for await (const { path } of walk(folder, { includeDirs: false })) {
    paths.push(path.replaceAll("\\", "/"));
  }
  return paths.sort();
}

/** The kinds of files in the table of docs/FORMAT.md, sorted. */
export async function kindsInFormat(): Promise<string[]> {
  const text = await Deno.readTextFile(join(ROOT, "docs/FORMAT.md"));
  const section = text.split("\n## Versions\n")[1]!.split("\n## ")[0]!;
  const rows = section.split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(2).map((row) => row.split("|")[1]!.trim()).sort();
}
