// Logs and snapshots that are copied between directories and streams.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  copyToDirectory,
  copyToStream,
  jetStream,
  type MoveOptions,
} from "@mini/state/jetstream";
import { MiniQueue } from "@mini/state/queue";
import { type SnapCodec, SnapStore } from "@mini/state/snap";
import { StateManager } from "@mini/state/state";
import { MiniError, MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { FakeNats } from "../support/fake_nats.ts";

/** A state that is not plain JSON: the numbers that it was given, in parts. */
const codec: SnapCodec<Set<number>> = {
  encode: (state) => [...state].values(),
  decode: async (parts) =>
    new Set(await Array.fromAsync(parts as AsyncIterable<number>)),
};

const definition = {
  initial: () => new Set<number>(),
  apply(state: Set<number>, number: number) {
    if (state.has(number)) throw new Error(`${number} is there`);
    return state.add(number);
  },
  codec,
};

/** Aborted mutations, snapshots, and a log that does not begin with record 1. */
async function fill(dir: string): Promise<void> {
  await using state = await StateManager.open(dir, {
    ...definition,
    maxSegmentBytes: 500,
  });
  for (let number = 1; number <= 40; number++) {
    await state.apply(number);
    if (number % 10 === 0) {
      await state.apply(number).catch(() => {});
      await state.createSnapshot();
    }
  }
  await state.compact();
  await state.apply(41);
}

/** Everything in a directory that is copied. */
async function contents(dir: string) {
  await using log = await MiniStore.open<unknown>(`${dir}/journal.jsonl`);
  const records = await Array.fromAsync(log.replay());
  const snapshots = new SnapStore(dir, { codec, readOnly: true });
  const found = await Promise.all(
    (await snapshots.list()).map(({ seq }) => snapshots.restore(seq)),
  );
  const { id, firstSequence, sequence, applied } = log;
  await log.close({ applied });
  return { id, firstSequence, sequence, applied, records, snapshots: found };
}

Deno.test("copyToStream() and copyToDirectory() copy records, numbers, what was aborted, and snapshots", async () => {
  const nats = new FakeNats();
  const nc = nats.connect();
  await using directory = new TestDirectory();
  const [dir, back] = [directory.at("state"), directory.at("back")];
  await fill(dir);
  const before = await contents(dir);
  assert(before.firstSequence > 1 && before.snapshots.length === 2);
  const { id, firstSequence, sequence } = before;
  const snapshots = before.snapshots.map((each) => each!.seq);
  const report = { id: id!, firstSequence, sequence, snapshots };
  assertEquals(await copyToStream(dir, nc, "set"), report);
  assertEquals(await contents(dir), before);
  {
    await using state = await StateManager.open({
      ...definition,
      ...await jetStream<Set<number>>(nc, "set", { codec }),
    });
    assertEquals(state.sequence, sequence);
    assertEquals([...state.state].length, 41);
  }
  assertEquals(await copyToDirectory(nc, "set", back), report);
  assertEquals(await contents(back), before);
  await using state = await StateManager.open(back, definition);
  assertEquals(await state.apply(42), sequence + 1);
});

Deno.test("copyToStream() copies a queue, which continues where it is opened", async () => {
  const nats = new FakeNats();
  await using directory = new TestDirectory();
  const [dir, back] = [directory.at("jobs"), directory.at("back")];
  {
    await using queue = await MiniQueue.open<string>(dir);
    await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
    await (await queue.receive())!.ack();
  }
  const nc = nats.connect();
  await copyToStream(dir, nc, "jobs");
  await copyToDirectory(nc, "jobs", back);
  await using queue = await MiniQueue.open<string>(back);
  const message = await queue.receive();
  assertEquals(message?.payload, "b");
  await message!.ack();
});

Deno.test("copyToStream() and copyToDirectory() copy an empty log, and what proves what was applied", async () => {
  const nats = new FakeNats();
  const nc = nats.connect();
  await using directory = new TestDirectory();
  const [dir, back] = [directory.at("empty"), directory.at("back")];
  await (await MiniStore.open(`${dir}/journal.jsonl`)).close();
  const { id } = await contents(dir);
  const report = { id: id!, firstSequence: 1, sequence: 0, snapshots: [] };
  assertEquals(await copyToStream(dir, nc, "empty"), report);
  assertEquals(await copyToDirectory(nc, "empty", back), report);

  // Records of which nothing proves that they were applied.
  const unproven = directory.at("unproven");
  {
    const store = await MiniStore.open<number>(`${unproven}/journal.jsonl`);
    for (const applied of [0, 1, 2]) {
      await store.append(applied, { applied: () => applied });
    }
    await store.close({ applied: 2 });
  }
  assertEquals((await contents(unproven)).applied, 2);
  await copyToStream(unproven, nc, "unproven");
  await copyToDirectory(nc, "unproven", directory.at("unproven2"));
  assertEquals(
    await contents(directory.at("unproven2")),
    await contents(unproven),
  );
});

Deno.test("copyToStream() refuses a stream that holds anything, and a directory that has no log or is in use", async () => {
  const nats = new FakeNats();
  const nc = nats.connect();
  await using directory = new TestDirectory();
  const dir = directory.at("state");
  const codeOf = async (copying: Promise<unknown>) =>
    (await assertRejects(() => copying, MiniError)).code;
  assertEquals(await codeOf(copyToStream(dir, nc, "set")), "NOT_FOUND");
  assertEquals(directory.names(), []);
  await fill(dir);
  const before = await contents(dir);
  {
    await using _state = await StateManager.open(dir, definition);
    assertEquals(await codeOf(copyToStream(dir, nc, "set")), "LOCKED");
  }
  {
    // Of as many records, of which nothing proves that they were applied.
    const { log } = await jetStream(nc, "set");
    for (let seq = 1; seq <= before.sequence; seq++) await log.append(seq);
    await log.close();
  }
  assertEquals(await codeOf(copyToStream(dir, nc, "set")), "CONFLICT");
  const { log } = await jetStream(nc, "set");
  assertEquals([log.sequence, log.applied], [before.sequence, 0]);
  await log.close();
  assertEquals(await contents(dir), before);
  const wrong = { surprise: 1 } as MoveOptions;
  await assertRejects(() => copyToStream(dir, nc, "set", wrong), TypeError);
});

Deno.test("copyToDirectory() refuses a directory that is there, and a state that is not", async () => {
  const nats = new FakeNats();
  const nc = nats.connect();
  await using directory = new TestDirectory();
  await assertRejects(
    () => copyToDirectory(nc, "set", directory.path),
    TypeError,
    "is there: give a directory that is not",
  );
  const missing = assertRejects(
    () => copyToDirectory(nc, "set", directory.at("new")),
    MiniError,
  );
  assertEquals((await missing).code, "NOT_FOUND");
  assertEquals(directory.names(), []);
});

Deno.test("a copy that is not finished cannot be opened", async () => {
  const nats = new FakeNats();
  await using directory = new TestDirectory();
  const [dir, back] = [directory.at("state"), directory.at("back")];
  await fill(dir);
  const before = await contents(dir);
  const nc = nats.connect();
  const { request } = nc;
  let failed = 0;
  nc.request = async (subject, ...rest) => {
    if (subject.startsWith("mini.set.snap.file.")) {
      failed++;
      throw new Error("no responders");
    }
    return await request(subject, ...rest);
  };
  const quick = { doubtMs: 1 };
  await assertRejects(() => copyToStream(dir, nc, "set", quick), MiniError);
  assert(failed > 0);
  assertEquals(await contents(dir), before);
  const opening = assertRejects(
    () => jetStream(nats.connect(), "set"),
    MiniError,
  );
  assertEquals((await opening).code, "UNSUPPORTED_FORMAT");

  nats.streams.clear();
  await copyToStream(dir, nats.connect(), "set");
  const stop = new AbortController();
  const stopping = nats.connect();
  const { request: ask } = stopping;
  stopping.request = async (subject, ...rest) => {
    if (subject.includes("SNAP")) stop.abort();
    return await ask(subject, ...rest);
  };
  const { signal } = stop;
  await assertRejects(() => copyToDirectory(stopping, "set", back, { signal }));
  assertEquals(directory.names().filter((name) => name === "back"), []);
});
