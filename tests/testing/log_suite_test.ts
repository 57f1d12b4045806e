import { assert, assertEquals } from "@std/assert";
import { type Log, MiniError, MiniStore } from "@mini/state/store";
import { type LogFixture, logSuite, runSuite } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { brokenLog, miniStore } from "../support/log_flaw.ts";
import { LOG_FLAWS } from "../support/log_flaws.ts";
import { SYNC_FLAWS } from "../support/sync_flaws.ts";
import { MemoryLog } from "../support/memory_log.ts";

const FLAWS = [...LOG_FLAWS, ...SYNC_FLAWS];

/** A log in memory that may be taken over, or fail. */
function inMemory(): LogFixture {
  const log = new MemoryLog();
  const reject = (code: string) => {
    const error = Object.assign(new Error("no more"), { code });
    log.append = () => Promise.reject(error);
  };
  return {
    open: () => {
      Reflect.deleteProperty(log, "append");
      return Promise.resolve(log.reopen());
    },
    cutPower: () => {},
    poison: () => reject("POISONED"),
    depose: () => reject("DEPOSED"),
  };
}

/** The reasons for which checks are known to be skipped. */
const SKIPPED = {
  "MiniStore in memory": ["the fixture deposes no log"],
  "MiniStore in files": [
    "the fixture cuts no power",
    "the fixture deposes no log",
    "the fixture poisons no log",
  ],
  MemoryLog: [
    "the log has no appendJson()",
    "the log has no appendSync()",
    "the log has no failed",
    "the log has no health()",
    "the log has no id",
    "the log has no recovery",
    "the log has no replayChunks()",
    "the log has no resetTo()",
    "the log has no rotate()",
    "the log has no seqBefore()",
    "the log has no sync()",
    "the log proves nothing",
  ],
};

const FIXTURES: Record<keyof typeof SKIPPED, () => LogFixture> = {
  "MiniStore in memory": miniStore,
  "MiniStore in files": () => {
    const directory = new TestDirectory();
    return {
      open: () => MiniStore.open<unknown>(directory.at()),
      dispose: () => directory[Symbol.asyncDispose](),
    };
  },
  MemoryLog: inMemory,
};

for (const [what, make] of Object.entries(FIXTURES)) {
  const known = SKIPPED[what as keyof typeof SKIPPED];
  const skipped = new Set<string>();
  for (const { name, run } of logSuite(make)) {
    Deno.test(`${what}: ${name}`, async () => {
      const why = await run();
      if (why !== undefined) skipped.add(why);
    });
  }
  Deno.test(`${what}: nothing else of logSuite() is skipped`, () => {
    assertEquals([...skipped].sort(), known);
  });
}

for (const flaw of FLAWS) {
  Deno.test(`logSuite() tells which rule is broken where ${flaw.what}`, async () => {
    const suite = logSuite(() => brokenLog(flaw), { hangMs: 200 });
    const { failures } = await runSuite(suite);
    for (const rule of flaw.breaks) {
      const start = `Log breaks a rule: ${rule}. `;
      assert(
        failures.some((failure) => failure.startsWith(start)),
        `${rule} is not among:\n${failures.join("\n")}`,
      );
    }
  });
}

Deno.test("logSuite() has no rule that no log breaks", () => {
  const breakable = new Set(FLAWS.flatMap(({ breaks }) => breaks));
  const rules = logSuite(miniStore).map(({ name }) => name);
  assertEquals(rules.filter((rule) => !breakable.has(rule)), []);
});

Deno.test("logSuite() tells of a log that cannot be opened", async () => {
  const open = (): Promise<Log<unknown>> =>
    Promise.reject(new MiniError("IO", "the tape is not mounted"));
  const { passed, failures } = await runSuite(logSuite(() => ({ open })));
  assertEquals(passed, []);
  assertEquals(
    failures[0]?.split(". ")[1],
    "opening it failed with IO (MiniError [IO]: the tape is not mounted)",
  );
});
