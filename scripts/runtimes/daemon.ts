/** The example daemon as one file: bundled, and compiled. */
import { join } from "@std/path";
import { ROOT, run, Running, type RunOptions } from "./process.ts";
import { has, type Row, same, succeeded, Tally } from "./row.ts";

const SOURCE = join(ROOT, "examples/daemon.ts");

/** Runs the daemon, kills it, and runs it again. */
async function killAndGoOn(
  command: readonly string[],
  options: RunOptions,
): Promise<void> {
  {
    const input = "kitchen 21.5\nkitchen 20\n";
    await using daemon = new Running(command, { ...options, input });
    same(await daemon.line() ?? "it ended", "0 readings (created)");
    await daemon.line();
    has(await daemon.line() ?? "it ended", "2 kitchen 20: 2 readings");
    await daemon.kill();
  }
  const input = "kitchen 25\n";
  const { stdout } = succeeded(await run(command, { ...options, input }));
  const [opened, told] = stdout.split("\n");
  same(opened!, "2 readings (unclean)");
  same(told!, "3 kitchen 25: 3 readings, 20 to 25");
}

/** `deno bundle`: one file, which needs nothing else. */
export async function bundled(dir: string): Promise<Row> {
  const tally = new Tally("Deno bundle", "daemon");
  await Deno.mkdir(dir, { recursive: true });
  const file = join(dir, "daemon.js");
  await tally.check("it is one file that runs", async () => {
    const flags = ["bundle", "--quiet", "--platform=deno", "-o", file, SOURCE];
    succeeded(await run([Deno.execPath(), ...flags]));
    tally.note = `${Math.ceil((await Deno.stat(file)).size / 1000)} kB`;
    const alone = ["--no-config", "--no-remote", "--no-npm", "--no-prompt"];
    const data = ["--allow-read=./data", "--allow-write=./data"];
    const command = [Deno.execPath(), "run", ...alone, ...data, file];
    await killAndGoOn(command, { cwd: dir });
  });
  return tally.row();
}

/** `deno compile`: one binary, its permissions baked in. */
export async function compiled(dir: string): Promise<Row> {
  const tally = new Tally("Deno compile", "daemon");
  await Deno.mkdir(dir, { recursive: true });
  const task = [Deno.execPath(), "task", "compile"];
  const output = await run(task, { timeoutMs: 60_000 });
  if (output.code === 0) {
    await tally.check("it is one binary that runs", async () => {
      const binary = join(dir, "daemon");
      await Deno.copyFile(join(ROOT, "build/daemon"), binary);
      tally.note = `${Math.ceil((await Deno.stat(binary)).size / 1e6)} MB`;
      await killAndGoOn([binary], { cwd: dir });
    });
    return tally.row();
  }
  const why =
    /error sending request[^:]*(?:: [^:]+$)?.*/m.exec(output.stderr)?.[0] ??
      output.stderr;
  tally.skip(`running it: denort cannot be had (${why})`);
  if (Deno.build.os === "linux") {
    await tally.check("it would embed what it should", () => embedded(tally));
  }
  return tally.row();
}

/** Any program in place of Deno's own shows what is embedded, and what that may do. */
async function embedded(tally: Tally): Promise<void> {
  const standIn = await Deno.realPath("/bin/true");
  const task = [Deno.execPath(), "task", "compile"];
  const env = { DENORT_BIN: standIn };
  const { stdout, stderr } = succeeded(await run(task, { env }));
  for (const name of ["daemon.ts", "deno.ts", "manager.ts", "snap", "store"]) {
    has(stdout + stderr, name);
  }
  const path = join(ROOT, "build/daemon");
  const text = new TextDecoder().decode(await Deno.readFile(path));
  const found = /"permissions":(\{[^}]*\})/.exec(text)?.[1] ?? "{}";
  const { allow_import: _, prompt, ...permissions } = JSON.parse(found);
  same(String(prompt), "false");
  const allowed = Object.entries(permissions).filter(([, value]) => value);
  same(
    JSON.stringify(Object.fromEntries(allowed)),
    '{"allow_read":["./data"],"allow_write":["./data"]}',
  );
  await Deno.remove(path);
  tally.note = "embedded files and permissions checked";
}
