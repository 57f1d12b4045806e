// Logs that are forwarded to servers in memory.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { forward } from "@mini/state/jetstream";
import { MiniError, MiniStore } from "@mini/state/store";
import { MemoryFileSystem, Random } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { FakeNats } from "../support/fake_nats.ts";
import {
  forwardUntil,
  messagesIn,
  opened,
  options,
  seqs,
  upTo,
} from "../support/forwarded.ts";

Deno.test("forward() makes the stream, and a message of every record", async () => {
  const nats = new FakeNats();
  await using log = await opened(undefined, { timestamps: true });
  await log.append({ t: 21.5 });
  await log.appendBatch(["a", null]);
  await forwardUntil(log, nats, 3, { subject: "readings.north" });
  const messages = messagesIn(nats);
  assertEquals(messages.map(({ data }) => data), [{ t: 21.5 }, "a", null]);
  const records = await Array.fromAsync(log.replay());
  for (
    const [index, { seq, subject, log: id, at, id: once }] of messages.entries()
  ) {
    assertEquals(seq, index + 1);
    assertEquals(subject, `readings.north.${log.id}`);
    assertEquals([id, once], [log.id, `${log.id}.${seq}`]);
    assertEquals(at, records[index]!.at!.toISOString());
  }
  const { config } = nats.streams.get("S")!;
  assertEquals(config.subjects, ["readings.north.*"]);
  assertEquals([config.discard, config.retention], ["new", "limits"]);
  assertEquals((await log.consumers())[0]!.position, 3);
});

Deno.test("forward() ends with its signal, and when the log is closed", async () => {
  const nats = new FakeNats();
  const log = await opened();
  await forward(log, nats.connect(), {
    ...options,
    signal: AbortSignal.abort(),
  });
  assertEquals(nats.asked, []);
  await forwardUntil(log, nats, 0);
  const following = forward(log, nats.connect(), options);
  await log.append("a");
  await log.close();
  await following;
});

Deno.test("forward() ends while nobody answers, when the log is closed", async () => {
  const nats = new FakeNats();
  const log = await opened();
  const told: string[] = [];
  const nc = nats.connect(new Random(1), { away: 1 });
  await forward(log, nc, {
    ...options,
    onError({ code }) {
      if (told.push(code) === 3) log.close();
    },
  });
  assertEquals(new Set(told), new Set(["UNAVAILABLE"]));
  assertEquals(nats.streams.size, 0);
});

Deno.test("forward() continues after what the stream has, whatever the consumer says", async () => {
  const nats = new FakeNats();
  const fs = new MemoryFileSystem();
  await using log = await opened(fs);
  await log.appendBatch(upTo(5));
  await forwardUntil(log, nats, 5);
  // A consumer that is behind: its position was not written, or is another's.
  await log.append(6);
  await forwardUntil(log, nats, 6, { consumer: "other" });
  assertEquals(seqs(messagesIn(nats)), upTo(6));
  // One that is ahead: the servers have lost the end of the stream.
  const { messages } = nats.streams.get("S")!;
  for (const at of [5, 6]) messages.delete(at);
  await forwardUntil(log, nats, 6);
  assertEquals(seqs(messagesIn(nats)), upTo(6));
});

Deno.test("forward() sends everything again to a stream that was purged", async () => {
  const nats = new FakeNats();
  await using log = await opened();
  await log.appendBatch(upTo(3));
  await forwardUntil(log, nats, 3);
  nats.streams.get("S")!.messages.clear();
  await forwardUntil(log, nats, 3);
  assertEquals(seqs(messagesIn(nats)), upTo(3));
});

Deno.test("forward() does not believe at once that the stream has less than it has acknowledged", async () => {
  const nats = new FakeNats();
  await using log = await opened(undefined, { maxSegmentBytes: 200 });
  for (const record of upTo(20)) await log.append(record);
  await forwardUntil(log, nats, 20);
  await log.rotate();
  assertEquals((await log.compact(20)).firstSequence, 21);
  await log.append(21);
  // Two answers are from a server that is behind the others.
  let behind = 2;
  const nc = nats.connect();
  const stale = nats.connect(new Random(1), { stale: 1 });
  const { request } = nc;
  const stop = new AbortController();
  nc.request = async (...args) => {
    const isBehind = args[0].includes("MSG.GET") && behind-- > 0;
    const answer = await (isBehind ? stale.request : request)(...args);
    if (messagesIn(nats).length === 21) stop.abort();
    return answer;
  };
  await forward(log, nc, { ...options, signal: stop.signal });
  assertEquals(seqs(messagesIn(nats)), upTo(21));
});

Deno.test("forward() is COMPACTED where the stream ends before the log begins, and continues with acceptLoss", async () => {
  const nats = new FakeNats();
  await using log = await opened(undefined, { maxSegmentBytes: 200 });
  for (const record of upTo(20)) await log.append(record);
  await forwardUntil(log, nats, 20);
  const { firstSequence } = await log.compact(10);
  assert(firstSequence > 5);
  const { messages } = nats.streams.get("S")!;
  for (const at of messages.keys()) if (at > 3) messages.delete(at);
  const error = await assertRejects(
    () => forwardUntil(log, nats, 4),
    MiniError,
    `Cannot forward records 4 to ${firstSequence - 1}`,
  );
  assertEquals([error.code, error.seq], ["COMPACTED", 4]);
  assertEquals(messagesIn(nats).length, 3);
  const told: MiniError[] = [];
  const left = 20 - firstSequence + 1;
  await forwardUntil(log, nats, 3 + left, {
    acceptLoss: true,
    onError: (error) => told.push(error),
  });
  assertEquals(told.map(({ code, seq }) => [code, seq]), [["COMPACTED", 4]]);
  const kept = upTo(20).filter((seq) => seq <= 3 || seq >= firstSequence);
  assertEquals(seqs(messagesIn(nats)), kept);
});

Deno.test("forward() begins with the first record of a log that was compacted before it had a consumer", async () => {
  const nats = new FakeNats();
  await using log = await opened(undefined, { maxSegmentBytes: 200 });
  for (const record of upTo(20)) await log.append(record);
  const { firstSequence } = await log.compact(10);
  await forwardUntil(log, nats, 20 - firstSequence + 1);
  assertEquals(seqs(messagesIn(nats))[0], firstSequence);
});

Deno.test("forward() is REWRITTEN for a log that was restored from an older copy", async () => {
  const nats = new FakeNats();
  const fs = new MemoryFileSystem();
  let copy: MemoryFileSystem;
  {
    await using log = await opened(fs);
    await log.appendBatch(upTo(3));
    await forwardUntil(log, nats, 3);
    copy = new MemoryFileSystem(fs.snapshot());
    await log.appendBatch([4, 5]);
    await forwardUntil(log, nats, 5);
  }
  await using log = await opened(copy);
  const shorter = await assertRejects(
    () => forwardUntil(log, nats, 6),
    MiniError,
    "the stream has record 5 of this log, which ends with record 3",
  );
  assertEquals([shorter.code, shorter.seq], ["REWRITTEN", 4]);
  await log.appendBatch(["four", "five", "six"]);
  const longer = await assertRejects(
    () => forwardUntil(log, nats, 6),
    MiniError,
    "record 5 is not the one that the stream has",
  );
  assertEquals([longer.code, longer.seq], ["REWRITTEN", 5]);
  assertEquals(messagesIn(nats).map(({ data }) => data), upTo(5));
});

Deno.test("forward() sends all before a record that is too large, and names it", async () => {
  const nats = new FakeNats();
  await using log = await opened();
  await log.appendBatch(["a", "b", "x".repeat(1024 * 1024), "d"]);
  const error = await assertRejects(
    () => forwardUntil(log, nats, 4),
    MiniError,
    "Cannot forward record 3: it has 1048578 bytes",
  );
  assertEquals([error.code, error.seq], ["TOO_LARGE", 3]);
  assertEquals(messagesIn(nats).map(({ data }) => data), ["a", "b"]);
  assertEquals((await log.consumers())[0]!.position, 2);
});

Deno.test("forward() passes over messages of others on the log's subject", async () => {
  const nats = new FakeNats();
  await using log = await opened();
  await log.appendBatch(upTo(5));
  await forwardUntil(log, nats, 5);
  for (const text of ["a", "b", "c"]) nats.publish(`S.${log.id}`, text);
  await log.appendBatch([6, 7]);
  await forwardUntil(log, nats, 7, { consumer: "another" });
  assertEquals(seqs(messagesIn(nats)), upTo(7));
});

Deno.test("forward() sends one record at a time to a stream without atomic batches", async () => {
  const nats = new FakeNats();
  await using log = await opened();
  await forwardUntil(log, nats, 0);
  const { config } = nats.streams.get("S")!;
  Object.assign(config, {
    allow_atomic: false,
    subjects: ["*.>"],
    allow_direct: true,
  });
  await log.appendBatch(upTo(5));
  await forwardUntil(log, nats, 5);
  assertEquals(seqs(messagesIn(nats)), upTo(5));
});

/** The objections of servers to messages with ids: of 2.12.0 to all in a batch, of others to those that they know. */
const OBJECTIONS: Record<string, object> = {
  "takes no ids in a batch": { error: { "err_code": 10177 } },
  "knows the ids of messages that were purged": { seq: 1, duplicate: true },
  "knows the ids of batches that were purged": {
    error: { "err_code": 10201 },
  },
};

for (const [why, objection] of Object.entries(OBJECTIONS)) {
  Deno.test(`forward() sends without ids to a server that ${why}`, async () => {
    const nats = new FakeNats();
    await using log = await opened();
    await log.appendBatch(upTo(50));
    const stop = new AbortController();
    const nc = nats.connect();
    const { request } = nc;
    let refused = 0;
    nc.request = async (subject, payload, options) => {
      const { headers } = options!;
      const isOne = !headers?.get("Nats-Batch-Commit");
      const isRefused = headers?.get("Nats-Msg-Id") &&
        isOne === ("seq" in objection);
      if (isRefused) {
        refused++;
        return { json: () => objection } as never;
      }
      const answer = await request(subject, payload, options);
      if (messagesIn(nats).length === 50) stop.abort();
      return answer;
    };
    const told: string[] = [];
    await forward(log, nc, {
      ...options,
      signal: stop.signal,
      onError: ({ message }) => told.push(message),
    });
    assertEquals(told, []);
    assert(refused > 0);
    assertEquals(seqs(messagesIn(nats)), upTo(50));
  });
}

Deno.test("forward() sends less at once where the connection is cut before a batch is through", async () => {
  const nats = new FakeNats();
  await using log = await opened();
  await log.appendBatch(upTo(400));
  const stop = new AbortController();
  const nc = nats.connect();
  const { request } = nc;
  const sizes: number[] = [];
  nc.request = async (subject, payload, options) => {
    // Meanwhile all that waits is read.
    await new Promise((resolve) => setTimeout(resolve));
    const many = Number(options?.headers?.get("Nats-Batch-Sequence") || 1);
    if (subject.startsWith("S.")) sizes.push(many);
    if (many > 20) throw new Error("timeout");
    const answer = await request(subject, payload, options);
    if (messagesIn(nats).length === 400) stop.abort();
    return answer;
  };
  const { signal } = stop;
  await forward(log, nc, { ...options, signal });
  assert(Math.max(...sizes) > 200, `${sizes}`);
  assertEquals(seqs(messagesIn(nats)), upTo(400));
});

Deno.test("forward() carries a log beside its writer, up to what is known to be durable", async () => {
  const nats = new FakeNats();
  await using directory = new TestDirectory();
  const path = directory.at();
  const missing = assertRejects(
    () => forward(path, nats.connect(), options),
    MiniError,
  );
  assertEquals((await missing).code, "NOT_FOUND");
  await using log = await MiniStore.open<unknown>(path);
  for (const record of upTo(4)) await log.append(record);
  await forwardUntil(path, nats, 3);
  assertEquals(seqs(messagesIn(nats)).slice(0, 3), upTo(3));
  const held = await log.consumer("uplink");
  const locked = assertRejects(
    () => forward(path, nats.connect(), options),
    MiniError,
  );
  assertEquals((await locked).code, "LOCKED");
  await held.close();
  await log.close();
  await forwardUntil(path, nats, 4);
  assertEquals(messagesIn(nats).map(({ data }) => data), upTo(4));
});
