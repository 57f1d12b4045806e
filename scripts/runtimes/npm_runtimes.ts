/** The npm package on everything that runs it. */
import { join } from "@std/path";
import {
  checkRequire,
  inProject,
  installPackage,
  type Project,
} from "./npm.ts";
import { type Row, Tally } from "./row.ts";
import {
  denoSources,
  findByNpx,
  findNode,
  type Found,
  type Runtime,
} from "./runtime.ts";
import { claims, permissionModel } from "./node.ts";
import { conformance, exchange, fullDisk, kills, locks } from "./shared.ts";

/** What is not on the path, npm's registry may have. */
const NEWER: readonly [name: string, specifier: string][] = [
  ["Node", "node@22"],
  ["Node", "node@24"],
  ["Bun", "bun@1"],
];

/** Installs the package, and runs the suites with it. */
export async function npmRuntimes(
  dir: string,
  tool: "dnt" | "bundle",
): Promise<Row[]> {
  const { row, project } = await installPackage(join(dir, "project"), tool);
  const rows = [row];
  const node = await findNode();
  if ("path" in node) {
    const runtime = inProject(project, node.name, [node.path]);
    rows.push(await checkRequire(node, project));
    rows.push(...await suites(runtime, join(dir, "node"), node, project));
    rows.push(
      ...await withoutFlock(runtime, node, project, join(dir, "claims")),
    );
  } else rows.push(missing(node));
  for (const [name, specifier] of NEWER) {
    const found = await findByNpx(name, specifier);
    if ("path" in found) {
      const runtime = inProject(project, found.name, [found.path]);
      rows.push(...await suites(runtime, join(dir, specifier), node, project));
      if (specifier === "node@24") {
        const at = join(dir, "permissions");
        rows.push(await permissionModel(found, project, at));
      }
    } else rows.push(missing(found));
  }
  const program = [Deno.execPath(), "run", "-A"];
  const underDeno = inProject(project, `${denoSources.name} (npm)`, program);
  rows.push(...await suites(underDeno, join(dir, "deno"), node, project));
  return rows;
}

function missing(found: Found & { missing: string }): Row {
  const tally = new Tally(found.name, "all");
  tally.skip(found.missing);
  return tally.row();
}

async function suites(
  runtime: Runtime,
  dir: string,
  node: Found,
  project: Project,
): Promise<Row[]> {
  const others: Runtime[] = [denoSources];
  if ("path" in node && node.name !== runtime.name) {
    others.push(inProject(project, node.name, [node.path]));
  }
  const pairs = others.flatMap((other) => [
    [runtime, other] as const,
    [other, runtime] as const,
  ]);
  return [
    await conformance(runtime, join(dir, "conformance")),
    await kills(runtime, join(dir, "kills")),
    await fullDisk(runtime, join(dir, "full")),
    await exchange(runtime, join(dir, "exchange")),
    await locks(runtime, join(dir, "locks"), [[runtime, runtime], ...pairs]),
  ];
}

/** Where Node finds no `flock`, claims keep Node out; only Deno does not see them. */
async function withoutFlock(
  node: Runtime,
  { path }: { path: string },
  project: Project,
  dir: string,
): Promise<Row[]> {
  if (Deno.build.os !== "linux") return [];
  const env = { PATH: project.dir };
  const name = `${node.name}, no flock`;
  const bare = inProject(project, name, [path], env);
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
  ];
}
