/** The npm package under every Node: what the others run, and what only Node has. */
import { equal, match, ok } from "node:assert/strict";
import { join } from "@std/path";
import { ENTRIES } from "../npm/package.ts";
import { checkExamples, checkMap, checkService } from "./example.ts";
import { checkInspect } from "./inspect.ts";
import { jetStreamInProject } from "./jetstream.ts";
import {
  inProject,
  installPackage,
  type Project,
  runModule,
  tools,
} from "./package.ts";
import { permissionModel } from "./permission.ts";
import { run, Running, succeed } from "./process.ts";
import {
  denoSources,
  findAll,
  inDepth,
  installedNode,
  type Program,
  type Runtime,
} from "./runtime.ts";
import { missing, suite, table } from "./suite.ts";
import { conformance, kills, locks, threads, together } from "./suites.ts";

const ROUNDS = 3;
const RACERS = 6;

const LOG = `import { MiniStore } from "@mini/state";
const store = await MiniStore.open(process.argv[2]);
for (const item of ["a", "b", "c"]) await store.append(item);
await store.close();`;

const STATE = `import { StateManager } from "@mini/state";
const numbers = await StateManager.open(process.argv[2], {
  initial: () => [],
  apply: (numbers, n) => void numbers.push(n),
});
await numbers.applyBatch(Array.from({ length: 100_000 }, (_, n) => n));
await numbers.createSnapshot();
await numbers.apply(-1);
await numbers.close();`;

const REQUIRE = `const name = "@mini/state";
const paths = Object.keys(require(name + "/package.json").exports);
(async () => {
  for (const path of paths.filter((path) => !path.endsWith(".json"))) {
    const [required, imported] =
      [require(name + path.slice(1)), await import(name + path.slice(1))];
    const keys = Object.keys(imported);
    console.log(keys.length > 0 && keys.every((key) => required[key] === imported[key]));
  }
})();`;

const npm = await run(["npm", "--version"]);
if (npm.code !== 0) missing("Node", npm.stderr);
else {
  const [nodes, installed] = await Promise.all([
    findAll("Node"),
    installedNode(),
  ]);
  for (const tool of await tools()) {
    const project = await installPackage(tool);
    const other = "path" in installed
      ? inProject(project, installed.name, [installed.path])
      : undefined;
    for (const found of nodes) onNode(found, project);
    for (const found of inDepth(nodes)) {
      together(inProject(project, found.name, [found.path]), other);
      conformance(inProject(project, found.name, [found.path]), "size");
      mini(found, project);
    }
    if ("path" in installed && Deno.build.os === "linux") {
      withoutFlock(installed, project);
    }
    const newest = nodes.at(-1);
    if (newest === undefined || newest.name.startsWith("Node 20.")) continue;
    suite(newest.name, "examples", async ({ note }) => {
      await checkService(newest, project);
      await checkMap(newest, project);
      note(`${await checkExamples(newest, project)} examples of hover texts`);
    });
  }
}

function onNode(found: Program, project: Project): void {
  conformance(inProject(project, found.name, [found.path]), "all");
  jetStreamInProject(found.name, [found.path], project);
  suite(found.name, "require", async () => {
    const printed = await runModule(found, project, REQUIRE, {
      file: "require.cjs",
    });
    equal(printed, ENTRIES.map(() => "true").join("\n"));
  });
  permissionModel(found, project);
}

/** Registers the command that comes with the package. */
function mini(node: Program, { dir }: Project): void {
  suite(node.name, "mini", async ({ dir: data }) => {
    const bin = Deno.build.os === "windows"
      ? "@mini/state/bin/mini.js" // .bin/ has scripts for a shell there
      : ".bin/mini";
    const command = [node.path, join(dir, "node_modules", bin)];
    const mini = (...args: string[]) => run([...command, ...args]);
    const verify = async (path: string) => (await mini("verify", path)).code;
    match((await mini("--help")).stdout, /verify/);
    const fill = async (file: string, text: string, path: string) => {
      const script = join(dir, file);
      await Deno.writeTextFile(script, text);
      await succeed([node.path, script, path], { cwd: dir });
    };
    const log = join(data, "log.jsonl");
    await fill("log.mjs", LOG, log);
    equal(await verify(log), 0);
    const bytes = await Deno.readFile(log);
    bytes[150]! ^= 1;
    await Deno.writeFile(log, bytes);
    equal(await verify(log), 1);
    const state = join(data, "state");
    await fill("state.mjs", STATE, state);
    equal(await verify(state), 0);
    for (const copying of ["backup", "salvage"]) {
      const copy = join(data, copying);
      equal((await mini(copying, state, copy)).code, 0);
      equal(await verify(copy), 0);
    }
    const lines = join(data, "lines.log");
    await Deno.writeTextFile(lines, '{"a":1}{"b":2}\n{"c":');
    const adopted = join(data, "adopted.jsonl");
    equal((await mini("adopt", lines, adopted)).code, 1);
    equal(await verify(adopted), 0);
    await checkInspect(command, join(data, "inspect"), { cwd: dir });
  });
}

/** Registers what holds where Node finds no `flock`: claims keep Node out; only Deno does not see them. */
function withoutFlock({ name, path }: Program, project: Project): void {
  const env = { PATH: project.dir };
  const node = inProject(project, name, [path]);
  const bare = inProject(project, `${name}, no flock`, [path], env);
  conformance(bare, "all");
  kills(bare);
  threads(bare, "LOCKED");
  locks(bare, [[bare, bare], [bare, node], [node, bare], [denoSources, bare]]);
  claims(bare);
  race(bare);
}

/** Registers: of the claims that others have left, those of the dead are removed and those of the living respected. */
function claims(runtime: Runtime): void {
  suite(runtime.name, "claims", async ({ dir }) => {
    const id = await Deno.readTextFile("/proc/sys/kernel/random/boot_id");
    const boot = id.slice(0, 8);
    const stat = await Deno.readTextFile("/proc/self/stat");
    const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    const left: [owner: string, isRespected: boolean][] = [
      [`4194999.${boot}-1`, false], // a process that is gone
      [`${Deno.pid}.00000000-${start}`, false], // one of an earlier boot
      [`${Deno.pid}.${boot}-1`, false], // one that had the number before
      [`${Deno.pid}.${boot}-${start}`, true],
      [`${Deno.pid}.0-0`, true], // one that cannot tell when it started
    ];
    for (const [owner, isRespected] of left) {
      const claim = join(dir, `journal.jsonl.lock.${owner}`);
      await Deno.writeTextFile(claim, "");
      const { stdout } = await run(
        runtime.command(dir, "open"),
        runtime.options,
      );
      match(stdout, isRespected ? /^LOCKED / : /^opened 0/, owner);
      const entries = await Array.fromAsync(Deno.readDir(dir));
      const found = entries.filter(({ name }) => name.includes(".lock."));
      equal(found.length, isRespected ? 1 : 0, owner);
      if (isRespected) await Deno.remove(claim);
    }
  });
}

/** Registers: of many at once one gets the log, or, where they have seen each other, none. Never two. */
function race(runtime: Runtime): void {
  suite(runtime.name, "race", async ({ dir, note }) => {
    let taken = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const racers = Array.from(
        { length: RACERS },
        () => new Running(runtime.command(dir, "race"), runtime.options),
      );
      const told = await Promise.all(racers.map((racer) => racer.line()));
      await Promise.all(racers.map((racer) => racer.kill()));
      const opened = told.filter((line) => line === "held").length;
      const locked = told.filter((line) => line === "LOCKED").length;
      equal(opened + locked, RACERS);
      ok(opened <= 1, `${opened} have it open`);
      taken += opened;
    }
    note(`${ROUNDS} rounds of ${RACERS}, ${taken} won by one, none by more`);
  });
}

table();
