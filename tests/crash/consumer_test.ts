import { assert, assertEquals } from "@std/assert";
import { explore, sweepFaults } from "@mini/state/testing";
import { CONSUMER_WORKLOADS } from "../support/consumer_workload.ts";
import { report } from "../support/report.ts";
import { sampled, sampledCalls, size } from "../support/size.ts";

const EIO = { code: "EIO", keepBytes: 40 };
const ENOSPC = { code: "ENOSPC", keepBytes: 7 };

for (const workload of CONSUMER_WORKLOADS) {
  Deno.test(`a consumer's position survives a power cut after every call, in every way: ${workload.name}`, async () => {
    const found = await explore(workload, {
      crashRecoveryOneIn: 200,
      samples: 1,
      ...sampled(24),
    });
    report(`power cuts of a consumer ${workload.name}`, [found]);
    assertEquals(found.violations.slice(0, 3), []);
    assert(found.states > 50, `${found.states} states`);
  });
}

Deno.test("a consumer's position survives every call failing, once and from then on", async () => {
  for (const workload of CONSUMER_WORKLOADS.slice(0, size(1, 2))) {
    const found = await sweepFaults(workload, {
      faults: size([EIO], [EIO, ENOSPC]),
      cuts: "none",
      crashRecoveryOneIn: 500,
      ...sampledCalls(3, 100),
    });
    report(`failing calls of a consumer ${workload.name}`, [found]);
    assertEquals(found.violations.slice(0, 3), []);
    assert(found.states > 50, `${found.states} states`);
  }
});
