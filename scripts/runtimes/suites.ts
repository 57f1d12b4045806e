/** Suites that are the same on every runtime. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { size } from "../../tests/support/size.ts";
import { type Output, run, Running, succeed } from "./process.ts";
import { denoSources, type Runtime } from "./runtime.ts";
import { type Context, suite } from "./suite.ts";

/** On Windows Deno cannot tell that Node has the lock from other failures. */
const KEPT_OUT = Deno.build.os === "windows" ? /^(LOCKED|IO) / : /^LOCKED /;

const KILLS = 3;
const LINES_BEFORE_KILL = 400;
const THREAD_RUNS = size(1, 10);

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
    const told: string[] = [];
    for (let round = 1; round <= KILLS; round++) {
      told.push(...await killed(runtime, dir, round));
      await checkAcknowledged(dir, told);
    }
    note(`${told.length} acknowledged records found`);
  });
}

/** Throws unless the log in a directory opens, and has each record that was told to be durable, as `seq data`. */
export async function checkAcknowledged(
  dir: string,
  told: readonly string[],
): Promise<void> {
  const found = new Map<number, string>();
  const path = join(dir, "journal.jsonl");
  await using store = await MiniStore.open<string>(path);
  for await (const { seq, data } of store.replay()) found.set(seq, data);
  for (const line of told) {
    const space = line.indexOf(" ");
    equal(found.get(Number(line.slice(0, space))), line.slice(space + 1));
  }
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

/**
 * Registers: a thread writes a log, and keeps other threads out; of one that is
 * ended while it appends, what it has acknowledged is there.
 *
 * @param then Whether the log then opens in the same process, or in the next.
 */
export function threads(runtime: Runtime, then: "opened" | "LOCKED"): void {
  suite(runtime.name, "threads", async (context) => {
    const at = (mode: string) => {
      const dir = join(context.dir, mode);
      Deno.mkdirSync(dir);
      return runtime.command(dir, mode);
    };
    take(await run(at("threads"), runtime.options), context);
    const command = at("terminate");
    const told: string[] = [];
    for (let count = 0; count < THREAD_RUNS; count++) {
      const { stdout } = await succeed(command, runtime.options);
      told.push(...stdout.split("\n"));
      equal(told.pop(), then);
      await checkAcknowledged(join(context.dir, "terminate"), told);
    }
    context.note(`${told.length} acknowledged records found, then ${then}`);
  });
  if (size(true, false)) return;
  suite(runtime.name, "all in a thread", async (context) => {
    const command = runtime.command(context.dir, "all-in-thread");
    take(await run(command, runtime.options), context);
  });
}

/** Registers: where no file may grow any more the log says so, keeps what it has, and continues. */
export function fullDisk(runtime: Runtime): void {
  suite(runtime.name, "full disk", async ({ dir, skip }) => {
    if (Deno.build.os === "windows") return skip("Windows has no ulimit");
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
  match(await say("open"), KEPT_OUT);
  equal(await say("read"), "read 0");
  await held.kill();
  match(await say("open"), /^opened 0/);
}

/** Registers what takes several processes, for a runtime that has the package installed. */
export function together(runtime: Runtime, node: Runtime | undefined): void {
  kills(runtime);
  fullDisk(runtime);
  exchange(runtime);
  // Bun does not close the files of a thread that has ended.
  threads(runtime, runtime.name.startsWith("Bun ") ? "LOCKED" : "opened");
  const others = [denoSources];
  if (node !== undefined && node.name !== runtime.name) others.push(node);
  locks(runtime, [
    [runtime, runtime],
    ...others.flatMap((other) =>
      [[runtime, other], [other, runtime]] as [Runtime, Runtime][]
    ),
  ]);
}
