/** What only Node has: claims in place of a lock, and a permission model. */
import { join } from "@std/path";
import type { Project } from "./npm.ts";
import { run, Running } from "./process.ts";
import { has, type Row, same, succeeded, Tally } from "./row.ts";
import type { Program, Runtime } from "./runtime.ts";

const ROUNDS = 3;
const RACERS = 6;

/** Of the claims that others have left, those of the dead are removed and those of the living respected. */
export async function claims(runtime: Runtime, dir: string): Promise<Row> {
  const tally = new Tally(runtime.name, "claims");
  await Deno.mkdir(dir, { recursive: true });
  const open = async () =>
    (await run(runtime.command(dir, "open"), runtime.options)).stdout;
  const boot = await Deno.readTextFile("/proc/sys/kernel/random/boot_id");
  const stat = await Deno.readTextFile("/proc/self/stat");
  const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  const left: [what: string, owner: string, isRespected: boolean][] = [
    ["of a process that is gone", `4194999.${boot.slice(0, 8)}-1`, false],
    ["of an earlier boot", `${Deno.pid}.00000000-${start}`, false],
    [
      "of who had the number before",
      `${Deno.pid}.${boot.slice(0, 8)}-1`,
      false,
    ],
    ["of a process", `${Deno.pid}.${boot.slice(0, 8)}-${start}`, true],
    ["of a process that cannot tell when it started", `${Deno.pid}.0-0`, true],
  ];
  for (const [what, owner, isRespected] of left) {
    await tally.check(`a claim ${what}`, async () => {
      const claim = join(dir, `journal.jsonl.lock.${owner}`);
      await Deno.writeTextFile(claim, "");
      has(await open(), isRespected ? "LOCKED " : "opened 0");
      const entries = await Array.fromAsync(Deno.readDir(dir));
      const found = entries.filter(({ name }) => name.includes(".lock."));
      same(found.length, isRespected ? 1 : 0);
      if (isRespected) await Deno.remove(claim);
    });
  }
  return tally.row();
}

/** Many at once: one gets the log, or, where they have seen each other, none. Never two. */
export async function race(runtime: Runtime, dir: string): Promise<Row> {
  const tally = new Tally(runtime.name, "race");
  await Deno.mkdir(dir, { recursive: true });
  let taken = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    await tally.check(`round ${round}`, async () => {
      const racers = Array.from(
        { length: RACERS },
        () => new Running(runtime.command(dir, "race"), runtime.options),
      );
      const told = await Promise.all(racers.map((racer) => racer.line()));
      await Promise.all(racers.map((racer) => racer.kill()));
      const opened = told.filter((line) => line === "held").length;
      same(told.filter((line) => line === "LOCKED").length, RACERS - opened);
      if (opened > 1) throw new Error(`${opened} have it open`);
      taken += opened;
    });
  }
  tally.note =
    `${ROUNDS} rounds of ${RACERS}, ${taken} won by one, none by more`;
  return tally.row();
}

/** Node's own sandbox: the suite in it, and what it says where something is missing. */
export async function permissionModel(
  found: Program,
  project: Project,
  at: string,
): Promise<Row> {
  const { tally, node, read, write } = await sandboxed(found, project, at);
  tally.add(await node("all", read, write));
  await tally.check("without any", async () => {
    const { stdout } = await node("open");
    has(stdout, "PERMISSION ");
    has(stdout, read);
  });
  await tally.check("to read only", async () => {
    const { stdout } = await node("open", read);
    has(stdout, "PERMISSION ");
    has(stdout, write);
    same(succeeded(await node("read", read)).stdout, "read 0");
  });
  return tally.row();
}

/** The same since it has no `fsync`: it reads, and says why it does not write. */
export async function withoutFsync(
  found: Program,
  project: Project,
  at: string,
): Promise<Row> {
  const { tally, node, read, write } = await sandboxed(found, project, at);
  await tally.check("to read and write", async () => {
    const { stdout } = await node("open", read, write);
    has(stdout, "PERMISSION ");
    has(stdout, "nothing can be made durable");
    has(stdout, "run without --permission");
  });
  await tally.check("to read", async () => {
    same(succeeded(await node("read", read)).stdout, "read 0");
  });
  return tally.row();
}

async function sandboxed(
  { name, path }: Program,
  { dir, conformance }: Project,
  at: string,
) {
  const data = join(at, "data");
  await Deno.mkdir(data, { recursive: true });
  const code = ["--permission", `--allow-fs-read=${dir}`];
  return {
    tally: new Tally(`${name} --permission`, "conformance"),
    read: `--allow-fs-read=${data}`,
    write: `--allow-fs-write=${data}`,
    node: (mode: string, ...flags: string[]) =>
      run([path, ...code, ...flags, conformance, data, mode], { cwd: dir }),
  };
}
