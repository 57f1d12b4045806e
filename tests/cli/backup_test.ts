import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { SnapStore } from "@mini/state/snap";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { openAndRead, readOnly } from "../support/journal.ts";
import { fixture, mini, miniJson } from "../support/mini.ts";

Deno.test("mini backup copies every kind of journal so that it opens as the original does", async () => {
  await using directory = new TestDirectory();
  for (const name of ["v1/whole", "v1/torn", "mini-rs/state"]) {
    const dir = directory.at(name.replace("/", "-"));
    const { code, json } = await miniJson(["backup", fixture(name), dir]);
    assertEquals([code, json.leftOut], [0, []]);
    const file = name === "mini-rs/state"
      ? "counter.wal.jsonl"
      : "journal.jsonl";
    const original = await readOnly(join(fixture(name), file));
    assertEquals(await readOnly(join(dir, file)), original);
  }
  const full = await mini(["backup", fixture("v1/whole"), directory.path]);
  assertEquals(full.code, 2);
  assertStringIncludes(full.stderr, "is not empty");
});

Deno.test("mini backup of a damaged journal leaves nothing that opens", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("copy");
  const { code, json } = await miniJson(["backup", fixture("v1/flipped"), dir]);
  assertEquals([code, json.error.code], [1, "CORRUPT"]);
  assertStringIncludes(json.error.message, `"${dir}" holds an unfinished copy`);
  const opened = await openAndRead(join(dir, "journal.jsonl"));
  assertEquals(opened, { code: "UNSUPPORTED_FORMAT" });
  const read = ["backup", fixture("v1/whole"), directory.at("none")];
  const { stderr } = await mini(read, ["-R"]);
  assertStringIncludes(stderr, "run again with --allow-write=");
  assertStringIncludes(stderr, "; nothing was copied\n");
  const { stdout } = await mini(["verify", dir]);
  assertStringIncludes(stdout, "an unfinished backup: it is not");
  assertStringIncludes(stdout, "\nnext: ");
});

Deno.test("mini backup leaves a damaged snapshot out, and says so", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("old");
  {
    await using counter = await openCounter(dir);
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
    await counter.apply({ by: 2 });
  }
  const path = (await new SnapStore(dir).list())[0]!.path;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace('"value": 1', '"value": 9'));
  const { code, json } = await miniJson(["backup", dir, directory.at("new")]);
  assertEquals([code, json.leftOut], [1, [path]]);
  await using counter = await openCounter(directory.at("new"));
  assertEquals(counter.state.value, 3);
});

Deno.test("mini backup says how much of an unfinished line it leaves out, and keeps one that lacks only its newline", async () => {
  await using directory = new TestDirectory();
  const torn = await mini(["backup", fixture("v1/torn"), directory.at("torn")]);
  assertEquals(torn.code, 0);
  assertStringIncludes(torn.stdout, "of an unfinished line at the end");
  const path = directory.at("x.log");
  const start = '// MINISTORE JOURNAL v0.1.3\n{"by":1}\n{"by":2';
  for (const [end, tornBytes, last] of [["", 7, 1], ["}", 0, 2]] as const) {
    await Deno.writeTextFile(path, start + end);
    const to = directory.at(`copy-${last}`);
    const { code, json } = await miniJson(["backup", path, to]);
    assertEquals([code, json.tornBytes, json.last], [0, tornBytes, last]);
    const stat = await miniJson(["stat", path]);
    assertEquals([stat.code, stat.json.tornBytes], [tornBytes && 1, tornBytes]);
  }
});
