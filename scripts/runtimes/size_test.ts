/** As much as somebody may have, on every runtime. A file of its own, since it takes as long as the others. */
import { inProject, installPackage } from "./package.ts";
import { run } from "./process.ts";
import { findAll, fromSources } from "./runtime.ts";
import { missing, table } from "./suite.ts";
import { conformance } from "./suites.ts";

const denos = await findAll("Deno");
for (const found of denos) {
  if ("missing" in found) missing(found.name, found.missing);
  else conformance(fromSources(found), "size");
}
const npm = await run(["npm", "--version"]);
if (npm.code !== 0) missing("npm", npm.stderr);
else {
  const project = await installPackage("bundle");
  for (const found of denos) {
    if ("missing" in found) continue;
    const program = [found.path, "run", "-A"];
    conformance(inProject(project, `${found.name} (npm)`, program), "size");
  }
  for (const found of [...await findAll("Node"), ...await findAll("Bun")]) {
    if ("missing" in found) missing(found.name, found.missing);
    else conformance(inProject(project, found.name, [found.path]), "size");
  }
}

table();
