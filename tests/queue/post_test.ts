// Posting to a queue: what may fail, and what is there then.
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import type { FileHandle } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { GOOD, INBOX, posted, TestInbox } from "../support/inbox.ts";
import { errorOf } from "../support/journal.ts";
import { drain, fillDisk, turns } from "../support/queue.ts";
import { Users } from "../support/users.ts";

Deno.test("MiniQueue.post() without an inbox is NOT_FOUND, and makes nothing", async () => {
  const test = new TestInbox();
  const error = await errorOf(test.post("a"));
  assertEquals([error.code, error.path], ["NOT_FOUND", INBOX]);
  await (await test.open({ inbox: false })).close();
  assertEquals((await errorOf(test.post("a"))).code, "NOT_FOUND");
  assertEquals(await test.fs.stat(INBOX), undefined);
  test.fs.put(INBOX, new Uint8Array());
  assertEquals((await errorOf(test.post("a"))).code, "NOT_FOUND");
});

Deno.test("MiniQueue.post() refuses what cannot be enqueued, and posts nothing", async () => {
  const test = new TestInbox();
  await using _ = await test.open();
  const { fs } = test;
  const batch = (messages: unknown, options: object = { fs }) =>
    MiniQueue.postBatch("/data", messages as [], options);
  await assertRejects(() => test.post("a", { delayMs: -1 }), RangeError);
  await assertRejects(() => test.post("a", { priority: NaN }), RangeError);
  await assertRejects(() => test.post("a", { group: "" }), TypeError);
  await assertRejects(() => test.post("a", { dedupeKey: "" }), TypeError);
  await assertRejects(() => test.post("a", { at: 1 } as object), TypeError);
  await assertRejects(() => batch("a"), TypeError, "an array");
  await assertRejects(() => batch([], { group: "g" }), TypeError);
  await assertRejects(() => batch([{ payload: 1, delayMs: -1 }]), RangeError);
  const many = Array.from({ length: 10_001 }, () => ({ payload: 1 }));
  await assertRejects(() => batch(many), RangeError, "10001");
  await batch([]);
  const lossy = await errorOf(test.post(new Map()));
  assertEquals(lossy.code, "UNSERIALIZABLE");
  const large = await errorOf(test.post("x".repeat(9_000_000)));
  assertEquals(large.code, "TOO_LARGE");
  assertStringIncludes(large.message, "8.0 MiB");
  assertEquals(test.waiting, []);
});

Deno.test("MiniQueue.attach() has no inbox", async () => {
  const fs = new MemoryFileSystem();
  await using manager = await StateManager.open("/data", {
    fs,
    initial: () => ({ queue: emptyLedger<string>() }),
    apply: (state, { queue }: { queue: LedgerEntry<string> }) =>
      applyToLedger(state.queue, queue),
  });
  const options: object = { inbox: true };
  await assertRejects(
    () => MiniQueue.attach(manager, "queue", options),
    TypeError,
    '"inbox"',
  );
});

/** Creates the first file late. */
class SlowFileSystem extends MemoryFileSystem {
  readonly gate: PromiseWithResolvers<void> = Promise.withResolvers();
  #isFirst = true;

  override async create(path: string, mode: number): Promise<FileHandle> {
    const isFirst = this.#isFirst && path.startsWith(INBOX);
    if (isFirst) {
      this.#isFirst = false;
      await this.gate.promise;
    }
    return await super.create(path, mode);
  }
}

Deno.test("MiniQueue.post(): a message never gets into the inbox before one that was posted earlier", async () => {
  const fs = new SlowFileSystem();
  const { clock, post } = new TestInbox();
  const options = { inbox: true, clock, fs };
  await using queue = await MiniQueue.open<string>("/data", options);
  const posting = [post("a", { fs }), post("b", { fs })];
  await turns(500);
  assertEquals((await queue.stats()).ready, 0);
  fs.gate.resolve();
  await Promise.all(posting);
  assertEquals(await drain(queue), ["a", "b"]);
});

Deno.test("MiniQueue.post() on a full disk is NO_SPACE, and leaves nothing", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  fillDisk(test.fs, 1, true);
  const error = await errorOf(test.post("a"));
  assertEquals(error.code, "NO_SPACE");
  assertStringIncludes(error.message, "nothing was posted");
  test.mend();
  assertEquals([test.waiting, await drain(queue)], [[], []]);
});

Deno.test("MiniQueue.post() whose folder cannot be synced says that the messages may be there", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  test.fail("syncDirectory", INBOX, "ENOSPC");
  const error = await errorOf(test.post("a"));
  assertEquals(error.code, "IO");
  assertStringIncludes(error.message, "it may be taken in");
  test.mend();
  assertEquals(await drain(queue), ["a"]);
});

Deno.test("MiniQueue.post() whose file cannot be looked at or closed says what is there", async () => {
  for (
    const [operation, time, words, left] of [
      // The last look before it is written is for its mode.
      ["stat", 3, "nothing was posted", []],
      ["close", 1, "it may be taken in", ["a"]],
    ] as const
  ) {
    const test = new TestInbox();
    await using queue = await test.open();
    let times = 0;
    test.fs.hooks.before = (call) =>
      call.operation === operation && call.path.startsWith(`${INBOX}/.`) &&
        ++times === time
        ? { code: "EIO" }
        : undefined;
    const error = await errorOf(test.post("a"));
    assertEquals(error.code, "IO");
    assertStringIncludes(error.message, words);
    test.mend();
    assertEquals(await drain(queue), left);
  }
});

Deno.test("MiniQueue.open() removes what a producer has begun and not finished; one that still works begins again", async () => {
  const test = new TestInbox();
  await (await test.open()).close();
  test.put(`.${posted(1)}`, GOOD);
  test.put(".other", GOOD);
  let opened: MiniQueue<string> | undefined;
  let opening: Promise<void> | undefined;
  test.fs.hooks.before = ({ operation, path }) => {
    // Its file is there, and has no name yet.
    if (operation === "sync" && path.startsWith(`${INBOX}/.`) && !opening) {
      opening = test.open().then((queue) => void (opened = queue));
      for (const name of test.waiting) {
        if (name.startsWith(".")) test.fs.unlink(`${INBOX}/${name}`);
      }
      test.put(".other", GOOD);
    }
    return undefined;
  };
  await test.post("a");
  await opening;
  assertEquals(await drain(opened!), ["a"]);
  assertEquals(test.waiting, [".other"]);
  await opened!.close();
  test.mend();
  test.put(`.${posted(2)}`, GOOD);
  await (await test.open()).close();
  assertEquals(test.waiting, [".other"]);
});

Deno.test("MiniQueue.post() gives up where its file is removed each time", async () => {
  const test = new TestInbox();
  await using _ = await test.open();
  let tries = 0;
  test.fs.hooks.before = ({ operation, path }) => {
    if (operation === "rename" && path.startsWith(`${INBOX}/.`)) {
      tries++;
      test.fs.unlink(path);
    }
    return undefined;
  };
  const error = await errorOf(test.post("a"));
  assertEquals([error.code, tries], ["IO", 3]);
});

Deno.test("MiniQueue.post() works on a system without users", async () => {
  const test = new TestInbox();
  test.fs.user = undefined;
  await using queue = await test.open();
  await test.post("a");
  assertEquals(await drain(queue), ["a"]);
});

const PRODUCER = `
import { MiniQueue } from "@mini/state/queue";
try {
  await MiniQueue.post(Deno.args[0], "a", { delayMs: 0 });
  await MiniQueue.postBatch(Deno.args[0], [{ payload: "b" }, { payload: "c" }]);
  console.log("posted");
  await MiniQueue.open(Deno.args[0]);
} catch (error) {
  console.log(error.code, error.message);
}`;

Deno.test("MiniQueue.post() works with --allow-read=DIR/inbox --allow-write=DIR/inbox and nothing else", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("jobs to do");
  await using queue = await MiniQueue.open<string>(dir, { inbox: true });
  const flags = [`--allow-read=${dir}/inbox`, `--allow-write=${dir}/inbox`];
  const { stdout, stderr } = await runScript(PRODUCER, [dir], flags);
  const [first, second] = stdout.split("\n");
  assertEquals(first, "posted", stderr + stdout);
  assertStringIncludes(second!, "PERMISSION");
  assertEquals(await drain(queue), ["a", "b", "c"]);
  for (const flag of flags) {
    const { stdout } = await runScript(PRODUCER, [dir], [flag]);
    const [missing] = flags.filter((other) => other !== flag);
    assertStringIncludes(stdout, "PERMISSION");
    assertStringIncludes(stdout, missing!);
  }
  assertEquals(await drain(queue), []);
});

if (Deno.build.os !== "windows") {
  Deno.test("MiniQueue.post() makes files that those who read the inbox can read, whatever its umask", async () => {
    await using directory = new TestDirectory();
    const dir = directory.at("jobs");
    const queue = await MiniQueue.open<string>(dir, { inbox: true });
    await queue.close();
    const modes: number[] = [];
    await using users = new Users();
    const user = { uid: Deno.uid()!, gid: Deno.gid()!, umask: 0o077 };
    for (const mode of [0o700, 0o770, 0o777]) {
      await Deno.chmod(`${dir}/inbox`, mode);
      const { refusal } = await users.act({ ...user, act: "post", dir });
      assertEquals(refusal, undefined);
      const files = await Array.fromAsync(Deno.readDir(`${dir}/inbox`));
      const { name } = files.find(({ isFile }) => isFile)!;
      const path = `${dir}/inbox/${name}`;
      modes.push((await Deno.stat(path)).mode! & 0o777);
      await Deno.remove(path);
    }
    assertEquals(modes, [0o600, 0o640, 0o644]);
  });
}
