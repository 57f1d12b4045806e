import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { copyFolder, mini } from "../support/mini.ts";

/** The data of the records in the files with these names, in order. */
function recordsIn(fs: MemoryFileSystem, names: readonly string[]): unknown[] {
  const texts = names.map((name) =>
    new TextDecoder().decode(fs.content(`/data/${name}`))
  );
  return texts.join("").trimEnd().split("\n")
    .map((line) => JSON.parse(line))
    .filter((line) => "data" in line)
    .map((line) => line.data.apply.by);
}

/** A log of records 1 to 3, in three segments, and a snapshot at 4. */
async function behindItsSnapshot(): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const options = { fs, maxSegmentBytes: 150 };
  const counter = await openCounter("/data", options);
  for (const by of [1, 2, 3]) await counter.apply({ by });
  await counter.close();
  const before = new Map(
    fs.names("/data").filter((name) => name.endsWith(".jsonl"))
      .map((name) => [name, fs.content(`/data/${name}`)!]),
  );
  const again = await openCounter("/data", options);
  await again.apply({ by: 4 });
  await again.createSnapshot();
  await again.close();
  for (const name of fs.names("/data")) {
    if (name.endsWith(".jsonl")) fs.unlink(`/data/${name}`);
  }
  for (const [name, bytes] of before) fs.put(`/data/${name}`, bytes);
  return fs;
}

Deno.test("StateManager sets aside, and removes nothing of, a log that a snapshot is ahead of", async () => {
  const fs = await behindItsSnapshot();
  const asides = () => fs.names("/data").filter((name) => /aside/.test(name));
  {
    await using counter = await openCounter("/data", { fs });
    assertEquals([counter.state.value, counter.sequence], [10, 4]);
    assertEquals(counter.recovery.logEndedAt, 3);
    assertStringIncludes(counter.recovery.reason!, "an older copy");
    await counter.apply({ by: 5 });
  }
  assertEquals(recordsIn(fs, asides()), [1, 2, 3]);
  const first = asides();
  {
    await using counter = await openCounter("/data", { fs });
    assertEquals([counter.state.value, counter.sequence], [15, 5]);
  }
  // The same once more: what is there already stays.
  const again = await behindItsSnapshot();
  for (const name of first) again.put(`/data/${name}`, new Uint8Array());
  await (await openCounter("/data", { fs: again })).close();
  const second = again.names("/data").filter((name) => /aside-2$/.test(name));
  assertEquals(recordsIn(again, second), [1, 2, 3]);
});

for (let failing = 1; failing <= 12; failing++) {
  Deno.test(`StateManager loses no record where call ${failing} fails while a log is set aside`, async () => {
    const fs = await behindItsSnapshot();
    let writes = 0;
    fs.hooks.before = ({ operation }) =>
      /rename|create|write|sync/.test(operation) && ++writes === failing
        ? { code: "ENOSPC" }
        : undefined;
    const failed = await openCounter("/data", { fs }).then(
      async (counter) => void await counter.close(),
      (error) => error.code,
    );
    fs.hooks.before = () => undefined;
    fs.restart();
    await using counter = await openCounter("/data", { fs });
    assertEquals([counter.state.value, counter.sequence], [10, 4], failed);
    const asides = fs.names("/data").filter((name) => /aside/.test(name));
    assertEquals(recordsIn(fs, asides), [1, 2, 3], failed);
  });
}

Deno.test("StateManager and mini verify tell of a backup that was copied over newer files", async () => {
  await using directory = new TestDirectory();
  const [dir, backup] = [directory.at("state"), directory.at("backup")];
  {
    await using counter = await openCounter(dir);
    await counter.apply({ by: 1 });
  }
  await copyFolder(dir, backup);
  {
    await using counter = await openCounter(dir);
    await counter.apply({ by: 2 });
    await counter.createSnapshot();
  }
  await copyFolder(backup, dir);
  const before = await mini(["verify", dir]);
  assertEquals(before.code, 1);
  assertStringIncludes(before.stdout, "a backup is copied over the folder");
  {
    await using counter = await openCounter(dir);
    const { logEndedAt, reason = "" } = counter.recovery;
    assertEquals([counter.state.value, logEndedAt], [3, 1]);
    assertStringIncludes(
      reason,
      "at record 2: an older copy, such as a backup",
    );
  }
  const { stdout } = await mini(["verify", dir]);
  assertStringIncludes(stdout, "a backup was copied over newer files");
  assert(!stdout.includes("all is well"), stdout);
});

Deno.test("StateManager and mini verify tell of a backup that was copied over a log that was rotated since", async () => {
  await using directory = new TestDirectory();
  const [dir, backup] = [directory.at("state"), directory.at("backup")];
  {
    await using counter = await openCounter(dir);
    await counter.apply({ by: 1 });
  }
  await copyFolder(dir, backup);
  {
    await using counter = await openCounter(dir, { maxSegmentBytes: 150 });
    for (const by of [2, 3]) await counter.apply({ by });
  }
  await copyFolder(backup, dir);
  const error = await errorOf(openCounter(dir));
  assertEquals(error.code, "CORRUPT", error.message);
  const told = "an older copy, such as a backup, ";
  assertStringIncludes(error.message, told);
  assertStringIncludes((await mini(["verify", dir])).stdout, told);
  const read = Array.fromAsync(MiniStore.replay(join(dir, "journal.jsonl")));
  assertEquals((await errorOf(read)).code, "CORRUPT");
});
