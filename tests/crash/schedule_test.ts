import { explore } from "@mini/state/testing";
import { assert, assertEquals } from "@std/assert";
import { report } from "../support/report.ts";
import { SCHEDULE_WORKLOAD } from "../support/schedule_workload.ts";
import { sampled, size } from "../support/size.ts";

Deno.test("MiniQueue: an occurrence has fired exactly where its message is, after a power cut at every call", async () => {
  const found = await explore(SCHEDULE_WORKLOAD, {
    crashRecoveryOneIn: size(2_000, 50),
    cuts: size("none", "edges"),
    samples: 1,
    ...sampled(15),
  });
  report("power cuts of schedules", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 20);
});
