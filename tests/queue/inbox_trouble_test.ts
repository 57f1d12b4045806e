// Whatever fails, what was posted is in the ledger once.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { content, GOOD, INBOX, posted, TestInbox } from "../support/inbox.ts";
import { errorOf } from "../support/journal.ts";
import { drain, fillDisk } from "../support/queue.ts";

Deno.test("MiniQueue passes over a file that it cannot read, tells once, and takes it in once it can", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  test.put(posted(1), GOOD);
  test.put(posted(2), content([{ payload: "other" }]));
  test.fs.give(`${INBOX}/${posted(1)}`, { uid: 7, gid: 7, mode: 0o600 });
  for (const _ of [1, 2]) {
    await drain(queue);
    test.clock.advance(60_000);
  }
  assertEquals([test.codes, test.waiting], [["PERMISSION"], [posted(1)]]);
  test.fs.give(`${INBOX}/${posted(1)}`, { mode: 0o644 });
  assertEquals(await drain(queue), ["good"]);
  assertEquals(test.codes.length, 1);
});

Deno.test("MiniQueue forgets a file that it could not read, and that is gone", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  test.put(posted(1), GOOD);
  test.fail("open", posted(1), "EIO");
  assertEquals(await drain(queue), []);
  test.mend();
  test.fs.unlink(`${INBOX}/${posted(1)}`);
  assertEquals(await drain(queue), []);
  test.put(posted(1), GOOD);
  assertEquals(await drain(queue), ["good"]);
});

Deno.test("MiniQueue: later files of a producer wait for one that cannot be read for now, and those of others do not", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  await test.post("a");
  await test.post("b");
  const [first] = test.waiting;
  test.put(posted(1), content([{ payload: "other" }]));
  test.fail("open", first!, "EMFILE");
  for (const expected of [["other"], []]) {
    assertEquals(await drain(queue), expected);
    assertEquals([test.codes, test.waiting.length], [["IO"], 2]);
  }
  test.mend();
  assertEquals(await drain(queue), ["a", "b"]);
});

Deno.test("MiniQueue takes in a folder of more files than a listing keeps, in order", async () => {
  const test = new TestInbox<number>();
  await using queue = await test.open();
  const all = Array.from({ length: 4_200 }, (_, index) => index);
  for (const number of all.toReversed()) {
    test.put(posted(number), content([{ payload: number }]));
  }
  assertEquals(await drain(queue), all);
  assertEquals([test.codes, test.waiting], [[], []]);
});

Deno.test("MiniQueue.receive() that waits is given what one look has left at once", async () => {
  const test = new TestInbox();
  // Without hints of the system.
  Object.assign(test.fs, { watch: undefined });
  await using queue = await test.open();
  const large = ["a", "b", "c"].map((letter) => letter.repeat(600_000));
  for (const payload of large) await test.post(payload);
  const waiting = large.map(() => queue.receive({ waitMs: Infinity }));
  const received = await Promise.all(waiting);
  assertEquals(received.map((message) => message?.payload[0]), ["a", "b", "c"]);
});

Deno.test("MiniQueue begins to list again where the files after the last listing are gone", async () => {
  const test = new TestInbox<number>();
  await using queue = await test.open();
  for (let number = 1; number <= 4_097; number++) {
    test.put(posted(number), content([{ payload: number }]));
  }
  // The last one is not in the first listing.
  while ((await queue.stats()).ready < 4_096);
  test.fs.unlink(`${INBOX}/${posted(4_097)}`);
  test.put(posted(0), content([{ payload: 0 }]));
  assertEquals((await queue.stats()).ready, 4_097);
});

Deno.test("MiniQueue minds no file that vanishes while it looks", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  test.put(posted(1), GOOD);
  test.put(posted(2), GOOD);
  test.fs.hooks.before = ({ operation, path }) => {
    if (operation === "open" && path.endsWith(posted(1))) test.fs.unlink(path);
    if (operation === "remove" && path.endsWith(posted(2))) {
      test.fs.unlink(path);
    }
    return undefined;
  };
  assertEquals(await drain(queue), ["good"]);
  assertEquals([test.told, test.waiting], [[], []]);
});

Deno.test("MiniQueue: messages whose file cannot be removed are in the ledger once", async () => {
  const test = new TestInbox();
  const queue = await test.open();
  await test.post("a");
  test.fail("remove", INBOX, "EPERM");
  assertEquals(await drain(queue), ["a"]);
  test.clock.advance(60_000);
  assertEquals(await drain(queue), []);
  assertEquals(test.codes, ["PERMISSION"]);
  assertStringIncludes(test.told[0]!.message, "once");
  // Neither a snapshot nor a kill makes the ledger forget.
  await queue.compact();
  const killed = await test.reopenKilled();
  assertEquals(await drain(killed), []);
  assertEquals(test.codes, ["PERMISSION", "PERMISSION"]);
  await killed.compact();
  const again = await test.reopenClosed(killed);
  assertEquals(await drain(again), []);
  test.mend();
  test.clock.advance(60_000);
  assertEquals(await drain(again), []);
  assertEquals(test.waiting, []);
  await again.close();
});

Deno.test("MiniQueue: a removal that is not durable is not on record", async () => {
  const test = new TestInbox();
  const queue = await test.open();
  await test.post("a");
  const file = test.waiting[0]!;
  test.fail("syncDirectory", INBOX, "EIO");
  assertEquals(await drain(queue), ["a"]);
  assertEquals([test.codes, test.waiting], [["IO"], []]);
  test.mend();
  assertEquals(await drain(queue), []);
  // As a power cut may do it.
  test.put(file, GOOD);
  const again = await test.reopenKilled();
  assertEquals(await drain(again), []);
  assertEquals(test.waiting, []);
  await again.close();
});

Deno.test("MiniQueue on a full disk leaves the files where they are, tells once, and takes them in later", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  await test.post("a");
  fillDisk(test.fs, 1, true);
  for (const _ of [1, 2]) {
    assertEquals(await queue.receive(), undefined);
  }
  assertEquals([test.codes, test.waiting.length], [["NO_SPACE"], 1]);
  test.mend();
  assertEquals(await drain(queue), ["a"]);
  assertEquals(test.waiting, []);
});

Deno.test("MiniQueue: no file overtakes one of its producer whose commit fails", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  const sizes = { a: 10, b: 400_000, c: 500_000, d: 6_000_000 };
  for (const [name, size] of Object.entries(sizes)) {
    await test.post(name.padEnd(size));
  }
  let writes = 0;
  test.fs.hooks.before = ({ operation, path }) =>
    operation === "write" && path.includes("journal") && ++writes === 1
      ? { code: "ENOSPC" }
      : undefined;
  const order: string[] = [];
  for (const _ of [1, 2, 3]) {
    for (const payload of await drain(queue)) order.push(payload.trim());
  }
  assertEquals(order, ["a", "b", "c", "d"]);
  assertEquals(test.codes, ["NO_SPACE"]);
});

Deno.test("MiniQueue: what cannot be recorded as gone is recorded later", async () => {
  const test = new TestInbox();
  const queue = await test.open();
  await test.post("a");
  // The first write is the entry with the message.
  fillDisk(test.fs, 2);
  assertEquals((await queue.receive())?.payload, "a");
  assertEquals([test.codes, test.waiting], [["NO_SPACE"], []]);
  test.mend();
  assertEquals(await queue.receive(), undefined);
  await queue.close();
  const log = new TextDecoder().decode(test.fs.content("/data/journal.jsonl"));
  assertEquals(
    log.match(/"gone":\["[0-9a-f]{32}\.\d{20}\.json"\]/g)?.length,
    1,
  );
});

Deno.test("MiniQueue tells once that the inbox cannot be listed, and continues when it can", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  test.fail("list", INBOX, "EACCES");
  await queue.enqueue("a");
  assertEquals(await drain(queue), ["a"]);
  assertEquals(await drain(queue), []);
  assertEquals(test.codes, ["PERMISSION"]);
  test.mend();
  await test.post("b");
  assertEquals(await drain(queue), ["b"]);
  test.fail("list", INBOX, "EACCES");
  assertEquals(await drain(queue), []);
  assertEquals(test.codes, ["PERMISSION", "PERMISSION"]);
});

Deno.test("MiniQueue: a broken clock is not taken for a fault of the messages", async () => {
  const test = new TestInbox();
  const queue = await test.open();
  await test.post("a");
  const wall = test.clock.wall.bind(test.clock);
  test.clock.wall = () => NaN;
  await queue.receive().catch(() => {});
  assertEquals([test.waiting.length, test.refused], [1, []]);
  test.clock.wall = wall;
  assertEquals(await drain(queue), ["a"]);
  await queue.close();
});

Deno.test("MiniQueue.close() waits for a look, and nothing is taken in after it", async () => {
  const test = new TestInbox();
  const queue = await test.open();
  await test.post("a");
  const counting = queue.stats();
  const closing = queue.close();
  await Promise.all([counting, closing]);
  await test.post("b");
  const { ready } = await queue.stats();
  assertEquals([ready, test.waiting.length, test.told], [1, 1, []]);
});

Deno.test("MiniQueue that is poisoned looks no more", async () => {
  const test = new TestInbox();
  const queue = await test.open();
  test.fail("sync", "journal", "EIO");
  await errorOf(queue.enqueue("a"));
  test.mend();
  await test.post("b");
  await queue.stats().catch(() => {});
  assertEquals([test.waiting.length, test.told], [1, []]);
  await queue.close();
});

Deno.test("MiniQueue.open() with an inbox says so where it cannot remove what an earlier opening has left", async () => {
  const test = new TestInbox();
  await (await test.open()).close();
  test.fs.put("/data/.opening", new Uint8Array());
  test.fail("remove", "/data/.opening", "EACCES");
  assertEquals((await errorOf(test.open())).code, "PERMISSION");
  test.mend();
  await (await test.open()).close();
  assertEquals(test.fs.content("/data/.opening"), undefined);
});
