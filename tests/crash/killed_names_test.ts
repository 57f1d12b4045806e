// What a process that was killed has done and not synced is shown to the next one, and not yet on the disk.
import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import {
  crashStates,
  type DiskSnapshot,
  MemoryFileSystem,
} from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";

const PATH = "/data/journal.jsonl";

const open = (fs: MemoryFileSystem) =>
  MiniStore.open<string>(PATH, { fs, verifyFrom: 1 });

/** The disk after every call that changes something while a task runs. */
async function moments(
  fs: MemoryFileSystem,
  task: () => Promise<unknown>,
): Promise<DiskSnapshot[]> {
  const disks: DiskSnapshot[] = [];
  fs.hooks.after = () => disks.push(fs.snapshot());
  await task();
  fs.hooks = {};
  return disks;
}

/** Cuts the power at every moment, in every way, and reads what is left. */
async function leftAfterPowerCuts(
  disks: readonly DiskSnapshot[],
): Promise<string[][]> {
  const found: string[][] = [];
  for (const disk of disks) {
    for (const { fs } of crashStates(disk)) {
      fs.restart();
      await using store = await open(fs);
      found.push(
        await Array.fromAsync(store.replay(), (record) => record.data),
      );
    }
  }
  return found;
}

Deno.test("MiniStore: a removal that a process could not sync is durable before that of the next one", async () => {
  const fs = new MemoryFileSystem();
  const first = await open(fs);
  for (const item of ["a", "b", "c"]) {
    await first.append(item);
    if (item !== "c") await first.rotate();
  }
  await first.close();
  const second = await open(fs);
  fs.hooks.before = ({ operation }) =>
    operation === "syncDirectory" ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(second.compact(1))).code, "IO");
  fs.hooks = {};
  await second.close();
  assertEquals(fs.names("/data").length, 3, "it is shown as removed");
  const third = await open(fs);
  assertEquals(third.recovery.outcome, "clean");
  const disks = await moments(fs, () => third.compact(2));
  const left = await leftAfterPowerCuts(disks);
  assert(left.length > 1);
  for (const items of left) assertEquals(items.at(-1), "c");
});

Deno.test("MiniStore: a mark that a killed process has not synced is durable before a segment follows it", async () => {
  const fs = new MemoryFileSystem();
  const first = await open(fs);
  await first.append("a");
  const written = await moments(fs, () => first.close());
  const outcomes = new Set<string>();
  for (const disk of written) {
    const killed = new MemoryFileSystem(disk);
    const second = await open(killed);
    outcomes.add(second.recovery.outcome);
    const disks = await moments(killed, () => second.rotate());
    const left = await leftAfterPowerCuts(disks);
    assert(left.length > 1);
    for (const items of left) assertEquals(items, ["a"]);
  }
  assertEquals([...outcomes].sort(), ["clean", "unclean"]);
});

for (const [mark, outcome] of [[1, "unclean"], [2, "clean"]] as const) {
  Deno.test(`MiniStore: nothing follows mark ${mark} of a clean end where it is shown and will never be on the disk`, async () => {
    const fs = new MemoryFileSystem();
    const first = await open(fs);
    await first.append("a");
    let syncs = 0;
    fs.hooks.before = ({ operation }) =>
      operation === "truncate" || operation === "sync" && ++syncs >= mark
        ? { code: "EIO" }
        : undefined;
    await first.close();
    const killed = new MemoryFileSystem(fs.snapshot());
    const second = await open(killed);
    assertEquals(second.recovery.outcome, outcome);
    await second.append("b");
    const left = await leftAfterPowerCuts([killed.snapshot()]);
    assert(left.length > 0);
    for (const items of left) assertEquals(items, ["a", "b"]);
  });
}

Deno.test("MiniStore: the mark of a clean end stays when a writer opens the log and does not write", async () => {
  const fs = new MemoryFileSystem();
  const first = await open(fs);
  await first.append("a");
  await first.close();
  const closed = fs.content(PATH);
  const disks = await moments(fs, async () => {
    await (await open(fs)).close();
  });
  assertEquals(fs.content(PATH), closed);
  for (const disk of disks) {
    for (const { fs: left } of crashStates(disk)) {
      left.restart();
      await using store = await open(left);
      assertEquals(store.applied, 1);
    }
  }
});

Deno.test("MiniStore: a name that a failed rotation has taken back is durable before the log continues", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  await store.append("a");
  let renames = 0;
  fs.hooks.before = ({ operation }) =>
    operation === "rename" && ++renames === 2 ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(store.rotate())).code, "IO");
  const disks = await moments(fs, () => store.append("b"));
  const left = await leftAfterPowerCuts(disks);
  assert(left.length > 1);
  for (const items of left) assertEquals(items[0], "a");
  await store.close();
});

Deno.test("MiniStore: what is appended after a recovery is there after a power cut", async () => {
  const fs = new MemoryFileSystem();
  await (await open(fs)).append("a");
  const killed = new MemoryFileSystem(fs.snapshot());
  const store = await open(killed);
  assertEquals(store.recovery.outcome, "unclean");
  await store.append("b");
  const left = await leftAfterPowerCuts([killed.snapshot()]);
  assert(left.length > 0);
  for (const items of left) assertEquals(items, ["a", "b"]);
  await store.close();
});
