// A state opens beside no other state: each would take the other's snapshots.
import { assertEquals, assertRejects } from "@std/assert";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { type Add, type Counter, openCounter } from "../support/counter.ts";

Deno.test("StateManager.open() sees another state also behind the mark of a clean end", async () => {
  const fs = new MemoryFileSystem();
  for (let opening = 0; opening < 2; opening++) {
    await using other = await openCounter("/data", {
      fs,
      journal: "other.jsonl",
    });
    if (opening === 1) await other.apply({ by: 1 });
  }
  await assertRejects(
    () =>
      StateManager.open<Counter, Add>("/data", {
        fs,
        initial: () => ({ value: 0, log: [] }),
        apply: () => {},
      }),
    TypeError,
    'whose log is "other.jsonl"',
  );
});

Deno.test("StateManager.open() takes a log without records for another state only where they were compacted", async () => {
  const fs = new MemoryFileSystem();
  const journal = "other.jsonl";
  await (await openCounter("/data", { fs, journal })).close();
  {
    await using counter = await openCounter("/data", { fs });
    assertEquals(counter.sequence, 0);
  }
  fs.unlink("/data/journal.jsonl");
  {
    const options = { fs, journal, keepSnapshots: 1 };
    await using other = await openCounter("/data", options);
    await other.apply({ by: 1 });
    await other.compact();
  }
  await assertRejects(
    () => openCounter("/data", { fs }),
    TypeError,
    'whose log is "other.jsonl"',
  );
});

Deno.test("StateManager.open() leaves the snapshots of another state alone, whatever bit of its log is flipped", async () => {
  const whole = new MemoryFileSystem();
  {
    const options = { fs: whole, journal: "other.jsonl", maxSegmentBytes: 150 };
    await using other = await openCounter("/data", options);
    for (const by of [1, 2]) await other.apply({ by });
    await other.createSnapshot();
  }
  const logs = whole.names("/data").filter((name) => name.endsWith(".jsonl"));
  assertEquals(logs.length, 3);
  for (const name of logs) {
    const path = `/data/${name}`;
    const size = whole.content(path)!.length;
    for (let bit = 0; bit < size * 8; bit++) {
      const fs = new MemoryFileSystem(whole.snapshot());
      const bytes = fs.content(path)!.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      fs.put(path, bytes);
      await assertRejects(
        () => openCounter("/data", { fs }),
        TypeError,
        'whose log is "other.jsonl"',
        `${name}, bit ${bit}`,
      );
    }
  }
});

Deno.test("StateManager.open() takes no other file for the log of another state", async () => {
  const fs = new MemoryFileSystem();
  fs.put("/data/notes.jsonl", new TextEncoder().encode('{"a":1}\n'));
  await using counter = await openCounter("/data", { fs });
  assertEquals(counter.sequence, 0);
});
