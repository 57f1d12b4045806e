import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DeadLetterError, MiniQueue } from "@mini/state/queue";
import { TestDirectory } from "../support/dir.ts";
import { contentsOf, mini, miniJson } from "../support/mini.ts";

/** A queue with two dead letters, one delayed message, two of a group, and one more. */
async function fill(dir: string): Promise<void> {
  await using queue = await MiniQueue.open<{ job: number }>(dir);
  for (const job of [1, 2]) await queue.enqueue({ job });
  await (await queue.receive())?.deadLetter("no such address");
  await (await queue.receive())?.deadLetter("no stamp");
  await queue.enqueue({ job: 3 }, { group: "g" });
  await queue.enqueue({ job: 4 }, { group: "g" });
  await queue.enqueue({ job: 5 });
  await queue.enqueue({ job: 6 }, { delayMs: 3_600_000 });
}

Deno.test("mini queue stats, peek and dead show a queue, beside the program that has it open too", async () => {
  await using directory = new TestDirectory();
  await fill(directory.path);
  await using queue = await MiniQueue.open<{ job: number }>(directory.path);
  const before = await contentsOf(directory.path);
  const stats = await miniJson(["queue", "stats", directory.path]);
  const { oldestMs: _, sequence: __, ...rest } = stats.json;
  const { posted, finished, schedules, ...counts } = rest;
  assertEquals([posted, finished, schedules], [0, 0, []]);
  assertEquals([stats.code, counts], [0, await queue.stats()]);
  assertEquals(counts.blocked, 1);
  const peek = await miniJson(["queue", "peek", directory.path, "-n", "4"]);
  const pending = JSON.parse(JSON.stringify(await queue.peek(4)));
  // The clocks are read a moment later.
  const timeless = (
    { enqueuedAt, diedAt, delayMs, ...rest }: Record<string, unknown>,
  ) => ({
    ...rest,
    times: [typeof enqueuedAt, typeof diedAt],
    isDelayed: Number(delayMs) > 0,
  });
  assertEquals(peek.json.messages.map(timeless), pending.map(timeless));
  const dead = await miniJson(["queue", "dead", directory.path]);
  const letters = await queue.deadLetters();
  const all = JSON.parse(JSON.stringify(letters)).map(timeless);
  assertEquals([dead.code, dead.json.messages.map(timeless)], [1, all]);
  const { path } = directory;
  const first = await miniJson(["queue", "dead", path, "-n", "1"]);
  assertEquals(first.json.messages.map(timeless), all.slice(0, 1));
  const after = await miniJson(["queue", "dead", path, "--after", "1"]);
  assertEquals(after.json.messages.map(timeless), all.slice(1));
  assertEquals(await contentsOf(directory.path), before);
});

Deno.test("mini counts what waits in the inbox of a queue, and says that copies are without it", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("jobs");
  await (await MiniQueue.open(path, { inbox: true })).close();
  for (const command of ["backup", "salvage"]) {
    const { stdout } = await mini([
      command,
      path,
      directory.at(`${command} 0`),
    ]);
    assert(!stdout.includes("inbox"), stdout);
  }
  for (const job of [1, 2]) await MiniQueue.post(path, { job });
  const stats = await mini(["queue", "stats", path]);
  assertStringIncludes(stats.stdout, "in the inbox: 2 files");
  assertEquals((await mini(["verify", path])).code, 0);
  for (const command of ["backup", "salvage"]) {
    const copy = directory.at(`${command} 2`);
    const { code, stdout } = await mini([command, path, copy]);
    assertEquals(code, 0, stdout);
    assertStringIncludes(stdout, "left out: 2 files in the inbox");
    await using queue = await MiniQueue.open(copy, { inbox: true });
    assertEquals((await queue.stats()).ready, 0);
  }
});

Deno.test("mini queue dead --stack shows what was thrown, where, and what has caused it", async () => {
  await using directory = new TestDirectory();
  {
    await using queue = await MiniQueue.open<number>(directory.path);
    await queue.enqueueBatch([{ payload: 1 }, { payload: 2 }]);
    await (await queue.receive())?.deadLetter("by hand");
    const stop = new AbortController();
    await queue.work(() => {
      stop.abort();
      const cause = new Error("down");
      throw Object.assign(new DeadLetterError("no route"), { cause });
    }, { signal: stop.signal });
  }
  const dead = ["queue", "dead", directory.path];
  const { stdout } = await mini([...dead, "--stack"]);
  const [first, second, thrown, where, ...rest] = stdout.split("\n");
  assertStringIncludes(first!, "by hand");
  assertStringIncludes(second!, "no route: down");
  assertEquals(thrown, "    DeadLetterError: no route");
  assertStringIncludes(where!, "queue_test.ts:");
  assert(rest.includes("    caused by Error: down"), stdout);
  assert(!(await mini(dead)).stdout.includes("caused by"));
});

Deno.test("mini queue draws its depth, alone and in stat, also from a snapshot", async () => {
  await using directory = new TestDirectory();
  await fill(directory.path);
  {
    await using queue = await MiniQueue.open(directory.path);
    await queue.compact();
  }
  const stats = await mini(["queue", "stats", directory.path]);
  assertEquals(stats.code, 0);
  assertEquals(stats.stdout.split("\n").slice(0, 5), [
    "ready      2  ██████████████████████████████",
    "blocked    1  ███████████████",
    "delayed    1  ███████████████",
    "in flight  0",
    "dead       2  ██████████████████████████████",
  ]);
  const stat = await mini(["stat", directory.path]);
  assertStringIncludes(stat.stdout, stats.stdout.split("\n")[4]!);
  const dead = await mini(["queue", "dead", directory.path]);
  assertStringIncludes(dead.stdout, '"no such address"');
  assertStringIncludes(dead.stdout, '{"job":1}');
});

Deno.test("mini queue dead cuts no reason short in a pipe", async () => {
  await using directory = new TestDirectory();
  const reason =
    "a reason of its own, and one that takes more than a line of it";
  {
    await using queue = await MiniQueue.open(directory.path);
    await queue.enqueue({ job: 1 });
    await (await queue.receive())!.deadLetter(reason);
  }
  const { stdout } = await mini(["queue", "dead", directory.path]);
  assertStringIncludes(stdout, JSON.stringify(reason));
});

Deno.test("mini queue redrive and purge change what they say, and nothing else", async () => {
  await using directory = new TestDirectory();
  await fill(directory.path);
  const { path } = directory;
  const one = await miniJson(["queue", "redrive", path, "1"]);
  assertEquals([one.code, one.json], [0, { messages: 1 }]);
  const none = await mini(["queue", "redrive", path, "1"]);
  assertEquals([none.code, none.stdout], [1, "there is no dead letter 1\n"]);
  const purged = await mini(["queue", "purge", path, "dead"]);
  assertEquals([purged.code, purged.stdout], [0, "removed 1 message\n"]);
  assertEquals((await miniJson(["queue", "dead", path])).code, 0);
  {
    await using queue = await MiniQueue.open<{ job: number }>(path);
    const { ready, dead } = await queue.stats();
    assertEquals([ready, dead], [3, 0]);
  }
  const all = await miniJson(["queue", "purge", path, "all"]);
  assertEquals(all.json, { messages: 5 });
});

Deno.test("mini queue cancel removes what waits, and says what it found", async () => {
  await using directory = new TestDirectory();
  const { path } = directory;
  {
    await using queue = await MiniQueue.open<string>(path, {
      keepFinished: { count: 1 },
    });
    await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  }
  const cancel = ["queue", "cancel", path, "1", "--reason", "not any more"];
  const first = await mini(cancel);
  assertEquals([first.code, first.stdout], [0, "message 1: cancelled\n"]);
  const again = await miniJson(cancel);
  assertEquals([again.code, again.json], [1, {
    message: 1,
    found: "finished",
  }]);
  await using queue = await MiniQueue.open<string>(path, {
    keepFinished: { count: 1 },
  });
  const [message] = await queue.finished();
  assertEquals(
    message?.state === "cancelled" && message.reason,
    "not any more",
  );
  assertEquals((await queue.stats()).ready, 1);
});

Deno.test("mini queue redrive leaves it to the program when a message is dead", async () => {
  await using directory = new TestDirectory();
  const maxAttempts = 20;
  // Left in flight by a consumer that is gone, after more deliveries than a queue has by default.
  for (let turn = 0; turn < 8; turn++) {
    await using queue = await MiniQueue.open<string>(directory.path, {
      maxAttempts,
    });
    if (turn === 0) await queue.enqueue("stubborn");
    await queue.receive();
  }
  await mini(["queue", "redrive", directory.path, "all"]);
  await using queue = await MiniQueue.open<string>(directory.path, {
    maxAttempts,
  });
  assertEquals((await queue.receive())?.payload, "stubborn");
});

Deno.test("mini queue purge, redrive and cancel say LOCKED beside the program, and what to do", async () => {
  await using directory = new TestDirectory();
  await fill(directory.path);
  await using _ = await MiniQueue.open(directory.path);
  const { code, stderr } = await mini([
    "queue",
    "purge",
    directory.path,
    "all",
  ]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "has it open for writing");
  assertStringIncludes(stderr, "next: stop that program first");
  const before = await contentsOf(directory.path);
  for (const [command, which] of [["redrive", "all"], ["cancel", "3"]]) {
    const args = ["queue", command!, directory.path, which!];
    const { code, json } = await miniJson(args);
    assertEquals([code, json.error.code], [1, "LOCKED"]);
  }
  assertEquals(await contentsOf(directory.path), before);
});

Deno.test("mini queue of a directory that holds none makes none of it", async () => {
  await using directory = new TestDirectory();
  const { code } = await mini(["queue", "purge", directory.path, "all"]);
  assertEquals([code, directory.names()], [2, []]);
});

Deno.test("mini queue purge and redrive of another log change nothing of the queue beside it", async () => {
  await using directory = new TestDirectory();
  await fill(directory.path);
  const copy = directory.at("copy.log");
  await Deno.copyFile(directory.at("journal.jsonl"), copy);
  const before = await contentsOf(directory.path);
  for (const command of ["purge", "redrive"]) {
    const { code } = await mini(["queue", command, copy, "all"]);
    assertEquals([code, await contentsOf(directory.path)], [2, before]);
  }
});

Deno.test("mini prints no control character of what it shows, as text or as JSON", async () => {
  await using directory = new TestDirectory();
  const group = "g\u001b[2J\nh\u009b8m";
  const payload = "\u009b2J\u007f";
  {
    await using queue = await MiniQueue.open(directory.path);
    await queue.enqueue(payload, { group });
  }
  await Deno.writeTextFile(directory.at("journal\u001b[2J.torn"), "");
  const args = [
    ["dump"],
    ["dump", "--json"],
    ["tail"],
    ["state"],
    ["stat"],
    [
      "queue",
      "peek",
    ],
    ["queue", "peek", "--json"],
    ["queue", "get"],
    ["verify"],
    ["verify", "--journal", group],
  ];
  for (const command of args) {
    const id = command.includes("get") ? ["1"] : [];
    const operands = [directory.path, ...id];
    const { stdout, stderr } = await mini([...command, ...operands]);
    // deno-lint-ignore no-control-regex -- what is looked for
    const found = /[\0-\x08\x0b-\x1f\x7f-\x9f]/.exec(stdout + stderr);
    assertEquals(found, null, command.join(" "));
  }
  const peek = await mini(["queue", "peek", directory.path]);
  assertEquals(peek.stdout.split("\n").length, 2);
  const { json } = await miniJson(["queue", "peek", directory.path]);
  assertEquals(json.messages[0].payload, payload);
  assertEquals(json.messages[0].group, group);
});
