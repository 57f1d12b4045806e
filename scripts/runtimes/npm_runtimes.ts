/** The npm package on everything that runs it. */
import { pooledMap } from "@std/async/pool";
import { join } from "@std/path";
import {
  checkMini,
  checkRequire,
  inProject,
  installPackage,
  type Project,
} from "./npm.ts";
import { run } from "./process.ts";
import { type Row, Tally } from "./row.ts";
import {
  denoSources,
  type Found,
  isDeno,
  type Program,
  type Runtime,
  type Runtimes,
} from "./runtime.ts";
import { claims, permissionModel, race, withoutFsync } from "./node.ts";
import { conformance, exchange, fullDisk, kills, locks } from "./shared.ts";

/** There are two cores; a process that starts or syncs leaves one of them idle. */
const AT_A_TIME = 3;

/** Installs the package, and runs the suites with it. */
export async function npmRuntimes(
  dir: string,
  tool: "dnt" | "bundle",
  { node, all }: Runtimes,
): Promise<Row[]> {
  const npm = await run(["npm", "--version"]);
  if (npm.code !== 0) return [missing({ name: "npm", missing: npm.stderr })];
  const { rows: packed, project } = await installPackage(
    join(dir, "project"),
    tool,
  );
  const found = all.map((one) => () =>
    "path" in one
      ? suites(one, node, project, join(dir, one.name))
      : Promise.resolve([missing(one)])
  );
  const special = "path" in node
    ? [() => withoutFlock(node, project, join(dir, "claims"))]
    : [];
  const rows: AsyncIterable<Row[]> = pooledMap(
    AT_A_TIME,
    [...found, ...special],
    (work: () => Promise<Row[]>) => work(),
  );
  return [...packed, ...(await Array.fromAsync(rows)).flat()];
}

function missing(found: Found & { missing: string }): Row {
  const tally = new Tally(found.name, "all");
  tally.skip(found.missing);
  return tally.row();
}

async function suites(
  found: Program,
  node: Found,
  project: Project,
  dir: string,
): Promise<Row[]> {
  const runtime = isDeno(found)
    ? inProject(project, `${found.name} (npm)`, [found.path, "run", "-A"])
    : inProject(project, found.name, [found.path]);
  const others: Runtime[] = [denoSources];
  if ("path" in node && node.name !== runtime.name) {
    others.push(inProject(project, node.name, [node.path]));
  }
  const pairs = others.flatMap((other) => [
    [runtime, other] as const,
    [other, runtime] as const,
  ]);
  const rows = [
    await conformance(runtime, join(dir, "conformance")),
    await conformance(runtime, join(dir, "size"), "size"),
    await kills(runtime, join(dir, "kills")),
    await fullDisk(runtime, join(dir, "full")),
    await exchange(runtime, join(dir, "exchange")),
    await locks(runtime, join(dir, "locks"), [[runtime, runtime], ...pairs]),
  ];
  if (!found.name.startsWith("Node ")) return rows;
  rows.push(await checkRequire(found, project));
  rows.push(await checkMini(found, project));
  const at = join(dir, "permissions");
  if (found.name.startsWith("Node 24.")) {
    rows.push(await permissionModel(found, project, at));
  }
  if (found.name.startsWith("Node 26.")) {
    rows.push(await withoutFsync(found, project, at));
  }
  return rows;
}

/** Where Node finds no `flock`, claims keep Node out; only Deno does not see them. */
async function withoutFlock(
  { name, path }: Program,
  project: Project,
  dir: string,
): Promise<Row[]> {
  if (Deno.build.os !== "linux") return [];
  const env = { PATH: project.dir };
  const node = inProject(project, name, [path]);
  const bare = inProject(project, `${name}, no flock`, [path], env);
  return [
    await conformance(bare, join(dir, "conformance")),
    await kills(bare, join(dir, "kills")),
    await locks(bare, join(dir, "locks"), [
      [bare, bare],
      [bare, node],
      [node, bare],
      [denoSources, bare],
    ]),
    await claims(bare, join(dir, "left")),
    await race(bare, join(dir, "race")),
  ];
}
