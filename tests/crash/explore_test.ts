import { assert, assertEquals } from "@std/assert";
import {
  explore,
  type ExploreReport,
  type Fault,
  sweepFaults,
  type Workload,
} from "@mini/state/testing";
import { say } from "../support/report.ts";
import { compaction, STORE_WORKLOADS } from "../support/workloads.ts";

const WORKLOADS = [...STORE_WORKLOADS, compaction()];

/** Prints what was looked at, so that a green run says how much it means. */
function report(kind: string, reports: readonly ExploreReport[]): void {
  const sum = (count: (report: ExploreReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0).toLocaleString(
      "en",
    );
  say(
    `${kind}: ${reports.length} workloads, ${
      sum((report) => report.moments)
    } moments, ` +
      `${sum((report) => report.states)} states, ${
        sum((report) => report.recoveries)
      } recoveries, ` +
      `${sum((report) => report.violations.length)} violations`,
  );
}

Deno.test("MiniStore survives a power cut after every call, in every way", async () => {
  const reports: ExploreReport[] = [];
  for (const workload of WORKLOADS) reports.push(await explore(workload));
  report("power cuts", reports);
  for (const { name, states, violations } of reports) {
    assertEquals(violations.slice(0, 3), [], name);
    assert(states > 10, `${name}: ${states} states`);
  }
});

Deno.test("MiniStore survives a power cut with the last bytes cut anywhere", async () => {
  const reports: ExploreReport[] = [];
  for (const name of ["appends one after another", "batches"]) {
    const workload = WORKLOADS.find((workload) => workload.name === name)!;
    reports.push(
      await explore(workload, { cuts: "every byte", crashRecoveryOneIn: 200 }),
    );
  }
  report("cuts at every byte", reports);
  for (const { name, violations } of reports) {
    assertEquals(violations.slice(0, 3), [], name);
  }
});

Deno.test("MiniStore survives every call failing, once and for ever", async () => {
  const reports: ExploreReport[] = [];
  const faults = [{ code: "EIO", keepBytes: 40 }, {
    code: "ENOSPC",
    keepBytes: 7,
  }];
  for (
    const workload of WORKLOADS.filter(({ name }) => name !== "several lives")
  ) {
    reports.push(await sweep(workload, faults));
  }
  report("failing calls", reports);
});

Deno.test("MiniStore survives every error that a call may give", async () => {
  const reports: ExploreReport[] = [];
  const faults = ["EDQUOT", "EFBIG", "EROFS", "EACCES", "EMFILE", "EINVAL"]
    .map((code) => ({ code }));
  for (const name of ["batches", "rotation"]) {
    const workload = WORKLOADS.find((workload) => workload.name === name)!;
    reports.push(await sweep(workload, faults));
  }
  report("other errors", reports);
});

async function sweep(
  workload: Workload<string>,
  faults: readonly Fault[],
): Promise<ExploreReport> {
  const options = { faults, cuts: "none", crashRecoveryOneIn: 50 } as const;
  const found = await sweepFaults(workload, options);
  assertEquals(found.violations.slice(0, 3), [], workload.name);
  assert(found.states > 10, `${workload.name}: ${found.states} states`);
  return found;
}
