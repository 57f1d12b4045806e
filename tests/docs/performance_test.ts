/** Every figure of docs/PERFORMANCE.md comes from the file that the bench writes. */
import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { fill, tables } from "../../bench/tables.ts";
import { ROOT } from "../support/child.ts";

Deno.test("docs/PERFORMANCE.md has the tables that bench/results.json gives", async () => {
  const read = (...path: string[]) => Deno.readTextFile(join(ROOT, ...path));
  const page = await read("docs", "PERFORMANCE.md");
  const results = JSON.parse(await read("bench", "results.json"));
  assertEquals(page, fill(page, tables(results)));
});

Deno.test("a place for a table that nobody makes is refused", () => {
  const page = "<!-- bench speed -->\n<!-- /bench -->";
  assertThrows(() => fill(page, {}), Error, "no table speed");
});
