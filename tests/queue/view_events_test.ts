import { MiniQueue, QueueView } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals } from "@std/assert";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { turns } from "../support/queue.ts";

const JOURNAL = "/data/journal.jsonl";

Deno.test("QueueView.events() tells what is on record though records are taken back as it begins", async () => {
  const fs = new MemoryFileSystem();
  const holding = new HoldingFileSystem(fs);
  const killed = await MiniQueue.open<string>("/data", { fs });
  await killed.enqueue("a");
  const before = fs.content(JOURNAL)!.slice();
  await killed.enqueue("b", { headers: { of: "before" } });
  await using view = await QueueView.open("/data", { fs: holding.fs });
  assertEquals(view.sequence, 2);
  const held = holding.hold("stat");
  fs.restart();
  fs.put(JOURNAL, before);
  await using queue = await MiniQueue.open<string>("/data", { fs });
  await queue.enqueue("c", { headers: { of: "now" }, priority: 1 });
  await held.reached;
  // The view does not know it yet.
  const events = view.events()[Symbol.asyncIterator]();
  const next = events.next();
  await turns(500);
  await queue.receive();
  held.release();
  const { value } = await next;
  assertEquals([value?.seq, value?.id, value?.type], [3, 2, "delivered"]);
  assertEquals(value?.headers, { of: "now" });
  const last = events.next();
  await view.close();
  assertEquals((await last).done, true);
});

Deno.test("QueueView.events() of a view that is closed is CLOSED", async () => {
  const fs = new MemoryFileSystem();
  await using _ = await MiniQueue.open<string>("/data", { fs });
  const view = await QueueView.open("/data", { fs });
  const events = view.events({ from: 1 })[Symbol.asyncIterator]();
  await view.close();
  assertEquals((await events.next()).done, true);
  const late = errorOf(Promise.resolve().then(() => view.events()));
  assertEquals((await late).code, "CLOSED");
});
