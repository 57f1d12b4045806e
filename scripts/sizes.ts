/**
 * Measures what an entry weighs in a program that is bundled: minified, and then
 * gzipped. `deno task sizes` prints that, fails if an entry weighs more than it
 * may, and with `--write` puts it into `bench/results.json` and
 * `docs/PERFORMANCE.md`.
 */
import { gzipSync } from "node:zlib";
import { fromFileUrl, join } from "@std/path";
import { writeDocuments } from "../bench/documents.ts";
import type { Size } from "../bench/results.ts";

interface Entry extends Pick<Size, "entry" | "imported" | "aim"> {
  /** The most that it may weigh: a little more than what it weighed last. */
  readonly most: number;
}

const ENTRIES: readonly Entry[] = [
  { entry: "store", imported: "MiniStore", aim: 15_000, most: 48_000 },
  { entry: "state", imported: "StateManager", aim: 22_000, most: 68_000 },
  { entry: "queue", imported: "MiniQueue", aim: 32_000, most: 102_000 },
];

const ROOT = fromFileUrl(new URL("../", import.meta.url));

async function measure(
  dir: string,
  { entry, imported, aim }: Entry,
): Promise<Size> {
  const source = join(dir, `${entry}.ts`);
  await Deno.writeTextFile(
    source,
    `export { ${imported} } from "@mini/state/${entry}";\n`,
  );
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--minify", "--platform=deno", source],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const gzipped = gzipSync(stdout, { level: 9 }).length;
  return { entry, imported, minified: stdout.length, gzipped, aim };
}

function say(text: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(text);
}

const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;

// Below the project, whose names the sources import.
await Deno.mkdir(join(ROOT, "build"), { recursive: true });
const dir = await Deno.makeTempDir({ dir: join(ROOT, "build") });
const sizes = await Promise.all(ENTRIES.map((each) => measure(dir, each)));
await Deno.remove(dir, { recursive: true });
for (const [at, { entry, imported, minified, gzipped }] of sizes.entries()) {
  const { aim, most } = ENTRIES[at]!;
  say(
    `${entry} (${imported}): ${kB(minified)}, gzipped ${kB(gzipped)}; ` +
      `at most ${kB(most)}, aim ${kB(aim)}`,
  );
  if (gzipped <= most) continue;
  say(`${entry} weighs more than it may`);
  Deno.exitCode = 1;
}
if (Deno.args.includes("--write")) await writeDocuments({ sizes });
