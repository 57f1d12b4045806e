/**
 * Checks that the package has one version: `deno run --allow-read
 * scripts/version.ts [TAG]`. Publishing passes the tag it runs for.
 */

/** The texts that name the version. */
export interface VersionedFiles {
  /** `deno.json`. */
  readonly config: string;
  /** `cli/version.ts`. */
  readonly cli: string;
  /** `CHANGELOG.md`. */
  readonly changelog: string;
}

/** Lists what disagrees with the version in `deno.json`; without a tag the changelog may still be ahead of a release. */
export function versionProblems(
  { config, cli, changelog }: VersionedFiles,
  tag?: string,
): string[] {
  const { version } = JSON.parse(config) as { version: string };
  const found: string[] = [];
  const ofCli = /VERSION = "([^"]*)"/.exec(cli)?.[1];
  if (ofCli !== version) {
    found.push(`cli/version.ts says ${ofCli}, and deno.json ${version}`);
  }
  const newest = /^## (.*)$/m.exec(changelog)?.[1] ?? "nothing";
  const isReleased = newest.split(" ")[0] === version;
  const isPending = newest === "Unreleased" && tag === undefined;
  if (!isReleased && !isPending) {
    found.push(`CHANGELOG.md begins with ${newest}, and not with ${version}`);
  }
  if (tag !== undefined && tag !== `v${version}`) {
    found.push(`the tag is ${tag}, and not v${version}`);
  }
  return found;
}

if (import.meta.main) {
  const read = (path: string) =>
    Deno.readTextFile(new URL(`../${path}`, import.meta.url));
  const files: VersionedFiles = {
    config: await read("deno.json"),
    cli: await read("cli/version.ts"),
    changelog: await read("CHANGELOG.md"),
  };
  const found = versionProblems(files, Deno.args[0]);
  // deno-lint-ignore no-console -- it is a command
  console.log(found.join("\n") || "one version");
  if (found.length > 0) Deno.exitCode = 1;
}
