import * as admin from "@mini/state/admin";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { toFileUrl } from "@std/path";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";

type Path = string | URL;

/** Every function of `/admin`, as one that gives its report or all that it yields. */
const FUNCTIONS: Record<
  string,
  (path: Path, to: Path, options?: object) => Promise<unknown>
> = {
  adopt: (path, to, options) => admin.adopt(path, to, options),
  backup: (path, to, options) => admin.backup(path, to, options),
  convert: (path, to, options) => admin.convert(path, to, options),
  repair: (path, _, options) => admin.repair(path, options),
  restore: (path, to, options) => admin.restore(path, to, options),
  salvage: (path, to, options) => admin.salvage(path, to, options),
  salvageRecords: async (path, _, options) =>
    await Array.fromAsync(admin.salvageRecords(path, options)),
  stat: (path, _, options) => admin.stat(path, options),
  verify: (path, _, options) => admin.verify(path, options),
  verifySegments: async (path, _, options) =>
    await Array.fromAsync(admin.verifySegments(path, options)),
  verifySnapshots: (path, _, options) => admin.verifySnapshots(path, options),
};

const MAKES = ["adopt", "backup", "convert", "restore", "salvage"];

Deno.test("every function of admin is in the tables of these tests", () => {
  const found = Object.entries(admin).filter(([name, value]) =>
    typeof value === "function" && name !== "MiniError"
  );
  assertEquals(found.map(([name]) => name).sort(), Object.keys(FUNCTIONS));
});

/** A directory with what each function reads. */
async function originals(directory: TestDirectory): Promise<void> {
  await using counter = await openCounter(directory.at("log"));
  await counter.apply({ by: 1 });
  await counter.createSnapshot();
  const rust = '// MINISTORE JOURNAL v0.1.4\n{"set":1}\n';
  await Deno.writeTextFile(directory.at("rust.log"), rust);
  await Deno.writeTextFile(directory.at("values.log"), '{"set":1}\n');
}

function originalOf(name: string): string {
  if (name === "convert") return "rust.log";
  return name === "adopt" ? "values.log" : "log";
}

for (const [name, call] of Object.entries(FUNCTIONS)) {
  Deno.test(`${name}() refuses options and paths that are none, and writes nothing`, async () => {
    await using directory = new TestDirectory();
    await originals(directory);
    const from = directory.at(originalOf(name));
    const to = directory.at("to");
    const here = directory.names();
    for (
      const wrong of [
        { onprogress: () => {} },
        { onProgress: 1 },
        { signal: {} },
        { fs: {} },
        null as unknown as object,
      ]
    ) await assertRejects(() => call(from, to, wrong), TypeError);
    const places = ["", "a\0b", 1 as unknown as string, new URL("http://a/b")];
    for (const place of places) {
      await assertRejects(() => call(place, to), TypeError);
      if (MAKES.includes(name)) {
        await assertRejects(() => call(from, place), TypeError);
      }
    }
    assertEquals(directory.names(), here);
    await assertRejects(() => Deno.stat("journal.jsonl"), Deno.errors.NotFound);
  });

  Deno.test(`${name}() rejects with what onProgress throws, whenever it does`, async () => {
    await using directory = new TestDirectory();
    await originals(directory);
    const from = directory.at(originalOf(name));
    const before = directory.names();
    const reason = { no: "error" };
    let isDone = false;
    for (let throwAt = 1; !isDone; throwAt++) {
      let calls = 0;
      const onProgress = () => {
        if (++calls === throwAt) throw reason;
      };
      const to = directory.at(`to-${throwAt}`);
      await call(from, to, { onProgress }).then(() => {
        isDone = true;
        assert(calls < throwAt, "it ends although it was stopped");
        assert(throwAt > 1, "it tells nothing");
      }, (error) => assert(error === reason, `${error}`));
    }
    const names = directory.names().filter((name) => !/^to-/.test(name));
    assertEquals(names, before);
  });

  Deno.test(`${name}() takes URLs for paths`, async () => {
    await using directory = new TestDirectory();
    await originals(directory);
    const from = directory.at(originalOf(name));
    const byPath = await call(from, directory.at("a"));
    const byUrl = await call(
      toFileUrl(from),
      toFileUrl(directory.at("b")),
    );
    const text = JSON.stringify(byUrl).replaceAll(
      /(mini-state-[^/]*)\/b\b/g,
      "$1/a",
    );
    assertEquals(JSON.parse(text), byPath);
  });

  Deno.test(`${name}() rejects with an error of this package where a file is in the way`, async () => {
    await using directory = new TestDirectory();
    await originals(directory);
    const file = directory.at("values.log");
    await Deno.symlink(directory.at("loop"), directory.at("loop"));
    const attempts = [() => call(`${file}/x`, directory.at("to"))];
    if (name !== "verifySnapshots") {
      attempts.push(() => call(directory.at("loop"), directory.at("to")));
    }
    if (MAKES.includes(name)) {
      attempts.push(() => call(directory.at(originalOf(name)), `${file}/x`));
    }
    for (const attempt of attempts) {
      const error = await assertRejects(attempt);
      assert(
        error instanceof TypeError || error instanceof admin.MiniError,
        `${error}`,
      );
    }
  });
}
