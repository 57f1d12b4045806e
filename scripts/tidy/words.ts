/** Words that neither code nor documents use. */
import { isPublished } from "../lint_plugin.ts";
import { lineAt, type SourceFile } from "./source.ts";

/** Phrases with a plainer word for each; a line may break within. */
const PHRASES: readonly [phrase: string, plain: string][] = [
  ["anew", "again"],
  ["whoever", "name who it is"],
  ["so many", "give the number, or its name"],
  ["for ever", "forever"],
  ["com(?:e|es|ing) to nothing", "fail"],
  ["(?:is|are|was|were) none of", "say what it is"],
  ["go(?:es)? on", "continue"],
];
const GAP = String.raw`\s+(?:(?:\*|//)\s+)?`;
const PATTERNS = PHRASES.map(([phrase, plain]) => ({
  pattern: new RegExp(String.raw`\b${phrase.replaceAll(" ", GAP)}\b`, "gi"),
  problem: (found: string) => `"${found.replace(/[\s*/]+/g, " ")}": ${plain}`,
}));
/** The formatter moves these marks to any place in a line. */
const CONFLICT = {
  pattern: /(?:<{7}|>{7}) /g,
  problem: () => "the mark of a conflict: merge both sides",
};
const DESCRIPTION = {
  pattern: /\/\*\*\s+(?:\* )?What\b/g,
  problem: () => `a description that begins with "What": say what it is`,
};

/** Names that the public interface has given up. */
const OLD_NAMES = new Set([
  ..."applyAll enqueueAll toEnqueue toAck skipTo bury".split(" "),
  ..."receives maxReceives onTaken permissions".split(" "),
  ..."DeadMessage RetryLater Outgoing Enqueued".split(" "),
  ..."RecordSchema StoreRecord StateRecovery Restored RestoredSnapshot"
    .split(" "),
]);

/** Each use of such a phrase in the documents, and in all that is code. */
export function phrases(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (!/\.(ts|md)$/.test(path) || path.startsWith("scripts/tidy/")) return [];
    const patterns = path.endsWith(".ts")
      ? [...PATTERNS, CONFLICT, DESCRIPTION]
      : [...PATTERNS, CONFLICT];
    return patterns.flatMap(({ pattern, problem }) =>
      Array.from(
        text.matchAll(pattern),
        ({ 0: found, index }) =>
          `${path}:${lineAt(text, index)}: ${problem(found)}`,
      )
    );
  });
}

/** Old names among what is exported, and in the public interface. */
export function oldNames(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const pattern = path === "docs/api.txt"
      ? /\b(\w+)\b/g
      : isPublished(path)
      ? /^export (?:declare )?(?:async )?\w+\*? (\w+)/gm
      : undefined;
    if (pattern === undefined) return [];
    return Array.from(text.matchAll(pattern))
      .filter(([, name]) => OLD_NAMES.has(name!))
      .map(({ 1: name, index }) =>
        `${path}:${lineAt(text, index)}: ${name} has another name now`
      );
  });
}
