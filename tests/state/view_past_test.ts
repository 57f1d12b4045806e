// What a view makes of the past of its log, where that is another than it was.
import { assertEquals } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { type Counter, openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import { eventually, openView } from "../support/view.ts";

const JOURNAL = "/data/journal.jsonl";

Deno.test("StateView forgets what was aborted in a log that another takes the place of", async () => {
  const fs = new MemoryFileSystem();
  const killed = await openCounter("/data", { fs });
  await killed.apply({ by: 1 });
  const before = fs.content(JOURNAL)!.slice();
  await using view = await openView(fs);
  await errorOf(killed.apply({ by: 2, fail: true }));
  await view.until(await killed.apply({ by: 4 }));
  fs.restart();
  fs.put(JOURNAL, before);
  await using counter = await openCounter("/data", { fs });
  await counter.apply({ by: 8 });
  await eventually(() => view.resets > 0);
  await view.until(2);
  assertEquals(view.state.value, 9);
});

Deno.test("StateView counts it where the last mutation that it has applied is taken back", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>(JOURNAL, { fs });
  const applied = () => 0;
  for (const by of [1, 2]) await log.append({ apply: { by } }, { applied });
  await using view = await openView(fs);
  await log.append({ abort: 2 }, { applied });
  await view.until(3);
  assertEquals([view.state.value, view.resets], [1, 1]);
  await log.close();
});

Deno.test("a snapshot that stands at a mutation that was aborted covers it", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>(JOURNAL, { fs });
  await log.append({ apply: { by: 1 } });
  await log.append({ apply: { by: 2, fail: true } });
  await log.append({ apply: { by: 4 } });
  await log.append({ abort: 2 });
  const snapshots = new SnapStore<Counter>("/data", { fs });
  await snapshots.create({ value: 1, log: [] }, 2, { logId: log.id! });
  const view = await openView(fs);
  const watching = view.watch({ from: 1 })[Symbol.asyncIterator]();
  const next = async () => (await watching.next()).value?.seq;
  assertEquals([await next(), await next()], [1, 3]);
  await view.close();
  await log.append({ apply: { by: 8, fail: true } });
  await log.append({ abort: 5 });
  await log.close();
  await using counter = await openCounter("/data", { fs });
  assertEquals([counter.state.value, counter.recovery.aborted], [5, [5]]);
});
