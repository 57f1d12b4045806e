/** Puts what was measured where the documents have it. */
import { fromFileUrl, join } from "@std/path";
import { writeCharts } from "./chart.ts";
import { mergeResults } from "./results.ts";
import { fill, type Results, tables } from "./tables.ts";

const root = fromFileUrl(new URL("../", import.meta.url));
/** The file that every figure of the documents comes from. */
export const RESULTS: string = join(root, "bench", "results.json");

/**
 * Puts parts into the file of results, and what it holds then into the charts and
 * the tables of PERFORMANCE.md.
 */
export async function writeDocuments(parts: Partial<Results>): Promise<void> {
  const results = await mergeResults<Results>(RESULTS, parts);
  const { findings = [], growth = [] } = parts;
  if (findings.length > 0) {
    await writeCharts(join(root, "docs", "images"), findings, growth);
  }
  const page = join(root, "docs", "PERFORMANCE.md");
  const text = await Deno.readTextFile(page);
  await Deno.writeTextFile(page, fill(text, tables(results)));
}
