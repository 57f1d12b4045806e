import { assert, assertEquals } from "@std/assert";
import { explore, sweepFaults } from "@mini/state/testing";
import { QUEUE_WORKLOAD } from "../support/queue_workloads.ts";
import { report } from "../support/report.ts";
import { sampled, size } from "../support/size.ts";

Deno.test("MiniQueue survives a power cut after every call, in every way, one with the state that it is in", async () => {
  const found = await explore(QUEUE_WORKLOAD, {
    crashRecoveryOneIn: size(2_000, 100),
    cuts: size("none", "edges"),
    samples: 1,
    ...sampled(6),
  });
  report("power cuts of queues", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 50);
});

Deno.test("MiniQueue survives every call failing, once and for ever", async () => {
  const found = await sweepFaults(QUEUE_WORKLOAD, {
    faults: [{ code: "ENOSPC", keepBytes: 40 }],
    cuts: "none",
    crashRecoveryOneIn: size(5_000, 500),
    ...sampled(6),
  });
  report("failing calls of queues", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 50);
});
