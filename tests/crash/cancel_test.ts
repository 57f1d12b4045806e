import { explore, sweepFaults } from "@mini/state/testing";
import { assert, assertEquals } from "@std/assert";
import { CANCEL_WORKLOAD } from "../support/cancel_workload.ts";
import { report } from "../support/report.ts";
import { sampled, sampledCalls, size } from "../support/size.ts";

const FULL = { code: "ENOSPC", keepBytes: 40 };

Deno.test("MiniQueue: a message is done, cancelled or waits, as the first call said, after a power cut at every call", async () => {
  const found = await explore(CANCEL_WORKLOAD, {
    crashRecoveryOneIn: size(2_000, 50),
    cuts: size("none", "edges"),
    samples: 1,
    ...sampled(40),
  });
  report("power cuts of acks and cancellations", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 20);
});

Deno.test("MiniQueue: a message is done, cancelled or waits, as the first call said, whichever call fails", async () => {
  const found = await sweepFaults(CANCEL_WORKLOAD, {
    faults: [FULL, ...size([], [{ code: "EIO" }])],
    cuts: "none",
    crashRecoveryOneIn: size(5_000, 500),
    ...sampledCalls(3, 300),
  });
  report("failing calls of acks and cancellations", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 20);
});
