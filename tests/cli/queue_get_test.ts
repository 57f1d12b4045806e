import { assertEquals, assertStringIncludes } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { TestDirectory } from "../support/dir.ts";
import { jobEntries, writeEntries } from "../support/jobs.ts";
import { contentsOf, mini, miniJson } from "../support/mini.ts";

Deno.test("mini queue get and finished tell what became of each message, beside the program", async () => {
  await using directory = new TestDirectory();
  const { path } = directory;
  await using queue = await MiniQueue.open<string, { bytes: number }>(path, {
    keepFinished: { count: 2 },
  });
  const payloads = ["forgotten", "done", "done too", "dead", "held", "idle"];
  const headers = { trace: "4711" };
  await queue.enqueueBatch(payloads.map((payload) => ({ payload, headers })));
  for (const bytes of [6, 7, 8]) await (await queue.receive())?.ack({ bytes });
  await (await queue.receive())?.deadLetter("no such address");
  await queue.receive();
  const before = await contentsOf(path);

  // The clocks are read a moment later.
  const undated = (value: unknown) =>
    JSON.parse(JSON.stringify(value).replace(/"20[^"]*Z"/g, '"a date"'));
  const get = (id: number) => ["queue", "get", path, `${id}`];
  for (const id of [2, 3, 4, 5, 6]) {
    const { code, json } = await miniJson(get(id));
    assertEquals([code, undated(json.message)], [
      0,
      undated(await queue.get(id)),
    ]);
  }
  const none = await miniJson(get(1));
  assertEquals([none.code, none.json], [1, { message: null }]);
  const finished = ["queue", "finished", path];
  const all = await miniJson(finished);
  const ended = undated(await queue.finished());
  assertEquals([all.code, undated(all.json.messages)], [0, ended]);
  const page = await miniJson([...finished, "-n", "1", "--after", "2"]);
  assertEquals(undated(page.json.messages), ended.slice(1));
  const stats = await mini(["queue", "stats", path]);
  assertStringIncludes(stats.stdout, "finished and kept: 2 messages\n");
  const dead = await mini(["queue", "dead", path]);
  assertStringIncludes(dead.stdout, '\n    {"trace":"4711"}\n');
  assertEquals(await contentsOf(path), before);
});

Deno.test("mini queue get and finished print progress, results and reasons, and why there is nothing", async () => {
  await using directory = new TestDirectory();
  const { path } = directory;
  const entries = jobEntries();
  await writeEntries(directory.at("journal.jsonl"), entries);
  const print = async (...args: string[]) =>
    (await mini(["queue", ...args])).stdout.trimEnd().split("\n");
  const date = new Date(entries[0]!.at).toISOString().slice(0, 10);
  const dated = (lines: string[]) =>
    lines.map((line) => line.replace(/(20[0-9-]{8})T[0-9:]{8}Z/, "$1"));
  assertEquals(dated(await print("get", path, "1")), [
    "id           1",
    "state        in flight",
    'payload      "under way"',
    `enqueued at  ${date}`,
    "priority     0",
    "attempts     1",
    'headers      {"trace":"4711","note":"<i>"}',
    'progress     {"percent":40}',
  ]);
  assertEquals(dated(await print("finished", path)), [
    `2  ${date}  done       {"bytes":7}   "done"`,
    `3  ${date}  cancelled  "not needed"  "cancelled"`,
  ]);
  assertEquals(await print("finished", path, "--after", "3"), [
    "no finished messages",
  ]);
  assertEquals(await print("get", path, "6"), [
    "there has been no message 6 yet",
  ]);

  const stats = await print("stats", path);
  assertEquals(stats.slice(-3), [
    "finished and kept: 2 messages",
    'schedule  "report"  fired last 2026-01-02T03:00:00Z  3 missed',
    'schedule  "poll"    has not fired',
  ]);

  const bare = directory.at("bare");
  {
    await using queue = await MiniQueue.open(bare);
    await queue.enqueue("done");
    await (await queue.receive())?.ack();
  }
  assertEquals(await print("get", bare, "1"), [
    "message 1 has ended, and nothing of it is kept",
  ]);
  assertEquals(await print("finished", bare), [
    "no finished messages: the program does not set keepFinished",
  ]);
});

Deno.test("mini queue redrive and purge leave what is kept, the schedules, and their limits", async () => {
  await using directory = new TestDirectory();
  const { path } = directory;
  await writeEntries(directory.at("journal.jsonl"), jobEntries());
  const kept = async () => {
    const { json } = await miniJson(["queue", "finished", path]);
    const { json: stats } = await miniJson(["queue", "stats", path]);
    const ids = json.messages.map(({ id }: { id: number }) => id);
    return { ids, schedules: stats.schedules };
  };
  const before = await kept();
  for (const command of ["redrive", "purge"]) {
    await mini(["queue", command, path, command === "purge" ? "dead" : "all"]);
  }
  assertEquals(await kept(), before);
  const { stdout } = await mini(["dump", path]);
  assertEquals(stdout.split('"policy"').length, 2);
});
