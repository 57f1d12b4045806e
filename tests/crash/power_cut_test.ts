import { assert, assertEquals } from "@std/assert";
import { explore, type ExploreReport } from "@mini/state/testing";
import { report } from "../support/report.ts";
import { sampled } from "../support/size.ts";
import { STORE_WORKLOADS } from "../support/workloads.ts";

for (const workload of STORE_WORKLOADS) {
  Deno.test(`MiniStore survives a power cut after every call, in every way: ${workload.name}`, async () => {
    const found = await explore(workload, sampled(8));
    report(`power cuts of ${workload.name}`, [found]);
    assertEquals(found.violations.slice(0, 3), []);
    assert(found.states > 10, `${found.states} states`);
  });
}

Deno.test("MiniStore survives a power cut with the last bytes cut anywhere", async () => {
  const reports: ExploreReport[] = [];
  for (const name of ["appends one after another", "batches"]) {
    const workload = STORE_WORKLOADS.find((workload) =>
      workload.name === name
    )!;
    reports.push(
      await explore(workload, {
        cuts: "every byte",
        crashRecoveryOneIn: 200,
        ...sampled(8),
      }),
    );
  }
  report("cuts at every byte", reports);
  for (const { name, violations } of reports) {
    assertEquals(violations.slice(0, 3), [], name);
  }
});
