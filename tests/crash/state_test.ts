import { assert, assertEquals } from "@std/assert";
import {
  explore,
  type ExploreReport,
  type Fault,
  Random,
  sweepFaults,
  type Workload,
} from "@mini/state/testing";
import { report } from "../support/report.ts";
import { sampled, sampledCalls, size } from "../support/size.ts";
import { STATE_WORKLOADS } from "../support/state_workloads.ts";

for (const workload of STATE_WORKLOADS) {
  Deno.test(`StateManager survives a power cut after every call, in every way: ${workload.name}`, async () => {
    const found = await explore(workload, {
      crashRecoveryOneIn: 200,
      samples: 1,
      ...sampled(60),
    });
    report(`power cuts of ${workload.name}`, [found]);
    assertEquals(found.violations.slice(0, 3), []);
    assert(found.states > 20, `${found.states} states`);
  });
}

/** A disk that breaks, and one that is full. */
const FAULTS = ["EIO", "ENOSPC"].map((code) => ({ code, keepBytes: 40 }));

/** Some workloads, each with a fault: others each time, or all with both. */
function swept(): (readonly [Workload<string>, Fault])[] {
  const all = FAULTS.flatMap((fault) =>
    STATE_WORKLOADS.map((workload) => [workload, fault] as const)
  );
  const random = new Random(sampledCalls(1, 1).seed);
  const some = [0, 1].map(() => all[random.below(all.length)]!);
  return size([...new Set(some)], all);
}

Deno.test("StateManager survives every call failing, once and from then on", async () => {
  const reports: ExploreReport[] = [];
  for (const [workload, fault] of swept()) {
    reports.push(
      await sweepFaults(workload, {
        faults: [fault],
        cuts: "none",
        crashRecoveryOneIn: 1_000,
        ...sampledCalls(4, 60),
        // They are too many for a night.
        stateOneIn: size(60, 8),
      }),
    );
  }
  report("failing calls of states", reports);
  for (const { name, states, violations } of reports) {
    assertEquals(violations.slice(0, 3), [], name);
    assert(states > 2, `${name}: ${states} states`);
  }
});
