import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Repair,
  repair,
  type RepairReport,
  verify,
} from "@mini/state/admin";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { filesIn, FROM, makeCounter } from "../support/copies.ts";
import { openCounter } from "../support/counter.ts";
import { flip, opened, PATH, sealed, sixRecords } from "../support/damaged.ts";
import { onFullDisk, stoppedEverywhere } from "../support/interrupted.ts";
import { errorOf, JournalBytes } from "../support/journal.ts";
import { size } from "../support/size.ts";

/** The six records, the third of them damaged. */
async function damaged(): Promise<MemoryFileSystem> {
  const fs = await sixRecords();
  flip(fs, sealed(2), "record 3", "record 0");
  assertEquals(await opened(fs), "CORRUPT");
  return fs;
}

/** The same, whole, without the newest segment. */
async function withoutNewest(): Promise<MemoryFileSystem> {
  const fs = await sixRecords();
  fs.unlink(PATH);
  return fs;
}

/** The report of a repair that is needed. */
function needed(report: RepairReport): Repair {
  if (!report.needed) throw new Error("nothing to repair");
  return report;
}

const TWO = ["record 1", "record 2"];
const FOUR = [...TWO, "record 3", "record 4"];

Deno.test("repair() tells what it would cut off, and cuts it off", async () => {
  const fs = await damaged();
  const before = filesIn(fs, "/data");
  const plan = needed(await repair(PATH, { fs, dryRun: true }));
  assertEquals(filesIn(fs, "/data"), before);
  const { reason, ...rest } = plan;
  const { bytes } = plan.cut;
  assert(reason.includes(sealed(2)) && bytes > 0, reason);
  assertEquals(rest, {
    path: PATH,
    needed: true,
    repaired: false,
    missing: false,
    last: 2,
    cut: { from: 3, to: 6, bytes },
    aside: [],
    snapshots: 0,
    snapshotAhead: null,
  });
  const done = await repair("/data", { fs });
  const aside = [`${sealed(2)}.damaged`, `${PATH}.damaged`];
  assertEquals(done, { ...plan, repaired: true, aside });
  for (const path of aside) {
    const name = path.slice("/data/".length);
    const original = name.replace(".damaged", "");
    assertEquals(filesIn(fs, "/data")[name], before[original]);
  }
  assertEquals(await opened(fs), TWO);
  const again = await repair(PATH, { fs });
  assertEquals(again, { path: PATH, needed: false, repaired: false });
});

Deno.test("repair() sees a gap before a segment that is damaged as well", async () => {
  const fs = await sixRecords();
  fs.unlink(sealed(2));
  const [first = ""] = filesIn(fs, "/data")["journal.jsonl"]!.split("\n");
  const { crc: _, ...header } = JSON.parse(first);
  const forged = new JournalBytes(header).add({ seq: 5, data: 5 })
    .add({ seq: 9, data: 9 });
  fs.put(PATH, forged.bytes);
  const { findings } = await verify(PATH, { fs });
  assertEquals(findings.map(({ message }) => message.includes("ends with")), [
    true,
  ]);
  const { last } = needed(await repair(PATH, { fs }));
  assertEquals([last, await opened(fs)], [2, TWO]);
});

Deno.test("repair() puts a log without its newest segment back to the end of the one before", async () => {
  const fs = await withoutNewest();
  const before = filesIn(fs, "/data");
  const plan = await repair(PATH, { fs, dryRun: true });
  assertEquals(filesIn(fs, "/data"), before);
  assertEquals(plan, {
    path: PATH,
    needed: true,
    repaired: false,
    reason:
      `The newest segment "${PATH}" is missing: a rotation was cut short, or it was removed with its records; opening creates an empty one`,
    missing: true,
    last: 4,
    cut: { from: 5, to: null, bytes: 0 },
    aside: [],
    snapshots: 0,
    snapshotAhead: null,
  });
  assertEquals(await repair(PATH, { fs }), { ...plan, repaired: true });
  assertEquals((await repair(PATH, { fs })).needed, false);
  const { "journal.jsonl": made, ...others } = filesIn(fs, "/data");
  assert(made!.includes('"base":4,'), made);
  assertEquals({ ...others, "journal.jsonl.lock": "" }, {
    ...before,
    "journal.jsonl.lock": "",
  });
  assertEquals(await opened(fs), FOUR);
  await using store = await MiniStore.open<string>(PATH, { fs });
  assertEquals([store.recovery.outcome, await store.append("next")], [
    "unclean",
    5,
  ]);
});

Deno.test("repair() knows from a snapshot, or a consumer, what a missing segment has held", async () => {
  const fs = await sixRecords();
  {
    await using store = await MiniStore.open<string>(PATH, { fs });
    await using consumer = await store.consumer("mail");
    await consumer.reset(5);
  }
  fs.unlink(PATH);
  const seen = needed(await repair(PATH, { fs }));
  assertEquals([seen.last, seen.cut], [4, { from: 5, to: 5, bytes: 0 }]);
  const state = "/data/state";
  await makeCounter(fs, state);
  {
    await using counter = await openCounter(state, { fs });
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
  }
  fs.unlink(`${state}/journal.jsonl`);
  const ahead = needed(await repair(state, { fs }));
  assertEquals(ahead.cut, { from: 13, to: 13, bytes: 0 });
  assertEquals([ahead.snapshotAhead, ahead.snapshots], [13, 2]);
  await using counter = await openCounter(state, { fs });
  assertEquals([counter.state.value, counter.sequence], [13, 13]);
});

Deno.test("repair() refuses what is open, missing or of the Rust crate; a dry run reads beside a writer", async () => {
  const fs = await sixRecords();
  assertEquals((await errorOf(repair("/none", { fs }))).code, "NOT_FOUND");
  fs.put(
    "/rust/x.log",
    new TextEncoder().encode("// MINISTORE JOURNAL v0.1.3\n1\n"),
  );
  await assertRejects(
    () => repair("/rust/x.log", { fs }),
    TypeError,
    "salvage() copies what is readable",
  );
  const wrong = { fs, dryRun: "yes" as unknown as boolean };
  await assertRejects(() => repair(PATH, wrong), TypeError, "dryRun must be");
  await using store = await MiniStore.open<string>(PATH, { fs });
  const before = filesIn(fs, "/data");
  assertEquals((await errorOf(repair(PATH, { fs }))).code, "LOCKED");
  assertEquals(filesIn(fs, "/data"), before);
  assertEquals((await repair(PATH, { fs, dryRun: true })).needed, false);
  flip(fs, sealed(2), "record 3", "record 0");
  const plan = await repair(PATH, { fs, dryRun: true });
  assertEquals(plan.needed && plan.last, 2);
  assertEquals(await store.append("seven"), 7);
});

for (
  const [what, make, records] of [
    ["a damage", damaged, TWO],
    ["a missing segment", withoutNewest, FOUR],
  ] as const
) {
  Deno.test(`repair() of ${what} stopped at any step, or on a full disk, is as before or done, and can be made again`, async () => {
    const disk = (await make()).snapshot();
    const refused = what === "a damage" ? "CORRUPT" : FOUR;
    const task = (fs: MemoryFileSystem, signal: AbortSignal) =>
      repair(PATH, { fs, signal });
    for (
      const all of [
        stoppedEverywhere(disk, task, size(5, 1)),
        onFullDisk(disk, task),
      ]
    ) {
      for await (const { fs, isDone } of all) {
        const found = await opened(fs);
        if (isDone || found !== "CORRUPT") assertEquals(found, records);
        else assertEquals(found, refused);
        await repair(PATH, { fs });
        assertEquals(await opened(fs), records);
        const temporary = fs.names("/data").filter((name) =>
          name.endsWith(".tmp")
        );
        assertEquals(temporary, []);
      }
    }
  });
}

Deno.test("repair() goes back over a damage that no snapshot stands for once the segment after it is the active one", async () => {
  const fs = new MemoryFileSystem();
  await makeCounter(fs);
  const [, second, third] = fs.names(FROM);
  const flipped = fs.content(`${FROM}/${second}`)!;
  flipped[27]! ^= 1;
  fs.put(`${FROM}/${second}`, flipped);
  const whole = fs.content(`${FROM}/${third}`)!;
  fs.put(`${FROM}/${third}`, whole.slice(0, whole.length >> 1));
  const plan = needed(await repair(FROM, { fs, dryRun: true }));
  const report = needed(await repair(FROM, { fs }));
  assertEquals([plan.last, plan.cut], [report.last, report.cut]);
  assertEquals([report.last, report.snapshotAhead], [4, 8]);
  assertEquals((await repair(FROM, { fs })).needed, false);
  await using counter = await openCounter(FROM, { fs });
  assertEquals([counter.sequence, counter.state.value], [8, 8]);
});
