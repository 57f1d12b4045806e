import { assert, assertEquals } from "@std/assert";
import { explore, type ExploreReport, sweepFaults } from "@mini/state/testing";
import { report } from "../support/report.ts";
import { sampled, sampledCalls } from "../support/size.ts";
import { STATE_WORKLOADS } from "../support/state_workloads.ts";

for (const workload of STATE_WORKLOADS) {
  Deno.test(`StateManager survives a power cut after every call, in every way: ${workload.name}`, async () => {
    const found = await explore(workload, {
      crashRecoveryOneIn: 200,
      samples: 1,
      ...sampled(40),
    });
    report(`power cuts of ${workload.name}`, [found]);
    assertEquals(found.violations.slice(0, 3), []);
    assert(found.states > 20, `${found.states} states`);
  });
}

Deno.test("StateManager survives every call failing, once and from then on", async () => {
  const reports: ExploreReport[] = [];
  const faults = {
    EIO: ["applies that throw"],
    ENOSPC: ["compaction under concurrent applies", "a past of two records"],
  };
  for (const [code, names] of Object.entries(faults)) {
    for (
      const workload of STATE_WORKLOADS.filter(({ name }) =>
        names.includes(name)
      )
    ) {
      const options = {
        cuts: "none",
        crashRecoveryOneIn: 1_000,
        ...sampledCalls(4, 40),
      } as const;
      const fault = { code, keepBytes: 40 };
      reports.push(
        await sweepFaults(workload, { faults: [fault], ...options }),
      );
    }
  }
  report("failing calls of states", reports);
  for (const { name, states, violations } of reports) {
    assertEquals(violations.slice(0, 3), [], name);
    assert(states > 50, `${name}: ${states} states`);
  }
});
