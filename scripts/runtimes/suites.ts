/** Suites that are the same on every runtime. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { type Output, run, Running, succeed } from "./process.ts";
import { denoSources, type Runtime } from "./runtime.ts";
import { type Context, suite } from "./suite.ts";

const KILLS = 3;
const LINES_BEFORE_KILL = 400;

/** Takes what the conformance suite has counted, and what it says it has skipped. */
export function take(
  { code, stdout, stderr }: Output,
  { note, skip }: Context,
): void {
  const [, passed] = /^(\d+) passed, 0 failed$/m.exec(stdout) ?? [];
  if (passed === undefined || passed === "0" || code !== 0) {
    throw new Error(`exit ${code}\n${stdout}\n${stderr}`);
  }
  note(`${passed} checks`);
  for (const [, why] of stdout.matchAll(/^SKIPPED (.*)$/gm)) skip(why!);
}

/** Registers everything that one process can check; with `size`, of as much as somebody may have. */
export function conformance(runtime: Runtime, mode: "all" | "size"): void {
  const name = mode === "all" ? "conformance" : "size";
  suite(runtime.name, name, async (context) => {
    const options = { ...runtime.options, timeoutMs: 300_000 };
    take(await run(runtime.command(context.dir, mode), options), context);
  });
}

/** Registers: what Deno writes it reads and continues, and the other way round. */
export function exchange(runtime: Runtime): void {
  suite(runtime.name, "exchange with Deno", async (context) => {
    const pairs = [[denoSources, runtime], [runtime, denoSources]] as const;
    for (const [index, [writer, reader]] of pairs.entries()) {
      const folder = join(context.dir, String(index));
      await Deno.mkdir(folder);
      await succeed(writer.command(folder, "write"), writer.options);
      take(
        await run(reader.command(folder, "verify"), reader.options),
        context,
      );
    }
  });
}

/** Registers: after SIGKILL while it appends, what it has acknowledged is there. */
export function kills(runtime: Runtime): void {
  suite(runtime.name, "kill -9", async ({ dir, note }) => {
    const acknowledged = new Map<number, string>();
    for (let round = 1; round <= KILLS; round++) {
      for (const line of await killed(runtime, dir, round)) {
        const space = line.indexOf(" ");
        acknowledged.set(Number(line.slice(0, space)), line.slice(space + 1));
      }
      const found = new Map<number, string>();
      const path = join(dir, "journal.jsonl");
      await using store = await MiniStore.open<string>(path);
      for await (const { seq, data } of store.replay()) found.set(seq, data);
      for (const [seq, data] of acknowledged) equal(found.get(seq), data);
    }
    note(`${acknowledged.size} acknowledged records found`);
  });
}

/** The lines of a writer until it is killed. */
async function killed(
  runtime: Runtime,
  dir: string,
  round: number,
): Promise<string[]> {
  await using writer = new Running(
    runtime.command(dir, "append"),
    runtime.options,
  );
  const told: string[] = [];
  while (told.length < LINES_BEFORE_KILL * round) {
    const line = await writer.line();
    ok(line !== undefined, "it ended by itself");
    told.push(line);
  }
  return told.concat(await writer.kill());
}

/** Registers: where no file may grow any more the log says so, keeps what it has, and continues. */
export function fullDisk(runtime: Runtime): void {
  suite(runtime.name, "full disk", async ({ dir }) => {
    const limit = 'trap "" XFSZ; ulimit -f 40; exec "$@"';
    const limited = ["bash", "-c", limit, "bash"];
    const { stdout, stderr } = await run(
      [...limited, ...runtime.command(dir, "fill")],
      runtime.options,
    );
    const told = /^NO_SPACE after (\d+): (\d+), then (\d+)$/.exec(stdout);
    ok(told !== null, stdout + stderr);
    const [, sequence, records, then] = told.map(Number);
    deepEqual([records, then], [sequence, sequence! + 1]);
    await using store = await MiniStore.open(join(dir, "journal.jsonl"));
    equal(store.sequence, then);
  });
}

/** Registers: the one that has a log open keeps the other out, until it is killed. */
export function locks(
  runtime: Runtime,
  pairs: readonly (readonly [holder: Runtime, other: Runtime])[],
): void {
  suite(runtime.name, "locks", async ({ dir, note }) => {
    for (const [index, [holder, other]] of pairs.entries()) {
      const at = join(dir, String(index));
      await Deno.mkdir(at);
      await keepsOut(holder, other, at);
      note(`${holder.name} keeps out ${other.name}`);
    }
  });
}

async function keepsOut(
  holder: Runtime,
  other: Runtime,
  dir: string,
): Promise<void> {
  const say = async (mode: string) =>
    (await run(other.command(dir, mode), other.options)).stdout;
  await using held = new Running(holder.command(dir, "hold"), holder.options);
  equal(await held.line(), "held");
  match(await say("open"), /^LOCKED /);
  equal(await say("read"), "read 0");
  await held.kill();
  match(await say("open"), /^opened 0/);
}

/** Registers what takes several processes, for a runtime that has the package installed. */
export function together(runtime: Runtime, node: Runtime | undefined): void {
  kills(runtime);
  fullDisk(runtime);
  exchange(runtime);
  const others = [denoSources];
  if (node !== undefined && node.name !== runtime.name) others.push(node);
  locks(runtime, [
    [runtime, runtime],
    ...others.flatMap((other) =>
      [[runtime, other], [other, runtime]] as [Runtime, Runtime][]
    ),
  ]);
}
