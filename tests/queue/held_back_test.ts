// What consumers of a queue's log hold back from compaction.
import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestQueue } from "../support/queue.ts";

Deno.test("MiniQueue.compact() names the consumer that holds the records back, and makes one snapshot", async () => {
  const test = new TestQueue<number>();
  await using queue = await test.open();
  await queue.enqueue(0);
  const log = test.fs.names("/data").find((name) => name.endsWith(".jsonl"));
  const { fs } = test;
  await using _ = await MiniStore.consumer(`/data/${log}`, "audit", { fs });
  for (let payload = 0; payload < 700; payload++) await queue.enqueue(payload);
  for (let round = 0; round < 14; round++) {
    const messages = await queue.receiveBatch(50);
    await Promise.all(messages.map((message) => message.ack()));
  }
  let snapshots = 0;
  test.fs.hooks.after = ({ operation, path }) => {
    if (operation === "rename" && /snap/.test(path)) snapshots++;
  };
  const report = await queue.compact();
  assertEquals(
    [report.heldBy?.name, report.firstSequence, report.removed, snapshots],
    ["audit", 1, [], 1],
  );
});
