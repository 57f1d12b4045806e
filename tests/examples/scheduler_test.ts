import { assertEquals } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { Example } from "../support/program.ts";

Deno.test("examples/scheduler.ts fires each report once, whatever its clock shows", async () => {
  await using directory = new TestDirectory();
  const example = new Example("scheduler.ts", directory.path);
  const { code, stdout, stderr } = await example.run(["./reports"]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(
    stdout.trimEnd().split("\n"),
    [
      "1970-01-01T02:00:00.000Z never set",
      "  sample",
      "2026-03-27T22:00:00.000Z set",
      "2026-03-28T07:00:00.000Z the first night",
      "  report for 2026-03-28T02:00:00.000Z",
      "  sample",
      "1970-01-01T00:00:00.000Z the power was away, and the clock is in 1970 again",
      "2026-03-30T08:00:00.000Z set: one report for the nights that were missed",
      "  report for 2026-03-30T01:00:00.000Z",
      "2026-03-30T05:00:00.000Z set back: no report comes twice",
      "  sample",
      "2026-03-31T05:00:00.000Z the next night",
      "  report for 2026-03-31T01:00:00.000Z",
      "  sample",
      "nightly report: next at 2026-04-01T01:00:00.000Z, 1 passed over",
      "sample: next at 2026-03-31T07:00:00.000Z, 14 passed over",
    ],
  );
  assertEquals((await example.run([])).code, 2);
});
