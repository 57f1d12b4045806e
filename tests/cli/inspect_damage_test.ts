import { assertEquals, assertStringIncludes } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { Inspector, makeCounter, programIn } from "../support/inspect.ts";
import { copyFolder, fixture } from "../support/mini.ts";

function namesIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
}

Deno.test("mini inspect shows damage where it is, and what can be read around it", async () => {
  await using directory = new TestDirectory();
  const dir = await copyFolder(fixture("v1/flipped"), directory.at("flipped"));
  await using inspector = await Inspector.start(dir);
  const overview = await inspector.get("overview");
  assertEquals([overview.end, overview.last], ["damaged", 9]);
  const [problem] = overview.problems;
  assertEquals(
    [problem.code, problem.line, problem.offset, problem.seq],
    ["CORRUPT", 2, 100, 5],
  );
  const page = await inspector.get("records", { from: 1, count: 20 });
  assertEquals(
    page.records.map(({ seq }: { seq: number }) => seq),
    [1, 2, 3, 4, 6, 7, 8, 9],
  );
  const [damage] = page.damages;
  assertEquals(
    [damage.file, damage.line, damage.offset, damage.from, damage.to],
    ["journal.jsonl", 2, 100, 5, 5],
  );
  const missing = await inspector.get("record", { seq: 5 });
  assertEquals([missing.isMissing, missing.damages], [true, page.damages]);
});

Deno.test("mini inspect finds by reading every byte what no name tells, and states before it", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("state");
  await makeCounter(dir);
  const program = await programIn(directory);
  const [first, second] = namesIn(dir).filter((name) =>
    /^journal\.\d{20}\.jsonl$/.test(name)
  );
  const path = `${dir}/${second}`;
  const bytes = await Deno.readFile(path);
  const whole = bytes.slice();
  bytes[bytes.indexOf(0x0a) + 30]! ^= 1;
  await Deno.writeFile(path, bytes);
  await using inspector = await Inspector.start(dir, ["--apply", program], [
    program,
  ]);
  const overview = await inspector.until(({ verified }) => verified.isDone);
  const statuses = overview.segments.map((
    { name, status }: { name: string; status: string },
  ) => [name, status]);
  assertEquals(statuses.slice(0, 2), [[first, "sealed"], [second, "damaged"]]);
  const { seq } = overview.problems[0];
  const before = await inspector.get("state", { at: seq - 1 });
  assertEquals(
    [before.state.value, before.isUnsure],
    [(seq - 1) * seq / 2, true],
  );
  const behind = await inspector.get("state", { at: seq });
  assertEquals([behind.error.code, behind.error.seq], ["CORRUPT", seq]);
  // A snapshot stands for what is damaged before it.
  assertEquals((await inspector.get("state", { at: 20 })).state.value, 210);

  // Somebody puts back a file that is whole.
  await Deno.writeFile(directory.at("whole"), whole);
  await Deno.rename(directory.at("whole"), path);
  const mended = await inspector.until(({ segments }) =>
    segments[1].status === "sealed"
  );
  assertEquals(mended.problems, []);
  assertEquals((await inspector.get("record", { seq })).isMissing, undefined);
});

Deno.test("mini inspect tells a torn end, a damaged snapshot, and what was set aside", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("state");
  await makeCounter(dir);
  const active = `${dir}/journal.jsonl`;
  const text = await Deno.readTextFile(active);
  const cut = text.slice(0, text.lastIndexOf('{"crc"')) + '{"crc":"0012';
  await Deno.writeTextFile(active, cut);
  await Deno.writeTextFile(`${dir}/journal.jsonl.torn`, "x");
  const snapshot = namesIn(dir).find((name) => name.startsWith("snapshot_"));
  const bytes = await Deno.readFile(`${dir}/${snapshot}`);
  bytes[bytes.length >> 1]! ^= 1;
  await Deno.writeFile(`${dir}/${snapshot}`, bytes);
  await using inspector = await Inspector.start(dir);
  const overview = await inspector.until(({ verified }) => verified.isDone);
  assertEquals([overview.end, overview.isCut], ["torn", true]);
  assertEquals(overview.segments.at(-1).tornBytes, 12);
  assertEquals(overview.snapshots[0].status, "damaged");
  assertEquals(overview.setAside, ["journal.jsonl.torn"]);
  const view = await inspector.get("state", { at: 25 });
  assertEquals([view.snapshot, view.rejected.length], [0, 1]);
});

Deno.test("mini inspect tells a torn end of a journal of the Rust program", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("x.log");
  const text = '// MINISTORE JOURNAL v0.1.3\n{"by":1}\n{"by":2';
  await Deno.writeTextFile(path, text);
  await using inspector = await Inspector.start(path, [], [directory.path]);
  const { end, isCut, segments } = await inspector.get("overview");
  assertEquals([end, isCut, segments[0].status], ["torn", true, "torn"]);
  assertEquals(segments[0].tornBytes, 7);
});

Deno.test("mini inspect says that a snapshot is ahead of the log", async () => {
  await using directory = new TestDirectory();
  await makeCounter(directory.path);
  await new SnapStore(directory.path).create({ value: 1, log: [] }, 50);
  await using inspector = await Inspector.start(directory.path);
  const { problems, last } = await inspector.get("overview");
  assertEquals([problems.length, problems[0].seq, last], [1, 42, 50]);
  assertStringIncludes(problems[0].message, "records 42 to 50 are missing");
  const program = await programIn(directory);
  await using given = await Inspector.start(directory.path, [
    "--apply",
    program,
  ]);
  for (const { url } of [inspector, given]) {
    const state = async (at: number) =>
      await (await fetch(new URL(`api/state?at=${at}`, url))).json();
    assertEquals((await state(49)).error.code, "CORRUPT");
    assertEquals((await state(50)).state.value, 1);
  }
});

Deno.test("mini inspect shows a journal of the Rust program, an empty one, and one it cannot read", async () => {
  await using directory = new TestDirectory();
  await using rust = await Inspector.start(fixture("mini-rs/counter.log"), [], [
    fixture("mini-rs"),
  ]);
  const overview = await rust.get("overview");
  assertEquals(overview.format, "ministore");
  const page = await rust.get("records", { from: 1, count: 500 });
  assertEquals(page.records.length, overview.records);

  await (await MiniStore.open(directory.at("empty.jsonl"))).close();
  await using empty = await Inspector.start(directory.path);
  const nothing = await empty.get("overview");
  assertEquals([nothing.records, nothing.last, nothing.holds], [
    0,
    0,
    "records",
  ]);
  assertEquals(
    (await empty.get("records", { from: 1, count: 10 })).records,
    [],
  );

  await using newer = await Inspector.start(fixture("v1/newer"));
  const refused = await newer.get("overview");
  assertEquals(refused.problems[0].code, "UNSUPPORTED_FORMAT");
});
