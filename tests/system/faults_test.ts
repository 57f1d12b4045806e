// Calls of the system that fail, under the real runtime: by a library loaded before the others, and by strace.
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { TestDirectory } from "../support/dir.ts";
import { openAndRead } from "../support/journal.ts";
import { ROOT } from "../support/child.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { denoArgs, type Ran, run, skipped } from "../support/system.ts";

const APPENDS = size(3, 6);
const EIO = 5;
const ENOSPC = 28;

/** The writer's answers, line by line. */
interface Told {
  readonly acknowledged: readonly string[];
  readonly refused: readonly string[];
  readonly codes: ReadonlySet<string>;
}

function tellsOf({ stdout }: Ran): Told {
  const acknowledged: string[] = [];
  const refused: string[] = [];
  const codes = new Set<string>();
  for (const line of stdout.split("\n")) {
    const [outcome, ...rest] = line.split(" ");
    if (rest.length === 0) continue;
    codes.add(outcome!);
    if (outcome === "ok") acknowledged.push(rest.join(" "));
    else if (outcome === "NO_SPACE") refused.push(rest.join(" "));
  }
  return { acknowledged, refused, codes };
}

/** Checks that what is there is a beginning of what was written, with all that was acknowledged and nothing that was refused. */
async function check(path: string, told: Told, label: string): Promise<void> {
  const opened = await openAndRead(path);
  if ("code" in opened) throw new Error(`${label}: refused: ${opened.code}`);
  const { data } = opened;
  const { acknowledged, refused } = told;
  assertEquals(data.slice(0, acknowledged.length), acknowledged, label);
  assert(!data.some((item) => refused.includes(String(item))), label);
  // One that nobody knows of may be there, not two: nothing is written after it.
  assert(data.length <= acknowledged.length + 1, label);
}

/** Builds the library that makes calls fail, or says why it cannot be. */
async function buildShim(directory: string): Promise<string | undefined> {
  const what = "calls that fail under the runtime";
  if (Deno.build.os !== "linux") {
    return void skipped(what, "LD_PRELOAD is Linux's");
  }
  const shim = join(directory, "shim.so");
  const source = join(ROOT, "tests/support/fault_shim.c");
  const args = ["-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"];
  const built = await run("gcc", ...args);
  if (built.success) return shim;
  return void skipped(what, built.stderr);
}

/** Has the writer run with one fault; gives what it was told, or nothing where no call was left to fail. */
async function runWithFault(
  shim: string,
  fault: string,
): Promise<Told | undefined> {
  await using directory = new TestDirectory();
  const path = directory.at();
  const ran = await run(
    "env",
    `LD_PRELOAD=${shim}`,
    `FAULT=${fault}`,
    `FAULT_PATH=${directory.path}`,
    Deno.execPath(),
    ...denoArgs("telling_writer.ts", path, String(APPENDS)),
  );
  if (!ran.stderr.includes("fault\n")) return undefined;
  const told = tellsOf(ran);
  await check(path, told, fault);
  return told;
}

const FAULTS: [call: string, errno: string, expected: RegExp][] = [
  ["fsync", `:${EIO}`, /^(ok|POISONED|failed)$/],
  ["fsync", `:${ENOSPC}:sticky`, /^(ok|POISONED|failed)$/],
  ["write", `:${EIO}`, /^(ok|POISONED|failed)$/],
  ["write", `:${ENOSPC}`, /^(ok|NO_SPACE|failed)$/],
  ["write", `:${ENOSPC}:sticky`, /^(ok|NO_SPACE|failed)$/],
  ["short", "", /^ok$/],
];

for (const [call, errno, expected] of FAULTS) {
  Deno.test(`the runtime's ${call}${errno} fails at any call: nothing that was acknowledged is lost`, async () => {
    await using scratch = new TestDirectory();
    const shim = await buildShim(scratch.path);
    if (shim === undefined) return;
    let runs = 0;
    let acknowledged = 0;
    for (let at = 1; at < 100; at++) {
      const told = await runWithFault(shim, `${call}:${at}${errno}`);
      if (told === undefined) break;
      for (const code of told.codes) assert(expected.test(code), code);
      runs++;
      acknowledged += told.acknowledged.length;
    }
    assert(runs > 1);
    say(
      `${call}${errno}: ${runs} runs, ${acknowledged} acknowledged, 0 violations`,
    );
  });
}

/** Has the writer run under strace, which does something to calls for the log. */
async function runInjected(path: string, inject: string): Promise<Ran> {
  const call = inject.split(":")[0]!;
  const options = ["-f", "-qq", "-o", "/dev/null", "-P", path];
  return await run(
    "strace",
    ...options,
    `-etrace=${call}`,
    `-einject=${inject}`,
    Deno.execPath(),
    ...denoArgs("telling_writer.ts", path, String(APPENDS)),
  );
}

Deno.test("the runtime is killed, or fails, at an exact write of the log: nothing that was acknowledged is lost", async () => {
  const traced = await run("strace", "-o", "/dev/null", "true");
  if (!traced.success) return skipped("exact calls by strace", traced.stderr);
  const moments = size([1, 3], [1, 2, 3, 4, 5, 6, 7]);
  let runs = 0;
  for (const what of ["signal=KILL", "error=EIO", "error=ENOSPC"]) {
    for (const at of moments) {
      await using directory = new TestDirectory();
      const path = directory.at();
      const inject = `write:${what}:when=${at}`;
      const told = tellsOf(await runInjected(path, inject));
      await check(path, told, inject);
      // Each append is one write; strace sees none of the file's before it has its name.
      const before = Math.min(at - 1, APPENDS);
      const after = what === "error=ENOSPC" ? Math.max(0, APPENDS - at) : 0;
      assertEquals(told.acknowledged.length, before + after, inject);
      runs++;
    }
  }
  await using directory = new TestDirectory();
  const failing = await runInjected(directory.at(), "fsync:error=EIO");
  const told = tellsOf(failing);
  assertEquals(told.acknowledged, []);
  assert(told.codes.has("POISONED"), failing.stdout);
  await check(directory.at(), told, "every fsync fails");
  say(`strace: ${runs + 1} runs, 0 violations`);
});
