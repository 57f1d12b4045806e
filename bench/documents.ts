/** Puts what was measured where the documents have it. */
import { fromFileUrl, join } from "@std/path";
import { writeCharts } from "./chart.ts";
import { clusterTables } from "./cluster_tables.ts";
import { goals } from "./goals.ts";
import { type Findings, mergeResults } from "./results.ts";
import { fillSentences } from "./sentences.ts";
import { type Compared, fill, type Results, tables } from "./tables.ts";

const root = fromFileUrl(new URL("../", import.meta.url));
/** The file that every figure of the documents comes from. */
const RESULTS: string = join(root, "bench", "results.json");

/** The pages that have figures. */
export const PAGES: readonly string[] = [
  "README.md",
  "docs/PERFORMANCE.md",
  "docs/CLUSTER.md",
];

/** A page with the figures of the results. */
export function filled(name: string, page: string, results: Results): string {
  const { findings, jetstream } = results;
  return fill(fillSentences(name, page, findings), {
    ...tables(results),
    ...jetstream && clusterTables(jetstream),
  });
}

/**
 * Puts parts into the file of results, in which a measure takes the place of the
 * same one before, and what the file holds then into charts and pages.
 */
export async function writeDocuments(parts: Partial<Results>): Promise<void> {
  const { findings = [], growth = [], against, observed } = parts;
  const before: Results = JSON.parse(await Deno.readTextFile(RESULTS));
  const all = merge(before.findings, findings);
  const results = await mergeResults<Results>(RESULTS, {
    ...parts,
    findings: all,
    ...against && { against: joined(before.against, against) },
    ...observed && { observed: joined(before.observed, observed) },
    goals: goals(all),
  });
  if (findings.length > 0 || growth.length > 0) {
    const dir = join(root, "docs", "images");
    await writeCharts(dir, results.findings, results.growth ?? []);
  }
  for (const name of PAGES) {
    const path = join(root, name);
    const page = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, filled(name, page, results));
  }
  // A figure may be longer than the last.
  const args = ["fmt", "--quiet", ...PAGES];
  await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
}

/** In the order of those before; others come last. */
function merge(
  before: readonly Findings[],
  found: readonly Findings[],
): Findings[] {
  const byId = new Map([...before, ...found].map((each) => [each.id, each]));
  return [...byId.values()];
}

/** Comparisons with one commit, measured at different times. */
function joined(before: Compared | undefined, found: Compared): Compared {
  if (before?.commit !== found.commit) return found;
  const comparisons = [...before.comparisons, ...found.comparisons];
  const byName = new Map(
    comparisons.map((each) => [each.what + each.who, each]),
  );
  return { ...found, comparisons: [...byName.values()] };
}
