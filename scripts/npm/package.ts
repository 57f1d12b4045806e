/** The files of the npm package that are no code: the same for each tool that builds it. */
import { fromFileUrl, join } from "@std/path";

export const ROOT: string = fromFileUrl(new URL("../../", import.meta.url));

const { version, description, license, exports } = JSON.parse(
  await Deno.readTextFile(join(ROOT, "deno.json")),
) as {
  version: string;
  description: string;
  license: string;
  exports: Record<string, string>;
};

/** The repository that publishes: npm checks that provenance names the same. */
const REPOSITORY = `https://github.com/${
  Deno.env.get("GITHUB_REPOSITORY") ?? "mini/state"
}`;

/** The modules that can be imported, by their name in the package: `./store` is `./store/mod.ts`. */
export const ENTRIES: readonly [name: string, file: string][] = Object.entries(
  exports,
);

/** The packages that an entry needs and the others do not: the user of that one installs them. */
export const PEERS: Readonly<Record<string, string>> = {
  "@nats-io/jetstream": "^3.4.0",
  "@nats-io/nats-core": "^3.4.0",
};

export const PACKAGE: Readonly<Record<string, unknown>> = {
  name: "@mini/state",
  version,
  description,
  keywords: [
    "state",
    "queue",
    "log",
    "durable",
    "event-sourcing",
    "wal",
    "jsonl",
    "snapshot",
    "crash-safe",
    "embedded",
  ],
  license,
  homepage: `${REPOSITORY}#readme`,
  bugs: `${REPOSITORY}/issues`,
  repository: { type: "git", url: `git+${REPOSITORY}.git` },
  type: "module",
  sideEffects: false,
  // From here on `require` takes modules too, so that one copy of the code serves both.
  engines: { node: ">=20.19", bun: ">=1.2" },
  peerDependencies: PEERS,
  peerDependenciesMeta: Object.fromEntries(
    Object.keys(PEERS).map((name) => [name, { optional: true }]),
  ),
  bin: { mini: "bin/mini.js" },
  exports: Object.fromEntries([
    ...ENTRIES.map(([name, file]) => [
      name,
      { require: inFolder("cjs", file), default: inFolder("esm", file) },
    ]),
    ["./package.json", "./package.json"],
  ]),
  // For TypeScript's `moduleResolution: node10`, which knows no `exports`.
  main: inFolder("cjs", "./mod.ts").default,
  types: inFolder("cjs", "./mod.ts").types,
  typesVersions: {
    "*": Object.fromEntries(
      ENTRIES.filter(([name]) => name !== ".").map(([name, file]) => [
        name.slice("./".length),
        [inFolder("cjs", file).types],
      ]),
    ),
  },
};

/** The program that `npx mini` runs. */
const COMMAND = `#!/usr/bin/env node
import { main } from "../esm/cli/mod.js";

await main();
`;

const COPIED = [
  "README.md",
  "CHANGELOG.md",
  "llms.txt",
  "LICENSE-MIT",
  "LICENSE-APACHE",
];

function inFolder(folder: "esm" | "cjs", file: string) {
  const base = file.replace(/^\.\//, `./${folder}/`).replace(/\.ts$/, "");
  return { types: `${base}.d.ts`, default: `${base}.js` };
}

/** Writes the modules for `require`: they load the same code, and so share its classes. */
async function writeCommonJs(outDir: string): Promise<void> {
  await Deno.mkdir(join(outDir, "cjs"), { recursive: true });
  await Deno.writeTextFile(
    join(outDir, "cjs/package.json"),
    '{ "type": "commonjs" }\n',
  );
  for (const [, file] of ENTRIES) {
    const [from, to] = (["cjs", "esm"] as const).map((folder) =>
      inFolder(folder, file).default
    ) as [string, string];
    const up = "../".repeat(from.split("/").length - 2);
    await Deno.writeTextFile(
      join(outDir, from),
      `module.exports = require("${up}${to.slice("./".length)}");\n`,
    );
  }
}

/** Writes `package.json`, the licences and what else a reader expects. */
export async function writePackageFiles(outDir: string): Promise<void> {
  const text = JSON.stringify(PACKAGE, null, 2) + "\n";
  await Deno.writeTextFile(join(outDir, "package.json"), text);
  for (const name of COPIED) {
    await Deno.copyFile(join(ROOT, name), join(outDir, name));
  }
  await Deno.writeTextFile(join(outDir, "NOTICE"), await notice());
  await writeCommonJs(outDir);
  await Deno.mkdir(join(outDir, "bin"), { recursive: true });
  await Deno.writeTextFile(join(outDir, "bin/mini.js"), COMMAND, {
    mode: 0o755,
  });
}

/** Parts of the standard library are inside, and their licence asks to be named. */
async function notice(): Promise<string> {
  const mit = await Deno.readTextFile(join(ROOT, "LICENSE-MIT"));
  const terms = mit.slice(mit.indexOf("Permission is hereby granted"));
  return `This package contains parts of the Deno standard library
(@std/path and @std/streams), under the MIT License:

Copyright 2018-2026 the Deno authors

${terms}`;
}
