/** Circles of imports, types included. */
import { posix } from "node:path";
import type { SourceFile } from "./source.ts";

const IMPORT =
  /^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gm;

/** The files that import themselves by way of others, in order. */
export function filesInCircles(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  return [...imports.keys()].filter((path) => reaches(path, path, imports))
    .sort();
}

/** The circles that are not known, and those that are known and gone. */
export function circleProblems(
  files: readonly SourceFile[],
  known: readonly string[],
): string[] {
  const found = filesInCircles(
    files.filter(({ path }) => path.endsWith(".ts")),
  );
  return [
    ...found.filter((path) => !known.includes(path))
      .map((path) => `${path}:1: imports itself by way of others`),
    ...known.filter((path) => !found.includes(path))
      .map((path) =>
        `scripts/breaches.ts:1: ${path} is in no circle any more: take it off the list`
      ),
  ];
}

function importsOf({ path, text }: SourceFile): string[] {
  return Array.from(
    text.matchAll(IMPORT),
    ([, from, called]) => posix.join(posix.dirname(path), from ?? called!),
  );
}

function reaches(
  from: string,
  to: string,
  imports: ReadonlyMap<string, readonly string[]>,
): boolean {
  const seen = new Set<string>();
  const next = [...imports.get(from) ?? []];
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    if (path === to) return true;
    if (seen.has(path)) continue;
    seen.add(path);
    next.push(...imports.get(path) ?? []);
  }
  return false;
}
