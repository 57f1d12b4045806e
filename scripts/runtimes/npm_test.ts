/** The npm package: what it holds, its types, and Bun and Deno that run it. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { walk } from "@std/fs";
import { join } from "@std/path";
import { PEERS } from "../npm/package.ts";
import { size } from "../../tests/support/size.ts";
import { jetStreamInProject } from "./jetstream.ts";
import { ROOT, run } from "./process.ts";
import {
  inProject,
  installPackage,
  type PackedProject,
  tools,
} from "./package.ts";
import { findAll, inDepth, installedNode, type Program } from "./runtime.ts";
import { missing, suite, table } from "./suite.ts";
import { conformance, together } from "./suites.ts";
import { types } from "./types.ts";

/** So much the tarball may have. The README says so too. */
const MAX_PACKED_BYTES = 700_000;

const npm = await run(["npm", "--version"]);
if (npm.code !== 0) missing("npm", npm.stderr);
else {
  for (const tool of await tools()) {
    const project = await installPackage(tool);
    suite(`npm (${tool})`, "package", async ({ note }) => {
      await checkContents(project);
      ok(project.packedBytes <= MAX_PACKED_BYTES, `${project.packedBytes}`);
      note(`${Math.ceil(project.packedBytes / 1000)} kB packed`);
    });
    types(`npm (${tool})`, project);
    await onBunAndDeno(project);
  }
}

async function onBunAndDeno(project: PackedProject): Promise<void> {
  const node = await installedNode();
  const other = "path" in node
    ? inProject(project, node.name, [node.path])
    : undefined;
  for (const name of ["Bun", "Deno"] as const) {
    const flags = name === "Deno" ? ["run", "-A"] : [];
    const installed = ({ name, path }: Program) =>
      inProject(project, `${name} (npm)`, [path, ...flags]);
    const found = await findAll(name);
    for (const one of found) {
      conformance(installed(one), "all");
      const program = [one.path, ...flags];
      jetStreamInProject(`${one.name} (npm)`, program, project);
    }
    for (const one of inDepth(found)) {
      together(installed(one), other);
      // On each change Deno shows that with the sources.
      if (size(name === "Bun", true)) conformance(installed(one), "size");
    }
  }
}

async function checkContents({ dir }: PackedProject): Promise<void> {
  const installed = join(dir, "node_modules/@mini/state");
  const read = (name: string) => Deno.readTextFile(join(installed, name));
  for (
    const name of ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "llms.txt"]
  ) {
    equal(await read(name), await Deno.readTextFile(join(ROOT, name)));
  }
  const manifest = JSON.parse(await read("package.json"));
  const config = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const { "./package.json": _, ...exported } = manifest.exports;
  deepEqual(Object.keys(exported), Object.keys(config.exports));
  for (const field of ["description", "license", "version"]) {
    equal(manifest[field], config[field]);
  }
  for (
    const field of ["repository", "homepage", "bugs", "keywords", "engines"]
  ) ok(manifest[field], field);
  for (const field of ["dependencies", "scripts"]) {
    deepEqual(manifest[field] ?? {}, {});
  }
  deepEqual(manifest.peerDependencies, PEERS);
  for (const name of Object.keys(PEERS)) {
    equal(manifest.peerDependenciesMeta[name].optional, true);
  }
  deepEqual(manifest.bin, { mini: "bin/mini.js" });
  const lock = JSON.parse(
    await Deno.readTextFile(join(dir, "package-lock.json")),
  );
  const modules = Object.keys(lock.packages).filter(Boolean);
  deepEqual(modules, ["node_modules/@mini/state"]);
  for await (const { path } of walk(installed)) await checkFile(path);
}

async function checkFile(path: string): Promise<void> {
  if (path.endsWith(".d.ts")) {
    const text = await Deno.readTextFile(path);
    equal(/\bDeno\.\w+|"@std\/[^"]*"/.exec(text)?.[0], undefined, path);
  }
  if (path.endsWith(".map")) {
    const { sources } = JSON.parse(await Deno.readTextFile(path));
    ok(sources.length > 0);
    const own = /^https:\/\/jsr\.io\/@mini\/state\/[^/]+\//;
    for (const source of sources) {
      if (own.test(source)) await Deno.stat(source.replace(own, ROOT));
      else match(source, /^https:\/\/jsr\.io\/@std\//);
    }
  }
  if (!path.endsWith(".js")) return;
  const code = await Deno.readTextFile(path);
  const newer = /^[ \t]*(await )?using \w+ =/m.exec(code) ??
    /@deno\/shim|dntShim|"(jsr|npm):|\bPromise\.(withResolvers|try)\b/.exec(
      code,
    );
  equal(newer?.[0], undefined, path);
}

table();
