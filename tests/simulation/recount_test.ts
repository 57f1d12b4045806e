import { assertEquals } from "@std/assert";
import { simulateMany } from "./many.ts";

Deno.test("what is told on channels is each thing that was done, once, and what metrics() has counted", async () => {
  // Of those that every change is judged by: enough to meet each kind of event.
  const { violations } = await simulateMany({ first: 1, runs: 40 });
  assertEquals(violations, []);
  // A snapshot that nobody has asked for fails.
  const rare = await simulateMany({ first: 99, runs: 1 });
  assertEquals(rare.violations, []);
});
