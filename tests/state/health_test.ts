import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Health,
  type HealthOptions,
  StateManager,
} from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { COUNTER, openCounter } from "../support/counter.ts";
import { MemoryLog } from "../support/memory_log.ts";

/** The status and the codes. */
function brief({ status, reasons }: Health): string {
  return [status, ...reasons.map(({ code }) => code)].join(" ");
}

Deno.test("health() of a state is that of its log too", async () => {
  const fs = new MemoryFileSystem();
  const counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  assertEquals(await counter.health(), { status: "ok", reasons: [] });
  fs.capacityBytes = 0;
  assertEquals(brief(await counter.health()), "degraded DISK_NEARLY_FULL");
  assertEquals(brief(await counter.health({ minFreeBytes: 0 })), "ok");
  const closing = counter.close();
  const [reason] = (await counter.health()).reasons;
  assertEquals(reason, {
    code: "CLOSED",
    severity: "failed",
    message: 'The state in "/data" was closed: open it again to use it',
  });
  await closing;
  assertEquals(brief(await counter.health()), "failed CLOSED");
});

Deno.test("health() of a poisoned state tells of it once", async () => {
  const fs = new MemoryFileSystem();
  const counter = await openCounter("/data", { fs });
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  await assertRejects(() => counter.apply({ by: 1 }));
  const { status, reasons } = await counter.health();
  assertEquals([status, reasons.length], ["failed", 1]);
  assertEquals(reasons[0]!.error?.code, "POISONED");
  await counter.close();
});

Deno.test("health() of a state tells of snapshots that fail until one succeeds", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs, snapshotEvery: 1 });
  fs.hooks.before = ({ operation, path }) =>
    operation === "create" && path.includes("snap")
      ? { code: "EACCES" }
      : undefined;
  await counter.apply({ by: 1 });
  const health = await counter.health();
  assertEquals(brief(health), "degraded SNAPSHOT_FAILING");
  const [reason] = health.reasons;
  assertEquals(reason!.error?.code, "PERMISSION");
  assert(/the state in "\/data" made/.test(reason!.message), reason!.message);
  fs.hooks = {};
  await counter.apply({ by: 1 });
  assertEquals(brief(await counter.health()), "ok");
});

Deno.test("health() of a state on a log that cannot tell is its own", async () => {
  const log = new MemoryLog();
  const snapshots = {
    create: (_: unknown, seq: number) => Promise.resolve({ seq, sizeBytes: 0 }),
    restore: () => Promise.resolve(undefined),
    list: () => Promise.resolve([]),
  };
  const counter = await StateManager.open({ ...COUNTER, log, snapshots });
  assertEquals(brief(await counter.health()), "ok");
  const options = { maxWaitMs: 1 } as HealthOptions;
  await assertRejects(() => counter.health(options), TypeError, "maxWaitMs");
  await counter.close();
  const { reasons: [reason] } = await counter.health();
  assertEquals(
    reason!.message,
    "The state was closed: open it again to use it",
  );
});

Deno.test("health() of a state whose log another writer has taken over has failed", async () => {
  const log = new MemoryLog();
  const failure = Object.assign(new Error("another writer has taken over"), {
    code: "DEPOSED",
  });
  const failed = Promise.withResolvers<never>();
  Object.assign(log, { failed: failed.promise });
  const snapshots = {
    create: (_: unknown, seq: number) => Promise.resolve({ seq, sizeBytes: 0 }),
    restore: () => Promise.resolve(undefined),
    list: () => Promise.resolve([]),
  };
  await using counter = await StateManager.open({
    ...COUNTER,
    log,
    snapshots,
  });
  const { changed } = counter;
  failed.resolve(failure as never);
  await changed;
  const health = await counter.health();
  assertEquals(brief(health), "failed DEPOSED");
  assertEquals(health.reasons[0]!.error?.code, "DEPOSED");
});

Deno.test("health() of a state refuses options that do not exist", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  const options = { maxWaitMs: 1 } as HealthOptions;
  await assertRejects(() => counter.health(options), TypeError, "maxWaitMs");
});
