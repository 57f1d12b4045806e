/** The documents, and the blocks of code in them. */
import { walk } from "@std/fs";
import { fromFileUrl, join, relative } from "@std/path";

/** A fenced block of code. */
export interface Block {
  /** The document, from the root. */
  readonly document: string;
  /** The line of its fence, from 1. */
  readonly line: number;
  /** The text after its fence: a language, and the use of the block. */
  readonly kind: string;
  readonly text: string;
}

const ROOT = fromFileUrl(new URL("../", import.meta.url));
const OTHERS = /[\\/](vendor|node_modules|npm|build|coverage|\.git)([\\/]|$)/;

/** Every document, as a path from the root. */
export async function documents(): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of walk(ROOT, { skip: [OTHERS] })) {
    if (!path.endsWith(".md")) continue;
    found.push(relative(ROOT, path).replaceAll("\\", "/"));
  }
  return found.sort();
}

/** The blocks of a document, in order. */
export function blocksOf(document: string, text: string): Block[] {
  const fences = text.matchAll(/^( *)(`{3,})(.*)\n([^]*?)^\1\2$/gm);
  return Array.from(fences, ({ index, 3: kind, 4: code }) => ({
    document,
    line: text.slice(0, index).split("\n").length,
    kind: kind!.trim(),
    text: code!,
  }));
}

/** The sections whose commands `deno task runtimes` runs, and by what they are found. */
const SECTIONS: readonly [document: string, heading: string][] = [
  ["README.md", "Install"],
  ["docs/OPERATIONS.md", "Deploying"],
];

/** The commands of those sections, block by block. */
export async function installBlocks(): Promise<Block[]> {
  const found: Block[] = [];
  for (const [document, heading] of SECTIONS) {
    const text = await Deno.readTextFile(join(ROOT, document));
    const section = new RegExp(`^## ${heading}\n(.*?)^## `, "ms").exec(text);
    found.push(...blocksOf(document, section?.[1] ?? ""));
  }
  return found.filter(({ kind }) => kind === "sh");
}
