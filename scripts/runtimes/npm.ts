/** The npm package: built, packed, installed elsewhere, and run by everything that takes it. */
import { walk } from "@std/fs";
import { basename, join } from "@std/path";
import { ENTRIES } from "../npm/package.ts";
import { checkInspect } from "./inspect.ts";
import { ROOT, run } from "./process.ts";
import { type Row, same, succeeded, Tally } from "./row.ts";
import { types } from "./types.ts";
import { CONFORMANCE, type Program, type Runtime } from "./runtime.ts";

/** So much the tarball may have. The README says so too. */
const MAX_PACKED_BYTES = 300_000;

/** A project that has the package installed from its tarball. */
export interface Project {
  readonly dir: string;
  readonly conformance: string;
}

/** Builds, packs, installs; rows say what of it holds. */
export async function installPackage(
  dir: string,
  tool: "dnt" | "bundle",
): Promise<{ rows: Row[]; project: Project }> {
  const tally = new Tally("npm", `package (${tool})`);
  const project = { dir, conformance: join(dir, "conformance.mjs") };
  let tarball = "";
  await Deno.mkdir(dir, { recursive: true });
  await tally.check("it is built, packed and installed", async () => {
    const built = await run([Deno.execPath(), "task", "npm", tool]);
    tally.note = succeeded(built).stdout.split("\n").at(-1)!;
    const pack = ["npm", "pack", join(ROOT, "npm"), "--json"];
    const { stdout } = succeeded(await run(pack, { cwd: dir }));
    const [{ filename, size }] = JSON.parse(stdout);
    tarball = join(dir, basename(filename));
    tally.note += `, ${Math.ceil(size / 1000)} kB packed`;
    if (size > MAX_PACKED_BYTES) throw new Error(`${size} bytes are too much`);
    await installTarball(dir, tarball);
    await bundleConformance(project.conformance);
  });
  await tally.check("it holds what it should", () => checkContents(dir));
  return { rows: [tally.row(), await types(dir, tarball, tool)], project };
}

async function installTarball(dir: string, tarball: string): Promise<void> {
  await Deno.writeTextFile(
    join(dir, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module" }),
  );
  const flags = ["--no-audit", "--no-fund", "--offline"];
  succeeded(await run(["npm", "install", ...flags, tarball], { cwd: dir }));
}

/** The suite as one module; the package stays what the project has installed. */
async function bundleConformance(path: string): Promise<void> {
  const external = ["--external=@mini/state", "--external=@mini/state/*"];
  const flags = ["--quiet", "--platform=deno", ...external, "-o", path];
  succeeded(await run([Deno.execPath(), "bundle", ...flags, CONFORMANCE]));
}

async function checkContents(dir: string): Promise<void> {
  const installed = join(dir, "node_modules/@mini/state");
  const read = (name: string) => Deno.readTextFile(join(installed, name));
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE", "README.md"]) {
    same(await read(name), await Deno.readTextFile(join(ROOT, name)));
  }
  const description = JSON.parse(await read("package.json"));
  const { exports } = JSON.parse(
    await Deno.readTextFile(join(ROOT, "deno.json")),
  );
  const names = Object.keys(description.exports);
  same(
    names.filter((name) => name !== "./package.json").join(),
    Object.keys(exports).join(),
  );
  for (const field of ["dependencies", "peerDependencies", "scripts"]) {
    same(JSON.stringify(description[field] ?? {}), "{}");
  }
  same(JSON.stringify(description.bin), '{"mini":"bin/mini.js"}');
  const modules = ["node_modules/@mini/state"];
  const lock = JSON.parse(
    await Deno.readTextFile(join(dir, "package-lock.json")),
  );
  same(Object.keys(lock.packages).filter(Boolean).join(), modules.join());
  for await (const { path } of walk(installed)) {
    if (!path.endsWith(".js")) continue;
    const code = await Deno.readTextFile(path);
    const newer = /^[ \t]*(await )?using \w+ =/m.exec(code) ??
      /@deno\/shim|dntShim|"(jsr|npm):/.exec(code);
    if (newer) throw new Error(`${path} has ${newer[0]}`);
  }
}

/** A runtime that runs the suite with the package that the project has installed. */
export function inProject(
  { dir, conformance }: Project,
  name: string,
  program: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Runtime {
  return {
    name,
    command: (at, mode = "all") => [...program, conformance, at, mode],
    options: { cwd: dir, env },
  };
}

/** `require` and `import` give the same, whatever is asked for. */
export async function checkRequire(
  node: Program,
  { dir }: Project,
): Promise<Row> {
  const tally = new Tally(node.name, "require");
  const script = `const name = "@mini/state";
    const paths = Object.keys(require(name + "/package.json").exports);
    (async () => {
      for (const path of paths.filter((path) => !path.endsWith(".json"))) {
        const [required, imported] =
          [require(name + path.slice(1)), await import(name + path.slice(1))];
        const keys = Object.keys(imported);
        console.log(keys.length > 0 && keys.every((key) => required[key] === imported[key]));
      }
    })();`;
  await tally.check("one class, however it is loaded", async () => {
    const path = join(dir, "require.cjs");
    await Deno.writeTextFile(path, script);
    const output = succeeded(await run([node.path, path], { cwd: dir }));
    const expected = ENTRIES.map(() => "true").join("\n");
    same(output.stdout + output.stderr, expected);
  });
  return tally.row();
}

/** The command that comes with the package. */
export async function checkMini(
  node: Program,
  { dir }: Project,
): Promise<Row> {
  const tally = new Tally(node.name, "mini");
  const mini = (...args: string[]) =>
    run([node.path, join(dir, "node_modules/.bin/mini"), ...args], {
      cwd: dir,
    });
  const data = join(dir, `mini-${node.name}`);
  await tally.check("--help says what there is", async () => {
    const { stdout } = succeeded(await mini("--help"));
    if (!stdout.includes("verify")) throw new Error(stdout);
  });
  await tally.check("verify finds a log whole, or damaged", async () => {
    const script = join(dir, "log.mjs");
    await Deno.writeTextFile(
      script,
      `import { MiniStore } from "@mini/state";
      const store = await MiniStore.open(process.argv[2]);
      for (const item of ["a", "b", "c"]) await store.append(item);
      await store.close();`,
    );
    const log = join(data, "log.jsonl");
    succeeded(await run([node.path, script, log], { cwd: dir }));
    succeeded(await mini("verify", log));
    const bytes = await Deno.readFile(log);
    bytes[150]! ^= 1;
    await Deno.writeFile(log, bytes);
    same(String((await mini("verify", log)).code), "1");
  });
  await tally.check("a large state is verified and copied", async () => {
    const script = join(dir, "state.mjs");
    await Deno.writeTextFile(
      script,
      `import { StateManager } from "@mini/state";
      const numbers = await StateManager.open(process.argv[2], {
        initial: () => [],
        apply: (numbers, n) => void numbers.push(n),
      });
      await numbers.applyBatch(Array.from({ length: 100_000 }, (_, n) => n));
      await numbers.createSnapshot();
      await numbers.apply(-1);
      await numbers.close();`,
    );
    const [state, copy, salvaged] = ["state", "copy", "salvaged"].map((name) =>
      join(data, name)
    ) as [string, string, string];
    succeeded(await run([node.path, script, state], { cwd: dir }));
    succeeded(await mini("verify", state));
    succeeded(await mini("backup", state, copy));
    succeeded(await mini("verify", copy));
    succeeded(await mini("salvage", state, salvaged));
    succeeded(await mini("verify", salvaged));
  });
  await tally.check(
    "inspect serves its page, and states by a module",
    () => {
      const command = [node.path, join(dir, "node_modules/.bin/mini")];
      return checkInspect(command, join(data, "inspect"), { cwd: dir });
    },
  );
  return tally.row();
}
