import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type AdminProgress,
  MiniError,
  stat,
  verify,
  verifySegments,
} from "@mini/state/admin";
import { MiniQueue } from "@mini/state/queue";
import { SnapStore } from "@mini/state/snap";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { flip } from "../support/damaged.ts";
import { openCounter } from "../support/counter.ts";
import { stoppedEverywhere } from "../support/interrupted.ts";
import { fixture } from "../support/mini.ts";
import {
  assertPlain,
  counterIn,
  DIR,
  LOG,
  MOST,
  openRestless,
} from "../support/verified.ts";

Deno.test("stat tells segments, snapshots and consumers in plain JSON", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  {
    await using store = await MiniStore.open(LOG, { fs });
    await using consumer = await store.consumer("audit");
    for await (const { seq } of consumer.follow()) {
      await consumer.commit(seq);
      if (seq === 3) break;
    }
  }
  const report = await stat(DIR, { fs });
  assertPlain(report);
  const { segments, snapshots, sizeBytes, logId, ...others } = report;
  assertEquals(others, {
    path: LOG,
    format: "mini",
    first: 1,
    last: 10,
    records: 10,
    end: "closed",
    tornBytes: 0,
    health: { status: "ok", reasons: [] },
    setAside: [],
    consumers: [{ name: "audit", position: 3, lag: 7 }],
  });
  const whole = await Array.fromAsync(verifySegments(DIR, { fs }));
  assertEquals(logId, whole[0]!.logId);
  assertEquals(
    segments.map(({ end: _, ...segment }) => segment),
    whole.map(({ path, base, last, sizeBytes, isActive }) => ({
      path,
      base,
      last,
      sizeBytes,
      isActive,
    })),
  );
  assertEquals(sizeBytes, (await verify(DIR, { fs })).sizeBytes);
  assertEquals(snapshots.map(({ seq }) => seq), [4]);
  assertEquals(await stat(LOG, { fs }), report);
});

Deno.test("stat reads names and the last segments alone", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  const { segments } = await stat(DIR, { fs });
  const read = new Set<string>();
  fs.hooks.before = ({ operation, path }) => {
    if (operation === "read") read.add(path);
    return undefined;
  };
  await stat(DIR, { fs });
  // The first tells whether it is a state.
  const between = segments.slice(1, -2);
  assert(between.length > 0);
  for (const { path } of between) assert(!read.has(path), path);
});

Deno.test("stat tells the times of a log that has them", async () => {
  const fs = new MemoryFileSystem();
  {
    await using store = await MiniStore.open<number>(LOG, {
      fs,
      timestamps: true,
    });
    await store.append(1);
  }
  const { times } = await stat(LOG, { fs });
  const [record] = await Array.fromAsync(MiniStore.replay(LOG, { fs }));
  const at = record!.at!.toISOString();
  assertEquals(times, { first: at, last: at });
});

Deno.test("stat counts the messages of a queue", async () => {
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>(DIR, {
    fs,
    keepFinished: { count: 10 },
    schedules: { poll: { everyMs: 60_000, payload: "poll" } },
    inbox: true,
  });
  for (const payload of ["a", "b", "c"]) await queue.enqueue(payload);
  await (await queue.receive())!.ack();
  await (await queue.receive())!.deadLetter("no");
  await MiniQueue.post(DIR, "later", { fs });
  await queue.pause();
  const report = await stat(DIR, { fs });
  assertPlain(report);
  const { oldestMs, posted, sequence, ...others } = report.queue!;
  assert(oldestMs >= 0);
  // The queue may have taken it in by now.
  const isIn = others.ready === 2;
  assertEquals([posted, sequence], [isIn ? 0 : 1, report.last]);
  assertEquals(others, {
    ready: isIn ? 2 : 1,
    blocked: 0,
    delayed: 0,
    inFlight: 0,
    dead: 1,
    paused: true,
    finished: 1,
    schedules: [{ name: "poll", missed: 0 }],
  });
});

Deno.test("stat says what names and the last segments show to be wrong", async () => {
  const fs = new MemoryFileSystem();
  await counterIn(fs);
  const disk = fs.snapshot();
  const bytes = fs.content(LOG)!;
  fs.put(LOG, new Uint8Array([...bytes.subarray(0, -2)]));
  const torn = await stat(DIR, { fs });
  assertEquals(torn.end, "torn");
  assert(torn.problem?.startsWith(`torn: ${torn.tornBytes} bytes`));
  fs.put(LOG, bytes);
  flip(fs, LOG, '"close":10', '"close":11');
  const damaged = await stat(DIR, { fs });
  assertEquals(damaged.segments.at(-1)!.end, "damaged");
  assertEquals(
    damaged.problem,
    (await verify(DIR, { fs })).findings[0]!.message,
  );
  fs.unlink(LOG);
  const missing = await stat(DIR, { fs });
  assertEquals(missing.end, "missing");
  assert(missing.problem?.includes("is missing"));
  const other = new MemoryFileSystem(disk);
  await new SnapStore(DIR, { fs: other }).create({ value: 1 }, 12);
  assert(
    (await stat(DIR, { fs: other })).problem?.includes("ahead of the log"),
  );
  const rust = await stat(fixture("mini-rs/counter.log"));
  assertEquals([rust.format, rust.last, rust.logId], [
    "ministore",
    12,
    undefined,
  ]);
});

Deno.test("stat warns of a snapshot that may be overdue", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter(DIR, {
      fs,
      snapshotEvery: "never",
      apply: () => {},
    });
    const note = "x".repeat(1024 * 1024);
    for (let mib = 1; mib <= 9; mib++) await counter.apply({ by: 1, note });
  }
  const { health: { status, reasons: [reason] } } = await stat(DIR, { fs });
  assertEquals([status, reason?.code], ["degraded", "SNAPSHOT_OVERDUE"]);
  assert(reason!.message.includes("opening replays 9 records"));
});

Deno.test("stat tells the health that files show", async () => {
  const fs = new MemoryFileSystem();
  const health = async () => {
    const { health: { status, reasons } } = await stat(DIR, { fs });
    return [status, ...reasons.map(({ code }) => code)].join(" ");
  };
  {
    await using queue = await MiniQueue.open<string>(DIR, { fs });
    await queue.enqueue("hello");
    assertEquals(await health(), "ok");
    await (await queue.receive())?.deadLetter("nobody wants it");
  }
  assertEquals(await health(), "degraded DEAD_LETTERS");
  fs.capacityBytes = 1;
  assertEquals(await health(), "degraded DEAD_LETTERS DISK_NEARLY_FULL");
  fs.put(`${LOG}.consumer.lost`, new TextEncoder().encode("nothing"));
  fs.capacityBytes = Infinity;
  assertEquals(await health(), "degraded DEAD_LETTERS CONSUMER_UNREADABLE");
  const log = new TextDecoder().decode(fs.content(LOG));
  fs.put(LOG, new TextEncoder().encode(`${log}{"crc":"`));
  assertEquals(
    await health(),
    "degraded TORN DEAD_LETTERS CONSUMER_UNREADABLE",
  );
  fs.put(LOG, new TextEncoder().encode(log.replace("hello", "hullo")));
  assertEquals(await health(), "failed DAMAGED CONSUMER_UNREADABLE");
});

Deno.test("stat says what it cannot find or read, and refuses misuse", async () => {
  const fs = new MemoryFileSystem();
  const none = await assertRejects(() => stat(DIR, { fs }), MiniError);
  assertEquals([none.code, none.path], ["NOT_FOUND", DIR]);
  await counterIn(fs);
  const wrong = { fs, journal: 1 } as unknown as { fs: typeof fs };
  await assertRejects(() => stat(DIR, wrong), TypeError, "journal");
  fs.hooks.before = ({ operation }) =>
    operation === "open" ? { code: "EACCES" } : undefined;
  const denied = await assertRejects(() => stat(DIR, { fs }), MiniError);
  assertEquals(denied.code, "PERMISSION");
});

Deno.test("stat stops where it is told to, with the reason", async () => {
  const fs = new MemoryFileSystem();
  {
    await using queue = await MiniQueue.open<string>(DIR, { fs });
    await queue.enqueue("a");
  }
  for await (
    const _ of stoppedEverywhere(
      fs.snapshot(),
      (fs, signal) => stat(DIR, { fs, signal }),
    )
  );
  const told: AdminProgress[] = [];
  await stat(DIR, { fs, onProgress: (progress) => void told.push(progress) });
  assertEquals(told.at(-1)!.doing, "reading");
});

Deno.test("stat finds nothing amiss beside a queue that works", async () => {
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<number>(DIR, { fs });
  const seen: number[] = [];
  for (let turn = 1; turn <= 30; turn++) {
    const working = (async () => {
      for (let at = 0; at < 10; at++) await queue.enqueue(at);
      for (const message of await queue.receiveBatch(10)) await message.ack();
      if (turn % 5 === 0) await queue.compact();
    })();
    const { problem, last, queue: found } = await stat(DIR, { fs });
    assertEquals(problem, undefined);
    assert(last <= queue.sequence && (found === undefined || found.dead === 0));
    seen.push(last);
    await working;
  }
  assertEquals(seen, seen.toSorted((a, b) => a - b));
});

Deno.test("stat ends beside a writer that starts a segment whenever one is read", async () => {
  const fs = new MemoryFileSystem();
  await using restless = await openRestless(fs);
  const { store, beside } = restless;
  const acknowledged = store.sequence;
  const { problem, health, end, last, consumers } = await stat(LOG, {
    fs: beside,
  });
  assertEquals([problem, health.status, end], [undefined, "ok", "open"]);
  assert(last >= acknowledged && store.sequence < MOST, `${store.sequence}`);
  const [consumer] = consumers;
  assertEquals(consumer?.problem, undefined);
  assert(consumer!.position >= acknowledged && consumer!.position <= last);
});
