/** Circles of imports, types included. */
import { posix } from "node:path";
import type { SourceFile } from "./source.ts";

const IMPORT =
  /^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gm;

/** The files that import themselves by way of others. */
export function circles(files: readonly SourceFile[]): string[] {
  const sources = files.filter(({ path }) => path.endsWith(".ts"));
  const imports = new Map(sources.map((file) => [file.path, importsOf(file)]));
  return [...imports.keys()].filter((path) => reaches(path, path, imports))
    .map((path) => `${path}:1: imports itself by way of others`);
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
