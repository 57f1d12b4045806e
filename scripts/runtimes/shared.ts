/** Suites that are the same on every runtime. */
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { run, Running } from "./process.ts";
import { has, type Row, same, Tally } from "./row.ts";
import { denoSources, type Runtime } from "./runtime.ts";

const KILLS = 3;
const LINES_BEFORE_KILL = 400;

/** Everything that one process can check; with `size`, of as much as somebody may have. */
export async function conformance(
  runtime: Runtime,
  dir: string,
  mode: "all" | "size" = "all",
): Promise<Row> {
  const tally = new Tally(runtime.name, mode === "all" ? "conformance" : mode);
  await Deno.mkdir(dir, { recursive: true });
  const options = { ...runtime.options, timeoutMs: 300_000 };
  tally.add(await run(runtime.command(dir, mode), options));
  return tally.row();
}

/** What Deno writes it reads, and goes on with; and the other way round. */
export async function exchange(runtime: Runtime, dir: string): Promise<Row> {
  const tally = new Tally(runtime.name, "exchange with Deno");
  const pairs = [[denoSources, runtime], [runtime, denoSources]] as const;
  for (const [index, [writer, reader]] of pairs.entries()) {
    const folder = join(dir, String(index));
    await Deno.mkdir(folder, { recursive: true });
    const { code, stderr } = await run(
      writer.command(folder, "write"),
      writer.options,
    );
    if (code !== 0) tally.fail(stderr);
    tally.add(await run(reader.command(folder, "verify"), reader.options));
  }
  return tally.row();
}

/** SIGKILL while it appends: what it said was acknowledged is there. */
export async function kills(runtime: Runtime, dir: string): Promise<Row> {
  const tally = new Tally(runtime.name, "kill -9");
  await Deno.mkdir(dir, { recursive: true });
  const acknowledged = new Map<number, string>();
  for (let round = 1; round <= KILLS; round++) {
    await tally.check(`kill ${round}`, async () => {
      await using writer = new Running(
        runtime.command(dir, "append"),
        runtime.options,
      );
      const told: string[] = [];
      while (told.length < LINES_BEFORE_KILL * round) {
        const line = await writer.line();
        if (line === undefined) throw new Error("it ended by itself");
        told.push(line);
      }
      for (const line of told.concat(await writer.kill())) {
        const space = line.indexOf(" ");
        acknowledged.set(Number(line.slice(0, space)), line.slice(space + 1));
      }
      const found = new Map<number, string>();
      await using store = await MiniStore.open<string>(
        join(dir, "journal.jsonl"),
      );
      for await (const { seq, data } of store.replay()) found.set(seq, data);
      for (const [seq, data] of acknowledged) same(found.get(seq) ?? "", data);
    });
  }
  tally.note = `${acknowledged.size} acknowledged records looked for`;
  return tally.row();
}

/** Where no file may grow any more the log says so, keeps what it has, and goes on. */
export async function fullDisk(runtime: Runtime, dir: string): Promise<Row> {
  const tally = new Tally(runtime.name, "full disk");
  await Deno.mkdir(dir, { recursive: true });
  await tally.check("NO_SPACE, then on", async () => {
    const limited = [
      "bash",
      "-c",
      'trap "" XFSZ; ulimit -f 40; exec "$@"',
      "bash",
    ];
    const { stdout, stderr } = await run(
      [...limited, ...runtime.command(dir, "fill")],
      runtime.options,
    );
    const told = /^NO_SPACE after (\d+): (\d+), then (\d+)$/.exec(stdout);
    if (told === null) throw new Error(stdout + stderr);
    const [, sequence, records, then] = told.map(Number);
    same(records!, sequence!);
    same(then!, sequence! + 1);
    await using store = await MiniStore.open(join(dir, "journal.jsonl"));
    same(store.sequence, then!);
  });
  return tally.row();
}

/** Whoever has a log open keeps the other out, until it is killed. */
export async function locks(
  runtime: Runtime,
  dir: string,
  pairs: readonly (readonly [holder: Runtime, other: Runtime])[],
): Promise<Row> {
  const tally = new Tally(runtime.name, "locks");
  for (const [index, [holder, other]] of pairs.entries()) {
    const at = join(dir, String(index));
    await Deno.mkdir(at, { recursive: true });
    await tally.check(
      `${holder.name} keeps out ${other.name}`,
      () => keepsOut(holder, other, at),
    );
  }
  const names = new Set(pairs.flat().map((one) => one.name));
  names.delete(runtime.name);
  tally.note = `itself, ${[...names].join(", ")}`;
  return tally.row();
}

async function keepsOut(
  holder: Runtime,
  other: Runtime,
  dir: string,
): Promise<void> {
  const say = async (mode: string) =>
    (await run(other.command(dir, mode), other.options)).stdout;
  await using held = new Running(holder.command(dir, "hold"), holder.options);
  same(await held.line() ?? "it ended", "held");
  has(await say("open"), "LOCKED ");
  same(await say("read"), "read 0");
  await held.kill();
  has(await say("open"), "opened 0");
}
