/** Links between the documents. */
import { dirname, join } from "@std/path";
import { lineAt, type SourceFile } from "./source.ts";

/** The links of a document that lead nowhere. */
export function brokenLinks(
  { path, text }: SourceFile,
  files: readonly SourceFile[],
): string[] {
  const found: string[] = [];
  const paths = new Set(files.map((file) => file.path));
  const withoutCode = text.replace(/```[\s\S]*?```/g, blank).replace(
    /`[^`\n]*`/g,
    blank,
  );
  for (const { 1: link, index } of withoutCode.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(link!)) continue;
    const [file, heading] = link!.split("#");
    const target = file === ""
      ? path
      : join(dirname(path), file!).replaceAll("\\", "/");
    const isFolder = [...paths].some((other) => other.startsWith(`${target}/`));
    const line = lineAt(withoutCode, index);
    if (!paths.has(target) && !isFolder) {
      found.push(`${path}:${line}: there is no ${target}`);
    } else if (heading !== undefined && !headings(target, files).has(heading)) {
      found.push(
        `${path}:${line}: there is no heading #${heading} in ${target}`,
      );
    }
  }
  return found;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

/** The anchors of a document's headings. */
function headings(path: string, files: readonly SourceFile[]): Set<string> {
  const text = files.find((file) => file.path === path)?.text ?? "";
  const lines = text.replace(/```[\s\S]*?```/g, "").matchAll(/^#+ (.*)$/gm);
  const anchors = Array.from(
    lines,
    ([, title]) =>
      title!.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(
        /\s/g,
        "-",
      ),
  );
  return new Set(anchors);
}
