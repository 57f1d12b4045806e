import { assert, assertEquals, assertRejects } from "@std/assert";
import { salvage } from "@mini/state/admin";
import { MiniStore } from "@mini/state/store";
import { MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { filesIn, makeCounter } from "../support/copies.ts";
import { openCounter } from "../support/counter.ts";
import { flip, opened, PATH, sealed, sixRecords } from "../support/damaged.ts";
import {
  type Left,
  onFullDisk,
  stoppedEverywhere,
} from "../support/interrupted.ts";
import { errorOf } from "../support/journal.ts";
import { size } from "../support/size.ts";

const TO = "/new/journal.jsonl";

/** The six records, the third of them damaged. */
async function damaged(): Promise<MemoryFileSystem> {
  const fs = await sixRecords();
  flip(fs, sealed(2), "record 3", "record 0");
  return fs;
}

const FIVE = [1, 2, 4, 5, 6].map((seq) => `record ${seq}`);

Deno.test("salvage() reports what it copied, and what of the original is not in the copy", async () => {
  const fs = await damaged();
  fs.put(`${PATH}.consumer.mail`, new TextEncoder().encode("{}"));
  fs.put("/data/inbox/one.json", new TextEncoder().encode("{}"));
  const before = filesIn(fs, "/data");
  const { damaged: lines, ...report } = await salvage(PATH, TO, { fs });
  assertEquals(report, {
    from: PATH,
    to: TO,
    format: "mini",
    snapshot: null,
    records: 5,
    ranges: [{ from: 1, to: 2, as: 1 }, { from: 4, to: 6, as: 3 }],
    gaps: [{ from: 3, to: 3 }],
    unverified: [],
    damages: 1,
    consumers: ["mail"],
    posted: 1,
    passedOver: [],
    hasLog: true,
    findings: [],
    snapshotAhead: null,
    opens: true,
  });
  const [line, ...others] = lines;
  assertEquals([line?.path, line?.line, others], [sealed(2), 2, []]);
  assertEquals(await opened(fs, TO), FIVE);
  assertEquals(filesIn(fs, "/data"), before);
});

Deno.test("salvage() says the same of a log that is gone, given its directory or the path that it had", async () => {
  const reports: unknown[] = [];
  for (const from of ["/data/state", "/data/state/journal.jsonl"]) {
    const { fs } = await sixRecords().then((fs) => ({ fs }));
    await makeCounter(fs, "/data/state");
    for (const name of fs.names("/data/state")) {
      if (name.startsWith("journal")) fs.unlink(`/data/state/${name}`);
    }
    const file = () => salvage(from, "/new.jsonl", { fs });
    await assertRejects(
      file,
      TypeError,
      '"/data/state" holds snapshots, and "/new.jsonl" is the name of a journal: give a directory that is missing or empty',
    );
    const report = await salvage(from, "/new", { fs });
    assert(report.findings[0]?.message.includes("all records are missing"));
    await using counter = await openCounter("/new", { fs });
    assertEquals([counter.state.value, counter.sequence], [8, 8]);
    reports.push(report);
    for (const name of fs.names("/data/state")) {
      fs.put(`/data/state/${name}`, new TextEncoder().encode("{}"));
    }
    const error = await errorOf(salvage(from, "/other", { fs }));
    assertEquals(error.code, "CORRUPT");
    reports.push(error.message);
  }
  assertEquals(reports.slice(2), reports.slice(0, 2));
});

Deno.test("salvage() refuses what is missing, and a place that is taken or inside the original", async () => {
  const fs = await damaged();
  assertEquals((await errorOf(salvage("/none", TO, { fs }))).code, "NOT_FOUND");
  const other = () => salvage("/data/other.jsonl", TO, { fs });
  assertEquals((await errorOf(other())).code, "NOT_FOUND");
  await salvage(PATH, TO, { fs });
  await assertRejects(
    () => salvage(PATH, TO, { fs }),
    TypeError,
    "already exists",
  );
  const inside = () => salvage("/data", "/data/sub/x.jsonl", { fs });
  await assertRejects(inside, TypeError, "must not change");
  const wrong = { fs, from: 1 };
  await assertRejects(() => salvage(PATH, "/x.jsonl", wrong), TypeError);
});

Deno.test("salvage() reads on beside a writer, and makes way for one that makes the same log", async () => {
  const fs = await sixRecords();
  await using store = await MiniStore.open<string>(PATH, { fs });
  const others: Promise<unknown>[] = [];
  const { records, damages } = await salvage(PATH, TO, {
    fs,
    onProgress({ doing }) {
      if (doing !== "salvaging" || others.length > 0) return;
      others.push(
        store.append("record 7"),
        errorOf(salvage(PATH, TO, { fs })),
      );
    },
  });
  const [, other] = await Promise.all(others);
  assertEquals((other as { code: string }).code, "LOCKED");
  assertEquals(damages, 0);
  assert(records === 6 || records === 7, `${records} records`);
  assertEquals((await opened(fs, TO) as unknown[]).length, records);
  assertEquals(await store.append("record 8"), 8);
});

/** A state whose newest record is damaged, with a snapshot before it. */
async function damagedState(): Promise<MemoryFileSystem> {
  const fs = await sixRecords();
  await makeCounter(fs, "/state");
  {
    await using counter = await openCounter("/state", { fs });
    await counter.apply({ by: 1, note: "lost" });
    await counter.apply({ by: 1 });
  }
  flip(fs, "/state/journal.jsonl", '"lost"', '"cost"');
  return fs;
}

/** A call that did not end has left nothing that opens, and the original as it was. */
async function assertNothing(
  { fs, isDone }: Left,
  records: number,
): Promise<void> {
  const found = await opened(fs, TO);
  if (isDone) assertEquals((found as unknown[]).length, records);
  else if (found !== "UNSUPPORTED_FORMAT") assertEquals(found, []);
}

for (
  const [what, make, from, to] of [
    ["a log", damaged, PATH, TO],
    ["a state", damagedState, "/state", "/new"],
  ] as const
) {
  Deno.test(`salvage() of ${what} stopped at any step, or on a full disk, leaves nothing that opens`, async () => {
    const source = await make();
    const task = (fs: MemoryFileSystem, signal: AbortSignal) =>
      salvage(from, to, { fs, signal });
    const disk = source.snapshot();
    const { records } = await salvage(from, to, { fs: source });
    for (
      const all of [
        stoppedEverywhere(disk, task, size(7, 1)),
        onFullDisk(disk, task),
      ]
    ) {
      for await (const left of all) {
        for (const dir of ["/data", "/state"]) {
          assertEquals(filesIn(left.fs, dir), filesIn(source, dir));
        }
        await assertNothing(left, records);
        if (to !== TO || left.isDone) continue;
        const report = await salvage(from, to, { fs: left.fs });
        assertEquals(report.records, records);
      }
    }
  });
}

Deno.test("salvage() says of a queue whether what is left of it opens", async () => {
  const answers: unknown[] = [];
  for (const lost of ['"payload":"a"', '"payload":"b"']) {
    const fs = new MemoryFileSystem();
    const queue = await MiniQueue.open<string>("/jobs", { fs });
    await queue.enqueue("a");
    await (await queue.receive())!.ack();
    await queue.enqueue("b");
    await queue.close();
    flip(fs, "/jobs/journal.jsonl", lost, lost.replace("payload", "pay!oad"));
    const { opens } = await salvage("/jobs", "/new", { fs });
    const opened = await MiniQueue.open<string>("/new", { fs })
      .then((queue) => queue.close()).then(() => true, ({ code }) => code);
    answers.push([opens, opened]);
  }
  assertEquals(answers, [[false, "REPLAY_FAILED"], [true, true]]);
});

Deno.test("salvage() tells for each step how far it is, and never more than all", async () => {
  const seen = new Map<string, number>();
  await salvage(PATH, TO, {
    fs: await damaged(),
    onProgress({ doing, doneBytes, totalBytes }) {
      seen.set(doing, totalBytes);
      assert(
        totalBytes === 0 || doneBytes <= totalBytes,
        `${doing}: ${doneBytes} of ${totalBytes}`,
      );
    },
  });
  const steps = ["reading", "salvaging", "reading it back", "checking"];
  assertEquals([...seen.keys()], steps);
  // Nobody knows how much of the original is looked at again.
  assertEquals(seen.get("checking"), 0);
});
