/** Every figure of README.md and docs/PERFORMANCE.md comes from the file that the bench writes. */
import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { filled, PAGES } from "../../bench/documents.ts";
import { fillSentences } from "../../bench/sentences.ts";
import { fill } from "../../bench/tables.ts";
import { ROOT } from "../support/child.ts";

for (const name of PAGES) {
  Deno.test(`${name} has the figures that bench/results.json gives`, async () => {
    const read = (...path: string[]) => Deno.readTextFile(join(ROOT, ...path));
    const page = await read(name);
    const results = JSON.parse(await read("bench", "results.json"));
    assertEquals(page, filled(name, page, results));
  });
}

Deno.test("a place for a table that nobody makes is refused", () => {
  const page = "<!-- bench speed -->\n<!-- /bench -->";
  assertThrows(() => fill(page, {}), Error, "no table speed");
});

Deno.test("a page without a sentence that has figures is refused", () => {
  const fillNone = () => fillSentences("README.md", "# @mini/state", []);
  assertThrows(fillNone, Error, "README.md does not say: 64 callers append");
});
