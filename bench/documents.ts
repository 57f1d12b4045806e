/** Puts what was measured where the documents have it. */
import { fromFileUrl, join } from "@std/path";
import { writeCharts } from "./chart.ts";
import { mergeResults } from "./results.ts";
import { fill, type Results, tables } from "./tables.ts";

const root = fromFileUrl(new URL("../", import.meta.url));
/** The file that every figure of the documents comes from. */
export const RESULTS: string = join(root, "bench", "results.json");

/** Writes the file of results, the charts, and the tables of PERFORMANCE.md. */
export async function writeDocuments(results: Results): Promise<void> {
  await mergeResults(RESULTS, results);
  const { findings, growth = [] } = results;
  await writeCharts(join(root, "docs", "images"), findings, growth);
  const page = join(root, "docs", "PERFORMANCE.md");
  const text = await Deno.readTextFile(page);
  await Deno.writeTextFile(page, fill(text, tables(results)));
}
