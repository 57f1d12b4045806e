import { assert, assertEquals } from "@std/assert";
import { systemFileSystem } from "@mini/state/store";
import { type Check, fileSystemSuite, runSuite } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { BLOCKING_FLAWS } from "../support/blocking_flaws.ts";
import { FILE_FLAWS } from "../support/file_flaws.ts";
import { broken, inMemory } from "../support/flaw.ts";
import {
  DURABLE_FLAWS,
  LOCK_FLAWS,
  NAME_FLAWS,
} from "../support/name_flaws.ts";
import { run, skipped } from "../support/system.ts";

/** A test for each rule. What is skipped is told, unless it is known that the fixture cannot do it. */
function register(
  what: string,
  suite: readonly Check[],
  cannot: string,
): void {
  for (const check of suite) {
    Deno.test(`${what}: ${check.name}`, async () => {
      const why = await check.run();
      if (why !== undefined && why !== cannot) skipped(check.name, why);
    });
  }
}

register(
  "MemoryFileSystem",
  fileSystemSuite(() => inMemory()),
  "the fixture makes none",
);

const hasPipes = (await run("mkfifo", "--version")).success;

register(
  "systemFileSystem",
  fileSystemSuite(() => {
    const directory = new TestDirectory();
    return {
      fs: systemFileSystem,
      directory: directory.path,
      link: (existing, path) => Deno.link(existing, path),
      dispose: () => directory[Symbol.asyncDispose](),
      ...Deno.build.os !== "windows" && {
        symlink: (target: string, path: string) => Deno.symlink(target, path),
      },
      ...hasPipes && { pipe: (path: string) => run("mkfifo", path) },
    };
  }),
  "the fixture cuts no power",
);

const FLAWS = [
  ...FILE_FLAWS,
  ...NAME_FLAWS,
  ...LOCK_FLAWS,
  ...DURABLE_FLAWS,
  ...BLOCKING_FLAWS,
];

for (const flaw of FLAWS) {
  Deno.test(`fileSystemSuite() tells which rule is broken where ${flaw.what}`, async () => {
    const suite = fileSystemSuite(() => broken(flaw), { hangMs: 50 });
    const { failures } = await runSuite(suite);
    for (const rule of flaw.breaks) {
      const start = `FileSystem breaks a rule: ${rule}. `;
      assert(
        failures.some((failure) => failure.startsWith(start)),
        `${rule} is not among:\n${failures.join("\n")}`,
      );
    }
  });
}

Deno.test("fileSystemSuite() has no rule that no file system breaks", () => {
  const breakable = new Set(FLAWS.flatMap(({ breaks }) => breaks));
  const rules = fileSystemSuite(() => inMemory()).map(({ name }) => name);
  // The rules of the synchronous half are tested by the same tests.
  const tests = rules.map((name) => name.replace(/^blocking: /, ""));
  assertEquals(tests.filter((rule) => !breakable.has(rule)), []);
});

Deno.test("fileSystemSuite() skips the rules of the synchronous half where there is none", async () => {
  const suite = fileSystemSuite(() => {
    const fixture = broken({ what: "nothing", breaks: [] });
    Reflect.deleteProperty(fixture.fs, "blocking");
    return fixture;
  });
  const { failures, skipped } = await runSuite(suite);
  const isOfHalf = (text: string) => text.startsWith("blocking: ");
  assertEquals(failures, []);
  assertEquals(
    skipped.filter(isOfHalf).length,
    suite.filter(({ name }) => isOfHalf(name)).length,
  );
});

Deno.test("fileSystemSuite() tells the call, and what came instead", async () => {
  const failuresOf = async (what: string) => {
    const flaw = FLAWS.find((flaw) => flaw.what === what)!;
    const suite = fileSystemSuite(() => broken(flaw), { hangMs: 50 });
    const { failures } = await runSuite(suite);
    return failures.map((failure) => failure.split(". ").slice(1).join(". "));
  };
  assertEquals(
    (await failuresOf("create() opens what has the name"))[0],
    'create("/file", 384): it succeeded, and should fail with EEXIST',
  );
  assertEquals(
    (await failuresOf("lock() waits"))[0],
    String
      .raw`lock("/lock", 384, "{\"pid\":1,\"since\":\"you\"}\n") has not settled after 50 ms`,
  );
  assertEquals(
    (await failuresOf("truncate() does nothing"))[0],
    "stat(): the size is 6, and should be 2",
  );
  assertEquals(
    (await failuresOf("syncDirectory() rejects"))[0],
    'syncDirectory("/") failed with EISDIR (Error: EISDIR: /)',
  );
});
