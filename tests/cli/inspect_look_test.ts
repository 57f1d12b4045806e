import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import { type Add, type Counter, openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import {
  fingerprints,
  Inspector,
  makeCounter,
  programIn,
} from "../support/inspect.ts";
import { jobEntries, writeEntries } from "../support/jobs.ts";
import { size } from "../support/size.ts";

Deno.test("mini inspect shows records with their places, by number and by what is in them", async () => {
  await using directory = new TestDirectory();
  await makeCounter(directory.at("state"));
  await using inspector = await Inspector.start(directory.at("state"));
  const overview = await inspector.get("overview");
  assertEquals([overview.first, overview.last, overview.end], [
    1,
    41,
    "closed",
  ]);
  assert(overview.segments.length > 2);

  const page = await inspector.get("records", { from: 18, count: 12 });
  assertEquals(
    page.records.map(({ seq }: { seq: number }) => seq),
    Array.from({ length: 12 }, (_, at) => 18 + at),
  );
  assertEquals(page.damages, []);
  const { file, offset, bytes, line, kind, text } = page.records[2];
  assertEquals([kind, text], ["apply", '{"by":20,"note":"note 20"}']);
  const lines = await Deno.readTextFile(directory.at(`state/${file}`));
  const stored = lines.slice(offset, offset + bytes);
  assertEquals(JSON.parse(stored).seq, 20);
  assertEquals(lines.slice(0, offset).split("\n").length, line);

  const record = await inspector.get("record", { seq: 20 });
  assertEquals(record.data, { apply: { by: 20, note: "note 20" } });
  assertEquals((await inspector.get("record", { seq: 42 })).isMissing, true);

  const told = (await inspector.ask("api/search?text=NOTE%202")).text;
  const found = told.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    found.filter(({ seq }) => seq).map(({ seq }) => seq),
    [20, 25],
  );
  assertEquals(found.at(-1), { at: 41, hits: 2, isDone: true });
});

Deno.test("mini inspect --apply shows the state as of every record, and what the record has changed", async () => {
  await using directory = new TestDirectory();
  await makeCounter(directory.at("state"));
  const program = await programIn(directory);
  await using inspector = await Inspector.start(directory.at("state"), [
    "--apply",
    program,
  ], [program]);
  await using counter = await openCounter(directory.at("state"));
  // Forwards, backwards and anywhere: what was made before must not show through.
  const order = [41, 0, 1, 5, 30, 29, 28, 27, 26, 20, 40];
  for (const at of order) {
    const view = await inspector.get("state", { at });
    assertEquals(view.madeBy, "program");
    assertEquals(view.state, await counter.at(at), `at ${at}`);
    assertEquals(view.isAborted, at === 27);
  }
  const { changes } = await inspector.get("state", { at: 25 });
  assertEquals(changes, [
    { path: "$.value", before: "300", after: "325" },
    { path: "$.log[4]", after: '"note 25"' },
  ]);
});

Deno.test("mini inspect --apply rebuilds a state when a record turns out to have been aborted", async () => {
  await using directory = new TestDirectory();
  const program = await programIn(directory);
  await using store = await MiniStore.open<unknown>(
    directory.at("state/journal.jsonl"),
  );
  for (const by of [1, 10, 100]) await store.append({ apply: { by } });
  await using inspector = await Inspector.start(directory.at("state"), [
    "--apply",
    program,
  ], [program]);
  const valueAt = async (at: number) =>
    (await inspector.get("state", { at })).state.value;
  assertEquals([await valueAt(3), await valueAt(2)], [111, 11]);
  await store.append({ abort: 2 });
  assertEquals([await valueAt(3), await valueAt(2)], [101, 1]);
  const { isAborted, changes } = await inspector.get("state", { at: 2 });
  assertEquals([isAborted, changes], [true, []]);
});

Deno.test("mini inspect --apply says REPLAY_FAILED of what other code had applied", async () => {
  await using directory = new TestDirectory();
  const program = await programIn(directory);
  const dir = directory.at("state");
  const apply = (state: Counter, { by }: Add) => {
    state.value += by;
  };
  await using newer = await openCounter(dir, { apply });
  await newer.apply({ by: 1 });
  await newer.apply({ by: 2, fail: true });
  await using inspector = await Inspector.start(dir, ["--apply", program], [
    program,
  ]);
  // Nothing proves it yet.
  const { state, isAborted } = await inspector.get("state", { at: 2 });
  assertEquals([state.value, isAborted], [1, true]);
  await newer.apply({ by: 4 });
  const { error } = await inspector.get("state", { at: 3 });
  assertStringIncludes(error.message, "apply throws for record 2");
});

Deno.test("mini inspect --apply makes states of a long log without a snapshot, from where it has been before", async () => {
  await using directory = new TestDirectory();
  const program = await programIn(directory);
  const records = size(60_000, 300_000);
  {
    await using store = await MiniStore.open<unknown>(
      directory.at("state/journal.jsonl"),
      { durable: false, maxSegmentBytes: 1_000_000 },
    );
    for (let at = 0; at < records; at += 5_000) {
      const some = Array.from({ length: 5_000 }, () => ({ apply: { by: 1 } }));
      await Promise.all(some.map((entry) => store.append(entry)));
    }
  }
  await using inspector = await Inspector.start(directory.at("state"), [
    "--apply",
    program,
  ], [program]);
  for (const at of [records, 50_000, 50_001, 3, records - 1, 0]) {
    const { state } = await inspector.get("state", { at });
    assertEquals(state.value, at);
  }
});

Deno.test("mini inspect cuts what is too much for a page, and says how much that is", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<unknown>(directory.at());
  const wide = Array.from({ length: 1_000 }, (_, at) => at);
  await store.append({ wide, long: "x".repeat(10_000), "<script>": 1 });
  await using inspector = await Inspector.start(directory.path);
  const { data, leftOut } = await inspector.get("record", { seq: 1 });
  assertEquals([data.wide.length, data.wide[200]], [201, "… 800 more"]);
  assertEquals([data.long.length, leftOut], [4_001, 801]);
  const page = await inspector.get("records", { from: 1, count: 10 });
  assert(page.records[0].text.length <= 240);
});

Deno.test("mini inspect without a program shows the snapshot and the mutations since", async () => {
  await using directory = new TestDirectory();
  await makeCounter(directory.at("state"));
  await using inspector = await Inspector.start(directory.at("state"));
  const view = await inspector.get("state", { at: 28 });
  assertEquals([view.madeBy, view.snapshot], ["nothing", 20]);
  assertEquals(view.state.value, 210);
  assertEquals(
    view.mutations.map(({ seq }: { seq: number }) => seq),
    // 27 has no effect, and 28 says so.
    [21, 22, 23, 24, 25, 26],
  );
});

Deno.test("mini inspect shows how the messages of a queue stand, now and as of any record", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path, {
    maxAttempts: 1,
  });
  await queue.enqueue("doomed");
  await (await queue.receive())?.nack({ reason: "no such user" });
  await queue.enqueue("held");
  await queue.receive();
  await queue.enqueueBatch(
    ["a1", "a2"].map((payload) => ({ payload, group: "a" })),
  );
  await queue.enqueue("later", { delayMs: 3_600_000 });
  await queue.enqueue("tomorrow", { at: new Date(Date.now() + 86_400_000) });
  await using inspector = await Inspector.start(directory.path);
  assertEquals((await inspector.get("overview")).holds, "queue");
  const view = await inspector.get("queue");
  const texts = (key: string) =>
    view.messages[key].map(({ text }: { text: string }) => JSON.parse(text));
  assertEquals(
    ["ready", "blocked", "delayed", "inFlight", "dead"].map(texts),
    [["a1"], ["a2"], ["later", "tomorrow"], ["held"], ["doomed"]],
  );
  const [later, tomorrow] = view.messages.delayed;
  assert(later.delayMs > 0 && tomorrow.delayMs > later.delayMs);
  assertStringIncludes(view.messages.dead[0].reason, "no such user");
  const { oldestMs: _, paused, ...depth } = view.depth;
  assertEquals(depth, {
    ready: 1,
    blocked: 1,
    delayed: 2,
    inFlight: 1,
    dead: 1,
    finished: 0,
    schedules: [],
  });
  assertEquals(paused, false);
  const before = await inspector.get("queue", { at: 1 });
  assertEquals([before.depth.ready, before.depth.dead], [1, 0]);
  const state = await inspector.get("state", { at: 1 });
  assertEquals(state.state.messages["1"].payload, "doomed");
});

Deno.test("mini inspect shows of jobs how far they are, how they ended, and what each record is", async () => {
  await using directory = new TestDirectory();
  const entries = jobEntries();
  await writeEntries(directory.at("journal.jsonl"), entries);
  await using inspector = await Inspector.start(directory.path);
  const { depth, messages } = await inspector.get("queue");
  assertEquals([depth.inFlight, depth.ready, depth.finished], [1, 2, 2]);
  assertEquals(depth.schedules, [
    { name: "report", last: "2026-01-02T03:00:00.000Z", missed: 3 },
    { name: "poll", missed: 0 },
  ]);
  const [{ headers, progress }] = messages.inFlight;
  assertEquals(headers, { trace: "4711", note: "<i>" });
  assertEquals(JSON.parse(progress), { percent: 40 });
  assertEquals(messages.ready[0].priority, 2);
  const [cancelled, done] = messages.finished;
  assertEquals([cancelled.as, cancelled.reason], ["cancelled", "not needed"]);
  assertEquals([done.as, JSON.parse(done.result)], ["done", { bytes: 7 }]);
  const before = await inspector.get("queue", { at: 5 });
  assertEquals(before.messages.finished.length, 1);
  const range = { from: 1, count: entries.length };
  const { records } = await inspector.get("records", range);
  assertEquals(
    records.map(({ kind }: { kind: string }) => kind),
    entries.map((entry) => Object.keys(entry).at(-1)),
  );
});

Deno.test("mini inspect tells what a writer appends, through rotations, and writes nothing itself", async () => {
  await using directory = new TestDirectory();
  await makeCounter(directory.at("state"));
  const program = await programIn(directory);
  const before = await fingerprints(directory.at("state"));
  await using inspector = await Inspector.start(directory.at("state"), [
    "--apply",
    program,
  ], [program]);
  const news = inspector.live();
  assertEquals((await news.next()).value, { last: 41, count: 0, recent: [] });
  for (const name of ["overview", "queue"]) await inspector.get(name);
  await inspector.get("records", { from: 1, count: 100 });
  await inspector.get("state", { at: 41 });
  await inspector.ask("api/search?text=note");
  await inspector.until(({ verified }) => verified.isDone);
  assertEquals(await fingerprints(directory.at("state")), before);

  await using counter = await openCounter(directory.at("state"), {
    maxSegmentBytes: 1_000,
  });
  let seen = 41;
  for (let turn = 1; turn <= 3; turn++) {
    const last = await counter.apply({ by: 1, note: "x".repeat(1_000) });
    while (seen < last) {
      const { value } = await news.next();
      if (typeof value !== "object") throw new Error("it ended");
      seen += value.count;
      assertEquals(value.last, seen);
    }
    const view = await inspector.get("state", { at: last });
    assertEquals(view.state, counter.snapshot());
    const overview = await inspector.until(({ segments }) =>
      segments.every(({ status }: { status: string }) => status !== "unread")
    );
    assertEquals(overview.last, last);
  }
  await news.return();
});
