import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { openAndRead } from "../support/journal.ts";
import { fixture, mini, miniCommand, miniJson } from "../support/mini.ts";
import { Mount, skipped } from "../support/system.ts";

async function namesIn(dir: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir));
  return entries.map(({ name }) => name).sort();
}

Deno.test("mini adopt makes a journal of several segments, and tells of the first hundred losses", async () => {
  await using directory = new TestDirectory();
  const file = directory.at("app.log");
  const text = "x".repeat(1_000_000);
  const lines = Array.from(
    { length: 130 },
    (_, at) => at < 20 ? `${JSON.stringify({ at, text })}\n` : "?\n",
  );
  await Deno.writeTextFile(file, lines.join(""));
  const path = directory.at("new/journal.jsonl");
  const dry = await mini(["adopt", "--dry-run", file, path]);
  assertEquals([dry.code, directory.names()], [1, ["app.log"]]);
  assertStringIncludes(dry.stdout, `would write: 20 records in "${path}"\n`);
  const { code, stdout } = await mini(["adopt", file, path]);
  assertEquals(code, 1);
  assertStringIncludes(
    stdout,
    `20 records in "${path}"\nleft out after record 20 (line 21, offset `,
  );
  assertStringIncludes(
    stdout,
    ", 1 byte): not JSON\n… and 10 parts more; all together 110 bytes\n",
  );
  const names = await namesIn(directory.at("new"));
  assertEquals(names, [
    "journal.00000000000000000000.jsonl",
    "journal.jsonl",
    "journal.jsonl.lock",
  ]);
  assertEquals((await mini(["verify", path])).code, 0);
  await using store = await MiniStore.open<{ at: number }>(path);
  assertEquals([store.recovery.outcome, store.sequence], ["clean", 20]);
  const found = await Array.fromAsync(store.replay(), ({ data }) => data.at);
  assertEquals(found, Array.from({ length: 20 }, (_, at) => at));
});

Deno.test("mini adopt refuses what is no file of lines, or a journal, and says what to use", async () => {
  await using directory = new TestDirectory();
  const put = async (name: string, content: Uint8Array | string) => {
    const path = directory.at(name);
    await (typeof content === "string"
      ? Deno.writeTextFile(path, content)
      : Deno.writeFile(path, content));
    return path;
  };
  const whole = await put("whole", "[1]\n");
  const to = directory.at("journal.jsonl");
  const refused: [file: string, to: string, complaint: string][] = [
    [directory.at("none"), to, "there is no file"],
    [directory.path, to, "is a directory; give one file of it"],
    [fixture("v1/whole/journal.jsonl"), to, "is a journal already"],
    [
      fixture("v1/whole/journal.00000000000000000000.jsonl"),
      to,
      "mini salvage copies",
    ],
    [fixture("mini-rs/counter.log"), to, "mini convert makes a native one"],
    [
      await put("utf16", Uint8Array.of(0xff, 0xfe, 0x5b, 0)),
      to,
      "is UTF-16: convert it",
    ],
    [
      await put("gzip", Uint8Array.of(0x1f, 0x8b, 8)),
      to,
      "is compressed by gzip",
    ],
    [whole, whole, "already exists"],
    [
      await put("journal.jsonl.tmp", "[1]\n"),
      to,
      "give the journal another name",
    ],
    [
      whole,
      directory.at("x.00000000000000000000.jsonl"),
      "the name of a segment",
    ],
  ];
  if (Deno.build.os !== "windows") {
    const link = directory.at("link");
    await Deno.symlink(whole, link);
    refused.push(
      [link, to, "is a symbolic link; give the file that it leads to"],
      ["/dev/zero", to, "is a pipe or a device; save what it gives in a file"],
    );
  }
  const before = directory.names();
  for (const [file, to, complaint] of refused) {
    const { code, stdout, stderr } = await mini(["adopt", file, to]);
    assertEquals([code, stdout], [2, ""], complaint);
    assertStringIncludes(stderr, complaint);
  }
  const unread = await mini(["adopt", whole, to], []);
  assertStringIncludes(unread.stderr, `--allow-read=${directory.path}`);
  const unwritten = await mini(["adopt", whole, to], ["-R"]);
  assertStringIncludes(unwritten.stderr, `--allow-write=${directory.path}`);
  assertEquals(directory.names(), before);
});

Deno.test("mini adopt that is killed leaves nothing that opens, and begins again", async () => {
  await using directory = new TestDirectory();
  const file = directory.at("app.log");
  const text = "x".repeat(100_000);
  const lines = Array.from({ length: 200 }, (_, at) => `["${text}",${at}]\n`);
  await Deno.writeTextFile(file, lines.join(""));
  const path = directory.at("new/journal.jsonl");
  await Deno.mkdir(directory.at("new"));
  const watcher = Deno.watchFs(directory.at("new"));
  const child = new Deno.Command(Deno.execPath(), {
    args: miniCommand(["adopt", file, path]),
  }).spawn();
  // Should it end first, the test fails and does not hang.
  const { status } = child;
  status.then(() => watcher.close());
  for await (const { paths } of watcher) {
    if (paths.some((name) => name.endsWith(".part"))) break;
  }
  child.kill("SIGKILL");
  assertEquals((await status).signal, "SIGKILL");
  assertEquals(await openAndRead(path), { code: "UNSUPPORTED_FORMAT" });
  const { stdout } = await mini(["verify", path]);
  assertStringIncludes(stdout, "belongs to an unfinished copy: it is not");
  const { code, json } = await miniJson(["adopt", file, path]);
  assertEquals([code, json.records], [0, 200]);
  assertEquals((await mini(["verify", path])).code, 0);
  const names = await namesIn(directory.at("new"));
  assert(names.every((name) => !name.includes(".part")), names.join());
  assertEquals((await mini(["adopt", file, path])).code, 2);
});

Deno.test("mini adopt of a file that changes meanwhile says so, and that another try needs another place", async () => {
  await using directory = new TestDirectory();
  const file = directory.at("app.log");
  const line = `["${"x".repeat(100_000)}"]\n`;
  await Deno.writeTextFile(file, line.repeat(100));
  await Deno.writeTextFile(directory.at("next.log"), "[1]\n");
  const path = directory.at("new/journal.jsonl");
  await Deno.mkdir(directory.at("new"));
  const watcher = Deno.watchFs(directory.at("new"));
  const adopting = mini(["adopt", file, path]).finally(() => watcher.close());
  for await (const { paths } of watcher) {
    if (paths.some((name) => name.endsWith(".part"))) break;
  }
  await Deno.rename(directory.at("next.log"), file);
  const { code, stdout } = await adopting;
  assertEquals(code, 1);
  assertStringIncludes(
    stdout,
    `"${file}" changed meanwhile: stop what writes it, then try again with another NEW`,
  );
  const again = await mini(["adopt", file, path]);
  assertStringIncludes(again.stderr, "already exists");
  const other = directory.at("new/other.jsonl");
  assertEquals((await mini(["adopt", file, other])).code, 0);
});

Deno.test("mini adopt to a disk that is full leaves nothing that opens, and no copy", async () => {
  const mount = await Mount.tmpfs("400k");
  if (typeof mount === "string") return skipped("a full disk", mount);
  await using disk = mount;
  await using directory = new TestDirectory();
  const file = directory.at("app.log");
  await Deno.writeTextFile(file, `["${"x".repeat(10_000)}"]\n`.repeat(60));
  const path = disk.at("new.jsonl");
  const { code, json } = await miniJson(["adopt", file, path]);
  assertEquals([code, json.error.code], [1, "NO_SPACE"]);
  assertStringIncludes(
    json.error.message,
    `"${path}" holds an unfinished copy`,
  );
  assertEquals(await openAndRead(path), { code: "UNSUPPORTED_FORMAT" });
  await Deno.writeTextFile(file, "[1]\n");
  assertEquals((await mini(["adopt", file, path])).code, 0);
  assertEquals(await openAndRead(path), { data: [[1]], outcome: "clean" });
});

Deno.test("mini adopt beside another one to the same place is LOCKED", async () => {
  await using directory = new TestDirectory();
  const file = directory.at("app.log");
  await Deno.writeTextFile(file, "[1]\n");
  const path = directory.at();
  await using _ = await MiniStore.open(path);
  await Deno.remove(path);
  const { code, stderr } = await mini(["adopt", file, path]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, " has it open for writing; nothing was changed");
  assertEquals(directory.names(), ["app.log", "journal.jsonl.lock"]);
});
