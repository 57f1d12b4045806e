import { assert, assertEquals } from "@std/assert";
import { explore, type ExploreReport } from "@mini/state/testing";
import { report } from "../support/report.ts";
import { STORE_WORKLOADS } from "../support/workloads.ts";

Deno.test("MiniStore survives a power cut after every call, in every way", async () => {
  const reports: ExploreReport[] = [];
  for (const workload of STORE_WORKLOADS) reports.push(await explore(workload));
  report("power cuts", reports);
  for (const { name, states, violations } of reports) {
    assertEquals(violations.slice(0, 3), [], name);
    assert(states > 10, `${name}: ${states} states`);
  }
});

Deno.test("MiniStore survives a power cut with the last bytes cut anywhere", async () => {
  const reports: ExploreReport[] = [];
  for (const name of ["appends one after another", "batches"]) {
    const workload = STORE_WORKLOADS.find((workload) =>
      workload.name === name
    )!;
    reports.push(
      await explore(workload, { cuts: "every byte", crashRecoveryOneIn: 200 }),
    );
  }
  report("cuts at every byte", reports);
  for (const { name, violations } of reports) {
    assertEquals(violations.slice(0, 3), [], name);
  }
});
