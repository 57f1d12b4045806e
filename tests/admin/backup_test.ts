import { backup } from "@mini/state/admin";
import { MiniQueue } from "@mini/state/queue";
import { type MiniError, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  assertNotWhole,
  filesIn,
  fillAtEveryCall,
  FROM,
  makeCounter,
  meanwhile,
  recordsOf,
  stopAtEveryBlock,
  TO,
} from "../support/copies.ts";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { LOG, MOST, openRestless } from "../support/verified.ts";

Deno.test("backup() copies a state that is open in this process, which applies, rotates and compacts meanwhile", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter(FROM, { fs, maxSegmentBytes: 1_000 });
  let steps = 0;
  const beside = meanwhile(fs, async () => {
    await counter.apply({ by: 1 });
    if (++steps % 100 === 0) await counter.compact();
  });
  let last = 0;
  for (let turn = 1; turn <= 10; turn++) {
    const acknowledged = counter.sequence;
    const report = await backup(FROM, `${TO}-${turn}`, { fs: beside });
    assertEquals([report.leftOut, report.findings], [[], []]);
    assert(report.last >= acknowledged, `${report.last} of ${acknowledged}`);
    assert(report.last > last && report.last <= counter.sequence);
    last = report.last;
    await using copy = await openCounter(`${TO}-${turn}`, { fs });
    assertEquals([copy.sequence, copy.state.value], [last, last]);
  }
  assert(counter.firstSequence > 1, "nothing was compacted");
  assertEquals(counter.state.value, counter.sequence);
  assertEquals(counter.snapshotFailure, undefined);
});

Deno.test("backup() ends beside a writer that starts a segment whenever one is read", async () => {
  const fs = new MemoryFileSystem();
  await using restless = await openRestless(fs);
  const { store, beside } = restless;
  const acknowledged = store.sequence;
  const { last, findings } = await backup(LOG, TO, { fs: beside });
  assertEquals(findings, []);
  assert(last >= acknowledged && store.sequence < MOST, `${store.sequence}`);
  const copied = await recordsOf(fs, `${TO}/journal.jsonl`);
  assertEquals(copied.length, last);
  await using copy = await MiniStore.open(`${TO}/journal.jsonl`, { fs });
  assertEquals([copy.sequence, await copy.append(0)], [last, last + 1]);
});

Deno.test("backup() copies a store and a queue that are open in this process, on a disk", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at("log.jsonl"));
  await using queue = await MiniQueue.open<string>(directory.at("jobs"), {
    inbox: true,
  });
  await store.append("a");
  await queue.enqueue("b");
  await using message = await queue.receive();
  for (const round of [1, 2]) {
    const log = await backup(store.path, directory.at(`log-${round}`));
    const jobs = await backup(directory.at("jobs"), directory.at(`q-${round}`));
    assertEquals([log.last, jobs.findings], [store.sequence, []]);
    await store.append("c");
    await message?.extend(60_000);
  }
  assertEquals(await message?.ack(), undefined);
  await using second = await MiniStore.open(directory.at("log-2/log.jsonl"));
  assertEquals(second.sequence, 2);
  await using jobs = await MiniQueue.open(directory.at("q-2"));
  const { ready, inFlight } = await jobs.stats();
  assertEquals(ready + inFlight, 1);
});

Deno.test("backup() reports plain JSON, and what stands beside the log", async () => {
  const fs = new MemoryFileSystem();
  {
    await using store = await MiniStore.open<string>(`${FROM}/journal.jsonl`, {
      fs,
    });
    await store.append("a");
    await using consumer = await store.consumer("mailer");
    await consumer.commit(0);
  }
  const report = await backup(FROM, TO, { fs });
  assertEquals(JSON.parse(JSON.stringify(report)), report);
  assertEquals(report, {
    from: `${FROM}/journal.jsonl`,
    to: `${TO}/journal.jsonl`,
    first: 1,
    last: 1,
    segments: 1,
    snapshots: 0,
    sizeBytes: fs.content(`${TO}/journal.jsonl`)!.length,
    setAside: [],
    consumers: ["mailer"],
    posted: 0,
    leftOut: [],
    tornBytes: 0,
    findings: [],
  });
  assertEquals(fs.names(TO), ["journal.jsonl"]);
});

Deno.test("backup() of a damaged log fails with CORRUPT, and leaves nothing that opens", async () => {
  const fs = new MemoryFileSystem();
  await makeCounter(fs);
  const names = fs.names(FROM).filter((name) => name.endsWith(".jsonl"));
  const path = `${FROM}/${names.at(-1)}`;
  const bytes = fs.content(path)!;
  bytes[bytes.length >> 1]! ^= 1;
  fs.put(path, bytes);
  const before = filesIn(fs, FROM);
  const error = await assertRejects(() => backup(FROM, TO, { fs }));
  assertEquals((error as MiniError).code, "CORRUPT");
  assertEquals((await assertNotWhole(fs)).length > 0, true);
  assertEquals(filesIn(fs, FROM), before);
});

Deno.test("backup() leaves out what a snapshot stands for, and names it", async () => {
  const fs = new MemoryFileSystem();
  await makeCounter(fs);
  const [first] = fs.names(FROM).filter((name) => /\.\d{20}\./.test(name));
  const [oldest] = fs.names(FROM).filter((name) => /^snapshot/.test(name));
  const paths = [oldest, first].map((name) => `${FROM}/${name}`);
  for (const path of paths) {
    const bytes = fs.content(path)!;
    bytes[bytes.length - 5]! ^= 1;
    fs.put(path, bytes);
  }
  const report = await backup(FROM, TO, { fs });
  assertEquals([report.leftOut, report.covered], [paths, paths[1]]);
  await using copy = await openCounter(TO, { fs });
  assertEquals(copy.state.value, 12);
});

Deno.test("backup() says what the original lacks, and copies the rest", async () => {
  const fs = new MemoryFileSystem();
  await makeCounter(fs);
  for (const name of fs.names(FROM)) {
    if (name.endsWith(".jsonl")) fs.unlink(`${FROM}/${name}`);
  }
  const { findings, segments, snapshots } = await backup(FROM, TO, { fs });
  assertEquals([segments, snapshots], [0, 2]);
  assertEquals(findings.map(({ code }) => code), ["CORRUPT"]);
  await using copy = await openCounter(TO, { fs });
  assertEquals(copy.state.value, 8);
});

Deno.test("backup() stopped by its signal rejects with the reason, and leaves nothing that opens", async () => {
  const blocks = await stopAtEveryBlock(backup);
  assert(blocks > 20, `${blocks} blocks`);
});

Deno.test("backup() on a full disk fails with NO_SPACE, and leaves nothing that opens", async () => {
  const calls = await fillAtEveryCall(backup);
  assert(calls > 10, `${calls} calls`);
});

Deno.test("backup() refuses misuse, and writes nothing", async () => {
  const fs = new MemoryFileSystem();
  await makeCounter(fs);
  fs.put("/full/file", new Uint8Array(1));
  for (const dir of ["/full", "/full/file"]) {
    await assertRejects(() => backup(FROM, dir, { fs }), TypeError);
  }
  const gone = await assertRejects(() => backup("/gone", TO, { fs }));
  assertEquals((gone as MiniError).code, "NOT_FOUND");
  assertEquals([fs.names("/full"), fs.names(TO)], [["file"], []]);
});

Deno.test("backup() finds a log of another name, and keeps the name", async () => {
  const fs = new MemoryFileSystem();
  {
    await using store = await MiniStore.open<string>("/logs/b.jsonl", { fs });
    await store.append("b");
    await using other = await MiniStore.open<string>("/logs/a.jsonl", { fs });
    await other.append("a");
  }
  await assertRejects(() => backup("/logs", TO, { fs }), TypeError);
  const report = await backup("/logs", TO, { fs, journal: "b.jsonl" });
  assertEquals(report.to, `${TO}/b.jsonl`);
  assertEquals(await recordsOf(fs, report.to), ["b"]);
});
