// Searches for inputs of one part: main.ts PART SECONDS SEED [keep]. Prints what it has found as JSON; with "keep", the corpus is replaced.
import { Random } from "@mini/state/testing";
import { assertTarget, readCorpus, writeCorpus } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { Search } from "./search.ts";
import { SEEDS } from "./seeds.ts";

const [name = "", seconds = "", seed = "", keep] = Deno.args;
assertTarget(name);
const coverage = new Coverage();
await coverage.start();
const search = new Search(name, coverage, new Random(Number(seed)));
await search.begin([...SEEDS[name], ...await readCorpus(name)]);
const atStart = { kept: search.corpus.length, ...coverage.counts };
await search.until(Date.now() + Number(seconds) * 1_000);
const { executions } = search;
const counts = coverage.counts;
if (keep !== undefined) {
  await search.minimise();
  await writeCorpus(name, search.corpus);
}
coverage.stop();
const findings = [...search.findings].map(([kind, { input, error }]) => ({
  kind,
  input: JSON.stringify(input),
  error: error instanceof Error ? `${error.stack}\n${error.cause}` : error,
}));
const found = { name, executions, kept: search.corpus.length, ...counts };
// deno-lint-ignore no-console -- the result of the command
console.log(JSON.stringify({ ...found, atStart, findings }));
