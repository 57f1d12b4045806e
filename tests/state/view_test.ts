import { assertEquals } from "@std/assert";
import { StateView, type StateViewOptions } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import {
  type Add,
  COUNTER,
  type Counter,
  openCounter,
} from "../support/counter.ts";

/** Opens a view of the counter. */
function openView(
  fs: MemoryFileSystem,
  options: Partial<StateViewOptions<Counter, Add>> = {},
): Promise<StateView<Counter, Add>> {
  const { log: _, snapshots: __, ...counter } = COUNTER;
  return StateView.open("/data", { ...counter, fs, ...options });
}

Deno.test("StateView shows what a writer has applied, soon after", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  await using view = await openView(fs);
  assertEquals([view.state.value, view.sequence, view.lag], [1, 1, 0]);
  const { changed } = view;
  await counter.apply({ by: 2, note: "a" });
  await changed;
  await view.until(2);
  assertEquals(view.state, { value: 3, log: ["a"] });
  await counter.apply({ by: 4 });
  await view.until(3);
  assertEquals([view.sequence, view.lag, view.resets], [3, 0, 0]);
  assertEquals([view.failure, view.isClosed], [undefined, false]);
});
