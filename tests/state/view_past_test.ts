// What a view makes of the past of its log, where that is another than it was.
import { assertEquals, assertRejects } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { type Counter, openCounter } from "../support/counter.ts";
import { HoldingFileSystem } from "../support/held.ts";
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
  const later = view.watch({ from: 2 })[Symbol.asyncIterator]();
  assertEquals((await later.next()).value?.seq, 3);
  // Said twice, it is no news.
  await log.append({ abort: 2 });
  await view.until(5);
  assertEquals([view.state.value, view.resets], [5, 0]);
  await view.close();
  await log.append({ apply: { by: 8, fail: true } });
  await log.append({ abort: 6 });
  await log.close();
  await using counter = await openCounter("/data", { fs });
  assertEquals([counter.state.value, counter.recovery.aborted], [5, [6]]);
});

Deno.test("StateView.promote() hands over nothing that was found in a log that another takes the place of", async () => {
  const fs = new MemoryFileSystem();
  const killed = await MiniStore.open<unknown>(JOURNAL, { fs });
  const applied = () => killed.sequence;
  await killed.append({ apply: { by: 1 } }, { applied });
  const before = fs.content(JOURNAL)!.slice();
  await killed.append({ apply: { by: 2, fail: true } }, { applied });
  await killed.append({ apply: { by: 4 } }, { applied });
  const view = await openView(fs, { onReplayThrow: "abort" });
  assertEquals([view.state.value, view.sequence], [5, 3]);
  fs.restart();
  fs.put(JOURNAL, before);
  const counter = await openCounter("/data", { fs });
  await counter.apply({ by: 8 });
  await eventually(() => view.resets > 0);
  await view.until(2);
  await counter.close();
  await using promoted = await view.promote();
  const { aborted, undecided } = promoted.recovery;
  assertEquals([promoted.state.value, aborted, undecided], [9, [], []]);
  assertEquals(await promoted.apply({ by: 16 }), 3);
});

Deno.test("StateView.at() rebuilds the state as of any record that the view has applied", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  for (const by of [1, 2]) await counter.apply({ by });
  const view = await openView(fs);
  const values = [];
  for (const seq of [0, 1, 2]) values.push((await view.at(seq)).value);
  assertEquals(values, [0, 1, 3]);
  await assertRejects(() => view.at(3), RangeError, "seq must be at most 2");
  await assertRejects(() => view.at(-1), RangeError, "whole number");
  await view.close();
  const { code, message } = await errorOf(view.at(1));
  assertEquals([code, message], [
    "CLOSED",
    "Cannot use the view: it was closed",
  ]);
});

Deno.test("StateView.close() has ended everything when it resolves, and the view is closed at once", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  await counter.createSnapshot();
  let openFiles = 0;
  fs.hooks.before = ({ operation, path }) => {
    if (operation === "open" && fs.content(path)) openFiles++;
    if (operation === "close") openFiles--;
    return undefined;
  };
  const holding = new HoldingFileSystem(fs);
  for (const call of ["read", "close"] as const) {
    const view = await openView(holding.fs);
    const held = holding.hold(call);
    if (call === "read") await counter.apply({ by: 2 });
    if (call === "read") await held.reached;
    let isDone = false;
    const closing = view.close().then(() => isDone = true);
    assertEquals(view.isClosed, true);
    await held.reached;
    // That of the last file.
    const last = holding.hold("close");
    held.release();
    await last.reached;
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    assertEquals(isDone, false, call);
    last.release();
    await closing;
    assertEquals(openFiles, 0);
  }
});
