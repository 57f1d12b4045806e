import { assert, assertEquals } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import type { FileSystem } from "@mini/state/store";
import {
  explore,
  MemoryFileSystem,
  sweepFaults,
  type Workload,
} from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { report } from "../support/report.ts";

/** A state that is a list of items, so that what is restored is a beginning of what was issued. */
function snapshots(keep: number): Workload<string> {
  const open = (fs: FileSystem) =>
    new SnapStore<string[]>("/data", { fs, keep });
  const items = async (fs: FileSystem) =>
    (await open(fs).restore())?.state ?? [];
  return {
    name: `snapshots, ${keep} kept`,
    extra: "extra",
    async run(fs, log) {
      const snaps = open(fs);
      const state: string[] = [];
      for (const item of ["a", "b".repeat(600), "c", "d"]) {
        const unit = log.issue(item);
        state.push(item);
        await snaps.create(state, state.length);
        log.ack(unit);
      }
    },
    recover: items,
    async append(fs, item) {
      const state = [...await items(fs), item];
      await open(fs).create(state, state.length);
    },
  };
}

Deno.test("SnapStore survives a power cut after every call, in every way", async () => {
  const reports = [];
  for (const keep of [1, 2]) reports.push(await explore(snapshots(keep)));
  report("power cuts of snapshots", reports);
  for (const { violations, states } of reports) {
    assertEquals(violations.slice(0, 3), []);
    assert(states > 50);
  }
});

Deno.test("SnapStore survives every call failing, once and from then on", async () => {
  const faults = [{ code: "EIO", keepBytes: 20 }, { code: "ENOSPC" }];
  const found = await sweepFaults(snapshots(2), { faults, cuts: "none" });
  report("failing calls of snapshots", [found]);
  assertEquals(found.violations.slice(0, 3), []);
});

Deno.test("a snapshot fails: its temporary file is removed, and those there were stay", async () => {
  for (const operation of ["write", "sync", "rename"] as const) {
    const fs = new MemoryFileSystem();
    const snaps = new SnapStore<number>("/data", { fs });
    await snaps.create(1, 1);
    fs.hooks.before = (call) =>
      call.operation === operation ? { code: "ENOSPC" } : undefined;
    assertEquals((await errorOf(snaps.create(2, 2))).code, "NO_SPACE");
    fs.hooks = {};
    assertEquals(fs.names("/data").length, 1);
    assertEquals((await snaps.restore())?.seq, 1);
    await snaps.create(3, 3);
    assertEquals((await snaps.restore())?.seq, 3);
  }
});
