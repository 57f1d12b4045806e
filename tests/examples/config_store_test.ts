import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { Example, type Program } from "../support/program.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** The permissions that the example gives: first to write, then to read. */
const READ = { which: 1 };

function exampleIn(directory: TestDirectory): Example {
  return new Example("config_store.ts", directory.path);
}

/** The values that are set, by key, as `get` prints them. */
async function values(example: Example): Promise<Record<string, string>> {
  const { code, stdout, stderr } = await example.run(
    ["./config", "get"],
    READ,
  );
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return Object.fromEntries(lines.map((line) => line.split(" ", 2)));
}

/** The changes that a watching reader is told of, until this one. */
async function watchUntil(
  watcher: Program,
  last: string,
): Promise<Record<string, string>> {
  const told: Record<string, string> = {};
  let before = 0;
  for (;;) {
    const line = await watcher.line();
    const [seq, key, value] = line.split(" ");
    assert(Number(seq) >= before, `${line} after ${before}`);
    before = Number(seq);
    told[key!] = value!;
    if (`${key} ${value}` === last) return told;
  }
}

Deno.test("examples/config_store.ts shows readers every change at once", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  const set = (key: string, json: string) =>
    example.run(["./config", "set", key, json]);
  const first = await set("colour", '"red"');
  assertEquals(first.stdout, "1 colour is durable");
  await using watcher = example.start(["./config", "watch"], READ.which);
  assertEquals(await watcher.line(), '1 colour "red"');
  await set("size", '{"width":3}');
  assertEquals(await watcher.line(), '2 size {"width":3}');
  await set("size", '{"width":3}');
  await example.run(["./config", "unset", "colour"]);
  assertEquals(await watcher.line(), "4 colour is not set");
  assertEquals(await values(example), { size: '{"width":3}' });
  const absent = await example.run(["./config", "get", "colour"], READ);
  assertEquals(absent, { code: 1, stdout: "", stderr: "" });
  const size = await example.run(["./config", "get", "size"], READ);
  assertEquals(size, { code: 0, stdout: '{"width":3}', stderr: "" });
});

Deno.test("examples/config_store.ts has writers wait for each other", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  const keys = Array.from({ length: 6 }, (_, at) => `key-${at}`);
  const writers = keys.map((key) => example.run(["./config", "set", key, "1"]));
  for (const { code, stderr } of await Promise.all(writers)) {
    assertEquals([code, stderr], [0, ""]);
  }
  assertEquals(Object.keys(await values(example)).sort(), keys);
});

Deno.test("examples/config_store.ts keeps its readers up when its past is removed", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  await example.run(["./config", "set", "start", "0"]);
  await using watcher = example.start(["./config", "watch"], READ.which);
  await using other = example.start(["./config", "watch"], READ.which);
  const random = new Random(seed);
  const expected: Record<string, string> = { start: "0" };
  const lines = Array.from({ length: 1_000 }, (_, at) => {
    const key = `key-${random.below(20)}`;
    const isSet = random.below(4) > 0;
    if (isSet) expected[key] = String(at);
    else delete expected[key];
    return isSet ? `${key} ${at}\n` : `${key}\n`;
  });
  const input = [...lines, "end 1\n"].join("");
  expected.end = "1";
  const { code, stderr } = await example.run(["./config", "set"], { input });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(await values(example), expected);
  for (const program of [watcher, other]) {
    const told = await watchUntil(program, "end 1");
    const set = Object.entries(told).filter(([, value]) => value !== "is");
    assertEquals(Object.fromEntries(set), expected, `seed ${seed}`);
  }
  const path = directory.at("config/config.jsonl");
  const [oldest] = await Array.fromAsync(MiniStore.replay(path));
  assert(oldest!.seq > 800, `the first record left is ${oldest!.seq}`);
});

Deno.test("examples/config_store.ts loses nothing that is durable, its writer killed again and again", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  const random = new Random(seed);
  let told = 0;
  await example.run(["./config", "set", "last", "0"]);
  // Readers read on while the log is mended under them.
  await using watcher = example.start(["./config", "watch"], READ.which);
  const kills = size(2, 40);
  for (let kill = 0; kill < kills; kill++) {
    const writer = example.start(["./config", "set"]);
    // A change is a number, so that what came last is the highest.
    const from = told + 1;
    const lines = Array.from({ length: 400 }, (_, at) => `last ${from + at}\n`);
    const written = writer.write(lines.join(""));
    const seen = 1 + random.below(300);
    for (let line = 0; line < seen; line++) await writer.line();
    const rest = await writer.kill();
    await written;
    told += seen + rest.filter((line) => line.endsWith("durable")).length;
    const last = Number((await values(example)).last);
    assert(last >= told, `seed ${seed}: ${last} is left of ${told}`);
    told = last;
  }
  await watchUntil(watcher, `last ${told}`);
  say(
    `seed ${seed}: ${kills} kills of the configuration's writer, ${told} changes, 0 violations`,
  );
});

Deno.test("examples/config_store.ts refuses what is no configuration", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  const refused = async (which: number, ...args: string[]) => {
    const { code, stdout, stderr } = await example.run(args, { which });
    assertEquals([code, stdout], [2, ""]);
    return stderr;
  };
  const none = await refused(1, "./config", "watch");
  assertEquals(none, 'there is no configuration in "./config" yet');
  const usage = await refused(0, "./config", "sett", "a", "1");
  assert(usage.startsWith("usage: config_store.ts DIR"), usage);
  assertEquals(
    await refused(0, "./config", "set", "a", "{"),
    "the value of a is no JSON: {",
  );
  assertEquals(
    await refused(0, "./config", "set", "__proto__", "1"),
    '"__proto__" is no key: a to z, 0 to 9, ".", "_" and "-"',
  );
  assertEquals(await values(example), {});
  const forbidden = await refused(1, "./config", "set", "a", "1");
  assert(forbidden.includes("--allow-write="), forbidden);
});
