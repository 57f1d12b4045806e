import { assert, assertEquals, assertRejects } from "@std/assert";
import type { FileHandle, FileSystem } from "@mini/state/store";
import {
  explore,
  type ExploreProgress,
  type MemoryFileSystem,
  sweepFaults,
  type Workload,
} from "@mini/state/testing";

/** A log of lines, as small as can be, with one step of its work left out. */
type Flaw =
  | "none"
  | "acknowledges before sync"
  | "does not sync its directory"
  | "replaces before sync"
  | "removes before its replacement is durable"
  | "takes a torn line for a whole one"
  | "continues after a failed sync";

function lineLog(flaw: Flaw): Workload<string> {
  async function open(fs: FileSystem): Promise<FileHandle> {
    if (await fs.stat("/log") !== undefined) {
      return await fs.open("/log", "append");
    }
    const file = await fs.create("/log", 0o600);
    if (flaw !== "does not sync its directory") await fs.syncDirectory("/");
    return file;
  }
  async function lines(fs: FileSystem): Promise<string[]> {
    if (await fs.stat("/log") === undefined) return [];
    const file = await fs.open("/log", "read");
    const into = new Uint8Array(10_000);
    const text = new TextDecoder().decode(
      into.subarray(0, await file.read(into)),
    );
    const whole = text.split("\n").filter((line) => /^<.*>$/.test(line));
    return flaw === "takes a torn line for a whole one"
      ? text.split("\n").filter((line) => line !== "")
      : whole;
  }
  /** Writes what is whole into a new file, so that nothing torn is appended to. */
  async function repair(fs: FileSystem): Promise<string[]> {
    const found = await lines(fs);
    if (await fs.stat("/new") !== undefined) await fs.remove("/new");
    const file = await fs.create("/new", 0o600);
    await file.write(
      new TextEncoder().encode(found.map((line) => `${line}\n`).join("")),
    );
    if (flaw !== "replaces before sync") await file.sync();
    if (flaw === "removes before its replacement is durable") {
      if (await fs.stat("/log") !== undefined) await fs.remove("/log");
      await fs.syncDirectory("/");
    }
    await fs.rename("/new", "/log");
    if (flaw !== "does not sync its directory") await fs.syncDirectory("/");
    return found;
  }
  async function append(
    file: FileHandle,
    line: string,
    ack: () => void,
  ): Promise<void> {
    await file.write(new TextEncoder().encode(`${line}\n`));
    if (flaw === "acknowledges before sync") ack();
    await file.sync().catch((error) => {
      if (flaw !== "continues after a failed sync") throw error;
    });
    ack();
  }
  return {
    name: flaw,
    extra: "<extra>",
    async run(fs, log) {
      const file = await open(fs);
      for (const line of ["<one>", "<two>", "<three>"]) {
        const unit = log.issue(line);
        await append(file, line, () => log.ack(unit));
      }
    },
    recover: repair,
    async append(fs, line) {
      await append(await open(fs), line, () => {});
    },
  };
}

Deno.test("explore() finds nothing wrong with a sound log", async () => {
  const report = await explore(lineLog("none"), {
    cuts: "every byte",
    crashRecoveryOneIn: 1,
  });
  assertEquals(report.violations, []);
  assert(
    report.moments > 5 && report.states > 50 &&
      report.recoveries > report.states,
  );
});

const FLAWS: Flaw[] = [
  "acknowledges before sync",
  "does not sync its directory",
  "replaces before sync",
  "removes before its replacement is durable",
  "takes a torn line for a whole one",
];
for (const flaw of FLAWS) {
  Deno.test(`explore() finds a log that ${flaw}`, async () => {
    const report = await explore(lineLog(flaw), {
      cuts: "every byte",
      crashRecoveryOneIn: 1,
    });
    assert(report.violations.length > 0);
    assert(report.violations[0]!.startsWith(flaw), report.violations[0]);
  });
}

const faults = [{ code: "EIO" }];

Deno.test("sweepFaults() finds nothing wrong with a sound log", async () => {
  const report = await sweepFaults(lineLog("none"), { faults });
  assertEquals(report.violations, []);
  assert(report.moments > 10);
});

Deno.test("sweepFaults() makes one call in five fail, others by another seed, and all of them by several", async () => {
  const failed = async (callOneIn: number, seed: number) => {
    const calls = new Set<string>();
    const sound = lineLog("none");
    let first: string | undefined;
    let count = 0;
    await sweepFaults({
      ...sound,
      async run(fs, log) {
        first = undefined;
        const { hooks } = fs as MemoryFileSystem;
        const { before } = hooks;
        hooks.before = (call) => {
          const fault = before?.(call);
          if (fault !== undefined) first ??= `${call.index}`;
          return fault;
        };
        await sound.run(fs, log).finally(() => {
          if (first === undefined) return;
          calls.add(first);
          count++;
        });
      },
    }, { faults, callOneIn, seed });
    return { calls, count };
  };
  const all = await failed(1, 1);
  const some = new Set<string>();
  let fewest = all.count;
  for (let seed = 1; seed <= 30; seed++) {
    const { calls, count } = await failed(5, seed);
    fewest = Math.min(fewest, count);
    for (const call of calls) some.add(call);
  }
  assert(fewest < all.count / 4, `${fewest} of ${all.count}`);
  assertEquals([...some].sort(), [...all.calls].sort());
});

Deno.test("sweepFaults() finds a log that continues after a failed sync", async () => {
  const report = await sweepFaults(lineLog("continues after a failed sync"), {
    faults,
  });
  assert(report.violations.length > 0);
});

Deno.test("explore() finds the same again from the same seed", async () => {
  const run = () => explore(lineLog("acknowledges before sync"), { seed: 7 });
  assertEquals(await run(), await run());
});

/** A sound log, one step of the work on which is something else. */
function otherwise(run: Workload<string>["run"]): Workload<string> {
  return { ...lineLog("none"), run };
}

Deno.test("explore() finds a unit that is there although it was refused, if nothing comes after it", async () => {
  const report = await explore(otherwise(async (fs, log) => {
    const unit = log.issue("<one>");
    await lineLog("none").append(fs, "<one>");
    log.refuse(unit);
  }));
  assert(report.violations.length > 0);
  assert(report.violations.every((what) => what.includes("refusal of unit 0")));
});

Deno.test("explore() compares with what was issued at the call", async () => {
  const items = { line: "<one>" };
  const workload: Workload<typeof items> = {
    name: "changes what it has issued",
    extra: { line: "<extra>" },
    async run(fs, log) {
      const unit = log.issue(items);
      await lineLog("none").append(fs, items.line);
      items.line = "<two>";
      log.ack(unit);
    },
    recover: async (fs) =>
      (await lineLog("none").recover(fs)).map((line) => ({ line })),
    append: (fs, { line }) => lineLog("none").append(fs, line),
  };
  assertEquals((await explore(workload)).violations, []);
});

Deno.test("explore() refuses items that it could not compare", async () => {
  const workload: Workload<Map<string, string>> = {
    name: "maps",
    extra: new Map([["line", "<extra>"]]),
    run: async (fs) => await lineLog("none").append(fs, "<one>"),
    recover: async (fs) =>
      (await lineLog("none").recover(fs)).map((line) => new Map([[line, ""]])),
    append: async (fs) => await lineLog("none").append(fs, "<another>"),
  };
  const { violations } = await explore(workload);
  assert(violations.some((what) => what.includes("$[0]: a Map")));
  const run: typeof workload.run = (_, log) =>
    Promise.resolve(void log.issue(workload.extra));
  await assertRejects(() => explore({ ...workload, run }), Error, "a Map");
});

Deno.test("sweepFaults() takes no workload that is aborted for one that hangs", async () => {
  const { run } = lineLog("none");
  const report = await sweepFaults(
    otherwise((fs, log) =>
      run(fs, log).catch(() => {
        throw new DOMException("given up", "AbortError");
      })
    ),
    { faults },
  );
  assertEquals(report.violations, []);
});

Deno.test("explore() tells how far it has got", async () => {
  const told: ExploreProgress[] = [];
  const onProgress = (progress: ExploreProgress) => void told.push(progress);
  const { moments, states, recoveries, isComplete } = await explore(
    lineLog("none"),
    { onProgress },
  );
  assertEquals(told.map(({ moment }) => moment), told.map((_, at) => at + 1));
  const violations = 0;
  const last = { moment: moments, moments, states, recoveries, violations };
  assertEquals([told.at(-1), isComplete], [last, true]);
});

Deno.test("explore() spreads a limited number of recoveries over all moments", async () => {
  const told: ExploreProgress[] = [];
  const maxRecoveries = 100;
  const report = await explore(lineLog("acknowledges before sync"), {
    maxRecoveries,
    onProgress: (progress) => void told.push(progress),
  });
  assertEquals(report.isComplete, false);
  // A state that is begun with is checked to its end.
  assert(report.recoveries < maxRecoveries + 5 * report.moments);
  const each = told.map(({ recoveries }, at) =>
    recoveries - (told[at - 1]?.recoveries ?? 0)
  );
  assertEquals([each.length, each.every((count) => count > 0)], [
    report.moments,
    true,
  ]);
});

Deno.test("sweepFaults() ends after a limited number of recoveries, and tells how far it has got", async () => {
  let last: ExploreProgress | undefined;
  const report = await sweepFaults(lineLog("none"), {
    faults,
    maxRecoveries: 50,
    onProgress: (progress) => last = progress,
  });
  const { moments, states, recoveries } = report;
  assertEquals([report.isComplete, report.violations], [false, []]);
  assertEquals(last, {
    moment: moments,
    moments: undefined,
    states,
    recoveries,
    violations: 0,
  });
  assert(recoveries >= 50 && recoveries < 60, String(recoveries));
});
