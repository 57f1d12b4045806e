import { assert, assertEquals } from "@std/assert";
import { MiniQueue, type QueueStats } from "@mini/state/queue";
import { crashStates, explore, sweepFaults } from "@mini/state/testing";
import { TestQueue } from "../support/queue.ts";
import { QUEUE_WORKLOAD } from "../support/queue_workloads.ts";
import { report } from "../support/report.ts";
import { sampled, sampledCalls, size } from "../support/size.ts";

Deno.test("MiniQueue survives a power cut after every call, in every way, one with the state that it is in", async () => {
  const found = await explore(QUEUE_WORKLOAD, {
    crashRecoveryOneIn: size(2_000, 100),
    cuts: size("none", "edges"),
    samples: 1,
    ...sampled(30),
  });
  report("power cuts of queues", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 50);
});

Deno.test("MiniQueue: what has resolved is there after a power cut, whatever it was", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  const check = async (want: Partial<QueueStats>) => {
    for (const { fs, label } of crashStates(test.fs.snapshot())) {
      await using left = await MiniQueue.open<string>("/data", { fs });
      const { ready, dead, paused } = await left.stats();
      assertEquals({ ready, dead, paused }, {
        ready: 0,
        dead: 0,
        paused: false,
        ...want,
      }, label);
    }
  };
  await queue.enqueue("a");
  await check({ ready: 1 });
  await (await queue.receive())!.deadLetter("no");
  await check({ dead: 1 });
  await queue.redrive("all");
  await check({ ready: 1 });
  await (await queue.receive())!.ack();
  await check({});
  await queue.enqueueBatch([{ payload: "b" }, { payload: "c" }]);
  await check({ ready: 2 });
  await queue.pause();
  await check({ ready: 2, paused: true });
  await queue.purge("all");
  await check({ paused: true });
});

Deno.test("MiniQueue survives every call failing, once and from then on", async () => {
  const found = await sweepFaults(QUEUE_WORKLOAD, {
    faults: [{ code: "ENOSPC", keepBytes: 40 }],
    cuts: "none",
    crashRecoveryOneIn: size(5_000, 500),
    ...sampledCalls(3, 30),
  });
  report("failing calls of queues", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 50);
});
