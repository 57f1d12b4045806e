import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";

const WRITER = `
import { MiniStore } from "@mini/state/store";
const path = Deno.args[0];
try {
  for (let life = 0; life < 2; life++) {
    await using store = await MiniStore.open(path, { maxSegmentBytes: 300 });
    await Promise.all([1, 2, 3].map((value) => store.append({ value })));
    await store.appendBatch([4, 5]);
    await store.rotate();
    await store.append("x");
    await store.compact(2);
    await Array.fromAsync(store.replay());
  }
  await Deno.writeTextFile(path, '{"crc":"', { append: true });
  // A rebuilt file is given this again, which takes no further permission.
  await Deno.chmod(path, 0o640);
  await using store = await MiniStore.open(path);
  const { mode } = await Deno.stat(path);
  console.log(store.recovery.outcome, store.sequence, mode & 0o777);
} catch (error) {
  console.log(error.code, error.message);
}`;

const READER = `
import { MiniStore } from "@mini/state/store";
try {
  let count = 0;
  for await (const _ of MiniStore.replay(Deno.args[0])) count++;
  console.log("read", count);
} catch (error) {
  console.log(error.code, error.message);
}`;

const FOLLOWER = `
import { MiniStore } from "@mini/state/store";
try {
  await using reader = await MiniStore.openReader(Deno.args[0]);
  const from = reader.sequence + 1;
  for await (const { seq, data } of MiniStore.follow(Deno.args[0])) {
    if (seq < from) continue;
    console.log("read", seq, data);
    break;
  }
} catch (error) {
  console.log(error.code, error.message);
}`;

Deno.test("MiniStore works with --allow-read=DIR --allow-write=DIR and nothing else", async () => {
  await using directory = new TestDirectory();
  const data = directory.at("data");
  const flags = [`--allow-read=${data}`, `--allow-write=${data}`];
  const path = directory.at("data/journal.jsonl");
  const { stdout, stderr } = await runScript(WRITER, [path], flags);
  const mode = Deno.build.os === "windows" ? 0o666 : 0o640;
  assertEquals(stdout, `torn 12 ${mode}`, stderr);
  assertEquals(directory.names(), ["data"], "something outside was touched");
});

Deno.test("MiniStore.replay() needs no permission but to read, beside a live writer", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open(directory.at());
  await store.appendBatch([1, 2, 3]);
  const flags = [`--allow-read=${directory.path}`];
  const { stdout, stderr } = await runScript(READER, [directory.at()], flags);
  assertEquals(stdout, "read 3", stderr);
});

const CONSUMER = `
import { MiniStore } from "@mini/state/store";
try {
  for (const run of [1, 2]) {
    await using consumer = await MiniStore.consumer(Deno.args[0], "uploader");
    for await (const { seq } of consumer.follow()) {
      await consumer.commit(seq);
      break;
    }
    console.log(consumer.position);
  }
} catch (error) {
  console.log(error.code, error.message);
}`;

Deno.test("MiniStore.consumer() needs to read the directory, and to write its own three files", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open(directory.at());
  await store.appendBatch([1, 2, 3]);
  await store.append(4);
  const own = `${directory.at()}.consumer.uploader`;
  const read = `--allow-read=${directory.path}`;
  const write = `--allow-write=${own},${own}.lock,${own}.tmp`;
  const path = [directory.at()];
  const narrow = await runScript(CONSUMER, path, [read, write]);
  assertEquals(narrow.stdout, "1\n2", narrow.stderr);
  const { stdout } = await runScript(CONSUMER, path, [read]);
  assert(stdout.startsWith("PERMISSION "), stdout);
  assert(stdout.includes(`--allow-write=${directory.path}`), stdout);
});

Deno.test("MiniStore.follow() and openReader() need no permission but to read, beside a live writer", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<number>(directory.at());
  await store.append(0);
  const flags = [`--allow-read=${directory.path}`];
  let isDone = false;
  const followed = runScript(FOLLOWER, [directory.at()], flags)
    .finally(() => isDone = true);
  // Nobody says when it has begun to wait.
  while (!isDone) await store.append(1);
  const { stdout, stderr } = await followed;
  assert(/^read \d+ 1$/.test(stdout), stdout + stderr);
});

const MISSING: [what: string, script: string, given: string[], flag: string][] =
  [
    ["to read, for a reader", READER, [], "--allow-read="],
    ["to read, for a follower", FOLLOWER, [], "--allow-read="],
    ["to read, for a writer", WRITER, ["--allow-write="], "--allow-read="],
    ["to write, for a writer", WRITER, ["--allow-read="], "--allow-write="],
  ];
for (const [what, script, given, flag] of MISSING) {
  Deno.test(`MiniStore without permission ${what} says which flag would help`, async () => {
    await using directory = new TestDirectory();
    const path = directory.at("to read and write");
    await Deno.mkdir(path);
    const flags = given.map((name) => name + path);
    const { stdout } = await runScript(script, [`${path}/j.jsonl`], flags);
    assert(stdout.startsWith("PERMISSION "), stdout);
    assert(stdout.includes(flag + path), stdout);
  });
}
