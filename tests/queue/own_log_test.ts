// A queue on a log and on snapshots that its caller gives.
import { assertEquals, assertRejects } from "@std/assert";
import { type Ledger, MiniQueue, type QueueOptions } from "@mini/state/queue";
import { SnapStore } from "@mini/state/snap";
import { MemoryFileSystem } from "@mini/state/testing";
import { MemoryLog } from "../support/memory_log.ts";

Deno.test("MiniQueue.open() takes a log and snapshots in place of a directory, and finds its messages there again", async () => {
  const log = new MemoryLog();
  const fs = new MemoryFileSystem();
  const snapshots = new SnapStore<Ledger<string>>("/snapshots", { fs });
  const options = { log, snapshots, maxAttempts: 2 };
  {
    await using queue = await MiniQueue.open<string>(options);
    assertEquals(queue.journalPath, undefined);
    await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
    await (await queue.receive())!.ack();
    await queue.compact();
    await queue.enqueue("c");
  }
  assertEquals(log.isClosed, true);
  assertEquals((await snapshots.list()).length, 1);
  log.reopen();
  await using again = await MiniQueue.open<string>(options);
  const left = await again.peek(10);
  assertEquals(left.map(({ payload }) => payload), ["b", "c"]);
});

Deno.test("MiniQueue.open() refuses options that mean nothing without a directory, and a log beside one", async () => {
  const log = new MemoryLog();
  const fs = new MemoryFileSystem();
  const snapshots = new SnapStore<Ledger<string>>("/snapshots", { fs });
  const both = { log, snapshots };
  const refused: [Partial<QueueOptions<string>>, string][] = [
    [{}, "needs a directory, or both log and snapshots"],
    [{ log }, "needs a directory, or both log and snapshots"],
    [{ ...both, inbox: true }, "needs a directory for an inbox"],
    [{ ...both, fs }, "would not use fs"],
    [{ ...both, mode: 0o600 }, "would not use mode"],
    [{ ...both, keepSnapshots: 1 }, "would not use keepSnapshots"],
  ];
  for (const [options, words] of refused) {
    await assertRejects(
      () => MiniQueue.open<string>(options),
      TypeError,
      words,
    );
  }
  await assertRejects(
    () => MiniQueue.open<string>("/data", { ...both, fs }),
    TypeError,
    "needs a directory, or both log and snapshots",
  );
  assertEquals(fs.calls, 0);
});

Deno.test("MiniQueue.open() closes the log that it is given if it fails, whatever the reason", async () => {
  const fs = new MemoryFileSystem();
  const snapshots = new SnapStore<Ledger<string>>("/snapshots", { fs });
  const failing: Record<string, Partial<QueueOptions<string>>> = {
    "unknown option": { snapshots, a: 1 } as never,
    "no snapshots": {},
    "unused option": { snapshots, mode: 0o600 },
    "a clock that is none": { snapshots, clock: {} as never },
  };
  for (const [reason, options] of Object.entries(failing)) {
    const log = new MemoryLog();
    await assertRejects(() => MiniQueue.open({ log, ...options }));
    assertEquals(log.isClosed, true, reason);
  }
  const log = new MemoryLog();
  await assertRejects(() => MiniQueue.open("/data", { log, fs }));
  assertEquals(log.isClosed, true);
});
