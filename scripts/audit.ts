/**
 * Compares the dependencies in `deno.json`, and what those depend on, with the
 * advisories that the npm registry knows: `deno run -A scripts/audit.ts`. JSR
 * keeps no advisories. Prints SKIPPED and the reason where the registry does not
 * answer.
 */
import { fromFileUrl, join } from "@std/path";
import { PEERS } from "./npm/package.ts";

/** The result of an audit, and the text that says it. */
export interface Audit {
  readonly outcome: "none" | "found" | "skipped";
  readonly text: string;
}

/**
 * Audits packages of npm.
 *
 * @param imports Imports of `deno.json`, by their names.
 * @param registry The registry; by default that of the environment.
 */
export async function audit(
  imports: Readonly<Record<string, string>>,
  registry?: string,
): Promise<Audit> {
  const directory = await Deno.makeTempDir({ prefix: "mini-state-audit-" });
  const run = async (...args: string[]) => {
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        args,
        cwd: directory,
        env: {
          NO_COLOR: "1",
          // What another registry says is not to stay in the cache of this one.
          ...(registry !== undefined &&
            {
              NPM_CONFIG_REGISTRY: registry,
              DENO_DIR: join(directory, "cache"),
            }),
        },
      },
    ).output();
    const decoder = new TextDecoder();
    const [reason = ""] = decoder.decode(stderr).trim().split("\n");
    return { success, stdout: decoder.decode(stdout), stderr: reason };
  };
  try {
    const config = JSON.stringify({ imports });
    await Deno.writeTextFile(join(directory, "deno.json"), config);
    const resolved = await run("install", "--quiet", "--lockfile-only");
    if (!resolved.success) return { outcome: "skipped", text: resolved.stderr };
    const { success, stdout, stderr } = await run("audit");
    if (success) return { outcome: "none", text: stdout.trim() };
    return /^Found \d+ vulnerabilities/m.test(stdout)
      ? { outcome: "found", text: stdout.trim() }
      : { outcome: "skipped", text: stderr };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

if (import.meta.main) {
  const root = fromFileUrl(new URL("../", import.meta.url));
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(join(root, "deno.json")),
  );
  const ofNpm = Object.entries(imports)
    .filter(([, target]) => target.startsWith("npm:"));
  for (const isPeer of [true, false]) {
    const some = ofNpm.filter(([name]) => name in PEERS === isPeer);
    const { outcome, text } = await audit(Object.fromEntries(some));
    const whose = isPeer ? "users install" : "only this repository uses";
    const title = `${some.length} packages that ${whose}, and theirs`;
    const result = outcome === "skipped" ? `SKIPPED: ${text}` : text;
    // deno-lint-ignore no-console -- that is its output
    console.log(`${title}: ${result}`);
    if (outcome === "found") Deno.exitCode = 1;
  }
}
