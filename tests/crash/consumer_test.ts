import { assert, assertEquals } from "@std/assert";
import { explore, sweepFaults } from "@mini/state/testing";
import { CONSUMER_WORKLOAD } from "../support/consumer_workload.ts";
import { report } from "../support/report.ts";
import { sampled, size } from "../support/size.ts";

const EIO = { code: "EIO", keepBytes: 40 };
const ENOSPC = { code: "ENOSPC", keepBytes: 7 };

Deno.test("a consumer's position survives a power cut after every call, in every way", async () => {
  const found = await explore(CONSUMER_WORKLOAD, {
    crashRecoveryOneIn: 100,
    samples: 1,
    ...sampled(12),
  });
  report("power cuts of a consumer", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 50, `${found.states} states`);
});

Deno.test("a consumer's position survives every call failing, once and from then on", async () => {
  const found = await sweepFaults(CONSUMER_WORKLOAD, {
    faults: size([EIO], [EIO, ENOSPC]),
    cuts: "none",
    crashRecoveryOneIn: 200,
    ...sampled(50),
  });
  report("failing calls of a consumer", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 50, `${found.states} states`);
});
