import { join } from "@std/path";
import { blocksOf } from "../../scripts/documents.ts";
import { ROOT } from "./child.ts";

const DOCUMENT = "docs/CLUSTER.md";

/** The first block of docs/CLUSTER.md of a kind. */
export async function clusterBlock(kind: string): Promise<string> {
  const text = await Deno.readTextFile(join(ROOT, DOCUMENT));
  const found = blocksOf(DOCUMENT, text).find((block) => block.kind === kind);
  if (found === undefined) throw new Error(`${DOCUMENT} has no ${kind}`);
  return found.text;
}
