import { explore } from "@mini/state/testing";
import { assert, assertEquals } from "@std/assert";
import { CANCEL_WORKLOAD } from "../support/cancel_workload.ts";
import { report } from "../support/report.ts";
import { sampled, size } from "../support/size.ts";

Deno.test("MiniQueue: a message is done, cancelled or waits, as the first call said, after a power cut at every call", async () => {
  const found = await explore(CANCEL_WORKLOAD, {
    crashRecoveryOneIn: size(2_000, 50),
    cuts: size("none", "edges"),
    samples: 1,
    ...sampled(15),
  });
  report("power cuts of acks and cancellations", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 20);
});
