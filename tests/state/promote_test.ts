import { assertEquals, assertThrows } from "@std/assert";
import { MiniError, StateView, type StateViewOptions } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import {
  type Add,
  COUNTER,
  type Counter,
  openCounter,
} from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";

/** Opens a view of the counter. */
function openView(
  fs: MemoryFileSystem,
  options: Partial<StateViewOptions<Counter, Add>> = {},
): Promise<StateView<Counter, Add>> {
  const { log: _, snapshots: __, ...counter } = COUNTER;
  return StateView.open("/data", { ...counter, fs, ...options });
}

Deno.test("StateView.promote() takes over where the writer was killed, without replaying", async () => {
  const fs = new MemoryFileSystem();
  const killed = await openCounter("/data", { fs });
  await killed.apply({ by: 1 });
  let applied = 0;
  const view = await openView(fs, {
    apply: (state, op) => {
      applied++;
      return COUNTER.apply(state, op);
    },
  });
  const watching = view.watch()[Symbol.asyncIterator]();
  const seen = watching.next();
  await killed.apply({ by: 2 });
  assertEquals((await seen).value, { seq: 2, mutation: { by: 2 } });
  const end = watching.next();
  fs.restart();
  await using counter = await view.promote();
  assertEquals([counter.state.value, counter.sequence, applied], [3, 2, 2]);
  assertEquals(counter.recovery.outcome, "unclean");
  assertEquals([await end, view.isClosed], [{
    done: true,
    value: undefined,
  }, true]);
  assertThrows(() => view.state, MiniError, "promoted");
  assertEquals(await counter.apply({ by: 4 }), 3);
  assertEquals([counter.state.value, applied], [7, 3]);
  assertEquals((await errorOf(view.until(3))).code, "CLOSED");
});
