/** The folders, and the map of them. */
import { posix } from "node:path";
import { isPublished, PUBLISHED } from "../lint_plugin.ts";
import { lineAt, type SourceFile } from "./source.ts";

const MAP = "docs/ARCHITECTURE.md";
const MAX_FILES = 16;

/** Folders with too many files; of those that are known, how many they may have. */
export function crowdedFolders(
  files: readonly SourceFile[],
  known: Readonly<Record<string, number>>,
): string[] {
  const counts = new Map(Object.keys(known).map((folder) => [folder, 0]));
  for (const { path } of files) {
    const folder = posix.dirname(path);
    if (folder === "." || !isPublished(path)) continue;
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return Array.from(counts).flatMap(([folder, count]) => {
    const most = known[folder] ?? MAX_FILES;
    if (count > most) {
      return [`${folder}/:1: ${count} files, and ${most} is the most`];
    }
    return count < most && folder in known
      ? [`scripts/breaches.ts:1: ${folder}/ has ${count} files, not ${most}`]
      : [];
  });
}

/** Folders that the map lacks, and names in it that are not there. */
export function mapProblems(files: readonly SourceFile[]): string[] {
  const map = files.find(({ path }) => path === MAP);
  if (map === undefined) return [];
  const paths = new Set(files.map(({ path }) => path));
  const folders = new Set([...paths].flatMap(foldersOf));
  const pattern = new RegExp(
    `(?<![\\w/.-])(?:${
      PUBLISHED.join("|")
    })/(?:[\\w/]*/|[\\w/]+\\.ts)?(?![\\w*])`,
    "g",
  );
  const named = Array.from(
    map.text.matchAll(pattern),
    ({ 0: name, index }) => ({ name, line: lineAt(map.text, index) }),
  );
  const names = new Set(map.text.match(/[\w/]+\/(?!\w)/g));
  return [
    ...[...folders].filter(mustBeNamed)
      .filter((folder) => !names.has(folder))
      .map((folder) => `${MAP}:1: does not name ${folder}`),
    ...named.filter(({ name }) => !folders.has(name) && !paths.has(name))
      .map(({ name, line }) => `${MAP}:${line}: there is no ${name}`),
  ];
}

/** Every folder that is published, and of the others those at the root. */
function mustBeNamed(folder: string): boolean {
  return isPublished(folder) || /^(?!docs)\w+\/$/.test(folder);
}

/** `["store/", "store/read/"]` for `store/read/replay.ts`. */
function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join("/")}/`);
}
