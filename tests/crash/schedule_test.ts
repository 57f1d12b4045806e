import { explore, sweepFaults } from "@mini/state/testing";
import { assert, assertEquals } from "@std/assert";
import { report } from "../support/report.ts";
import { SCHEDULE_WORKLOAD } from "../support/schedule_workload.ts";
import { sampled, sampledCalls, size } from "../support/size.ts";

const FULL = { code: "ENOSPC", keepBytes: 40 };

Deno.test("MiniQueue: an occurrence has fired exactly where its message is, after a power cut at every call", async () => {
  const found = await explore(SCHEDULE_WORKLOAD, {
    crashRecoveryOneIn: size(2_000, 50),
    cuts: size("none", "edges"),
    samples: 1,
    ...sampled(30),
  });
  report("power cuts of schedules", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 20);
});

Deno.test("MiniQueue: an occurrence has fired exactly where its message is, whichever call fails", async () => {
  const found = await sweepFaults(SCHEDULE_WORKLOAD, {
    faults: [FULL, ...size([], [{ code: "EIO" }])],
    cuts: "none",
    crashRecoveryOneIn: size(5_000, 500),
    ...sampledCalls(3, 300),
  });
  report("failing calls of schedules", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 20);
});
