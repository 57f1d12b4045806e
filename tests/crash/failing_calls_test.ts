import { assert, assertEquals } from "@std/assert";
import {
  type ExploreReport,
  type Fault,
  sweepFaults,
  type Workload,
} from "@mini/state/testing";
import { report } from "../support/report.ts";
import { sampledCalls, size } from "../support/size.ts";
import { STORE_WORKLOADS } from "../support/workloads.ts";

const FAULTS = [{ code: "EIO", keepBytes: 40 }, {
  code: "ENOSPC",
  keepBytes: 7,
}];

for (const workload of STORE_WORKLOADS) {
  if (workload.name === "several lives") continue;
  Deno.test(`MiniStore survives every call failing, once and from then on: ${workload.name}`, async () => {
    const found = await sweep(workload, FAULTS, 32);
    report(`failing calls of ${workload.name}`, [found]);
  });
}

Deno.test("MiniStore survives every error that a call may give", async () => {
  const reports: ExploreReport[] = [];
  const faults = ["EDQUOT", "EFBIG", "EROFS", "EACCES", "EMFILE", "EINVAL"]
    .map((code) => ({ code }));
  for (const name of ["batches", "rotation"]) {
    const workload = STORE_WORKLOADS.find((workload) =>
      workload.name === name
    )!;
    reports.push(await sweep(workload, faults, 96));
  }
  report("other errors", reports);
});

async function sweep(
  workload: Workload<string>,
  faults: readonly Fault[],
  stateOneIn: number,
): Promise<ExploreReport> {
  const options = {
    faults,
    cuts: "none",
    crashRecoveryOneIn: 50,
    ...sampledCalls(4, stateOneIn),
  } as const;
  const found = await sweepFaults(workload, options);
  assertEquals(found.violations.slice(0, 3), [], workload.name);
  assert(
    found.states > size(5, 10),
    `${workload.name}: ${found.states} states`,
  );
  return found;
}
