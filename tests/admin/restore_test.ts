import { backup, restore } from "@mini/state/admin";
import { MiniQueue } from "@mini/state/queue";
import type { MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  assertNotWhole,
  filesIn,
  fillAtEveryCall,
  FROM,
  makeCounter,
  meanwhile,
  stopAtEveryBlock,
  TO,
} from "../support/copies.ts";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { copyFolder, fixture, mini, miniJson } from "../support/mini.ts";

Deno.test("restore() copies a backup of a state, and reports plain JSON", async () => {
  const fs = new MemoryFileSystem();
  await makeCounter(fs);
  await backup(FROM, "/backup", { fs });
  const before = filesIn(fs, "/backup");
  const report = await restore("/backup", TO, { fs });
  assertEquals(filesIn(fs, "/backup"), before);
  assertEquals(filesIn(fs, TO), before);
  assertEquals(JSON.parse(JSON.stringify(report)), report);
  const { sizeBytes, segments, ...rest } = report;
  assert(sizeBytes > 0 && segments > 2);
  assertEquals(rest, {
    from: "/backup/journal.jsonl",
    to: `${TO}/journal.jsonl`,
    first: 1,
    last: 12,
    snapshots: 2,
    setAside: [],
    consumers: [],
    posted: 0,
  });
  await using counter = await openCounter(TO, { fs });
  await counter.apply({ by: 1 });
  assertEquals(counter.state.value, 13);
});

Deno.test("restore() refuses what is damaged, missing or cut short anywhere, names it, and writes nothing", async () => {
  const whole = new MemoryFileSystem();
  await makeCounter(whole);
  await backup(FROM, "/backup", { fs: whole });
  const names = whole.names("/backup");
  for (const name of names) {
    const path = `/backup/${name}`;
    const bytes = whole.content(path)!;
    const flipped = bytes.slice();
    flipped[bytes.length >> 1]! ^= 1;
    const contents = [flipped, bytes.slice(0, -3), undefined];
    for (const [at, content] of contents.entries()) {
      // A log that compaction could have made, or a chain with a snapshot less, is whole.
      if (content === undefined && !name.endsWith("journal.jsonl")) continue;
      const fs = new MemoryFileSystem(whole.snapshot());
      if (content === undefined) fs.unlink(path);
      else fs.put(path, content);
      const before = filesIn(fs, "/backup");
      const error = await assertRejects(
        () => restore("/backup", TO, { fs }),
        Error,
      ) as MiniError;
      assertEquals(error.code, "CORRUPT", `${name} ${at}: ${error.message}`);
      assert(error.message.includes(name), error.message);
      assert(error.message.includes("nothing was written"), error.message);
      assertEquals(fs.names("/copies"), []);
      assertEquals(filesIn(fs, "/backup"), before);
    }
  }
});

Deno.test("restore() names several findings, the first of them with its place", async () => {
  const fs = new MemoryFileSystem();
  await makeCounter(fs);
  const names = fs.names(FROM).filter((name) => name.endsWith(".jsonl"));
  for (const name of names) {
    const bytes = fs.content(`${FROM}/${name}`)!;
    bytes[bytes.length >> 1]! ^= 1;
    fs.put(`${FROM}/${name}`, bytes);
  }
  const error = await assertRejects(() => restore(FROM, TO, { fs }));
  const { code, message, line, offset } = error as MiniError;
  assertEquals(code, "CORRUPT");
  assert((line ?? 0) > 0 && (offset ?? 0) > 0, message);
  const named = names.filter((name) => message.includes(name));
  assertEquals(named.length, Math.min(5, names.length));
  assert(/and \d+ more findings?/.test(message) === names.length > 5, message);
});

Deno.test("restore() refuses an unfinished copy", async () => {
  const fs = new MemoryFileSystem();
  await makeCounter(fs);
  let calls = 0;
  fs.hooks.before = ({ operation }) =>
    operation === "create" && ++calls > 3 ? { code: "ENOSPC" } : undefined;
  await assertRejects(() => backup(FROM, "/backup", { fs }));
  fs.hooks = {};
  const error = await assertRejects(() => restore("/backup", TO, { fs }));
  assertEquals((error as MiniError).code, "UNSUPPORTED_FORMAT");
  assertEquals(fs.names(TO), []);
});

Deno.test("restore() fills only a directory that is missing or empty, whose owner its files get", async () => {
  const fs = new MemoryFileSystem();
  await makeCounter(fs);
  await fs.createDirectory(TO, 0o700);
  fs.put("/full/file", new Uint8Array(1));
  for (const dir of [FROM, "/full", "/full/file"]) {
    await assertRejects(() => restore(FROM, dir, { fs }), TypeError);
  }
  fs.user = { uid: 0, gid: 0 };
  fs.give(TO, { uid: 7, gid: 8 });
  await restore(FROM, TO, { fs });
  for (const name of fs.names(TO)) {
    const { uid, gid } = (await fs.stat(`${TO}/${name}`))!;
    assertEquals([uid, gid], [7, 8], name);
  }
  const gone = await assertRejects(() => restore("/gone", "/new", { fs }));
  assertEquals((gone as MiniError).code, "NOT_FOUND");
});

Deno.test("restore() leaves positions and the inbox of a copied directory behind, and says so", async () => {
  await using directory = new TestDirectory();
  const jobs = directory.at("jobs");
  {
    await using queue = await MiniQueue.open<string>(jobs, { inbox: true });
    await queue.enqueue("a");
  }
  await MiniQueue.post(jobs, "b");
  await Deno.writeTextFile(`${jobs}/journal.jsonl.torn`, "x");
  const report = await restore(jobs, directory.at("new"));
  assertEquals(report.posted, 1);
  assertEquals(report.setAside, ["journal.jsonl.torn"]);
  await using queue = await MiniQueue.open(directory.at("new"));
  assertEquals((await queue.stats()).ready, 1);
});

Deno.test("restore() of a directory that is in use copies a state that it was in", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter(FROM, { fs, maxSegmentBytes: 1_000 });
  await counter.apply({ by: 1 });
  let steps = 0;
  const beside = meanwhile(fs, async () => {
    await counter.apply({ by: 1 });
    if (++steps % 50 === 0) await counter.compact();
  });
  for (let turn = 1; turn <= 5; turn++) {
    const { last } = await restore(FROM, `${TO}-${turn}`, { fs: beside });
    assert(last > 0 && last <= counter.sequence);
    await using copy = await openCounter(`${TO}-${turn}`, { fs });
    assertEquals([copy.sequence, copy.state.value], [last, last]);
  }
  assert(counter.firstSequence > 1, "nothing was compacted");
});

Deno.test("restore() stopped by its signal rejects with the reason, and leaves nothing that opens", async () => {
  const blocks = await stopAtEveryBlock(restore);
  assert(blocks > 30, `${blocks} blocks`);
});

Deno.test("restore() on a full disk fails with NO_SPACE, and leaves nothing that opens", async () => {
  const calls = await fillAtEveryCall(restore);
  assert(calls > 10, `${calls} calls`);
});

Deno.test("restore() fails where the original is damaged while it is copied", async () => {
  const fs = new MemoryFileSystem();
  await makeCounter(fs);
  const [oldest] = fs.names(FROM).filter((name) => /^snapshot/.test(name));
  const path = `${FROM}/${oldest}`;
  fs.hooks.before = ({ operation, path: made }) => {
    if (operation !== "create" || !made.startsWith(TO)) return;
    const bytes = fs.content(path)!;
    fs.put(path, bytes.slice(0, -3));
    fs.hooks = {};
  };
  const error = await assertRejects(() => restore(FROM, TO, { fs }));
  assertEquals((error as MiniError).code, "CORRUPT");
  await assertNotWhole(fs);
});

Deno.test("mini restore prints what it restored, and refuses with exit codes", async () => {
  await using directory = new TestDirectory();
  const from = await copyFolder(fixture("v1/whole"), directory.at("backup"));
  const { code, stdout } = await mini(["restore", from, directory.at("new")]);
  assertEquals(code, 0);
  const [first, ...others] = stdout.trimEnd().split("\n");
  assert(/^restored and verified: records? /.test(first!), stdout);
  assertEquals(others, [
    "consumers begin again, and the inbox of a queue is empty",
  ]);
  assertEquals((await mini(["verify", directory.at("new")])).code, 0);
  const again = await mini(["restore", from, directory.at("new")]);
  assertEquals([again.code, again.stdout], [2, ""]);
  assertEquals(
    again.stderr,
    `mini: "${
      directory.at("new")
    }" is not empty: give a directory that is missing or empty\n`,
  );
  const bad = ["restore", fixture("v1/flipped"), directory.at("bad")];
  const refused = await miniJson(bad);
  assertEquals([refused.code, refused.json.error.code], [1, "CORRUPT"]);
  const rust = ["restore", fixture("mini-rs/state"), directory.at("rust")];
  const { json } = await miniJson(rust);
  assertEquals(json.to, directory.at("rust/counter.wal.jsonl"));
});
