import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { METRICS, SEMANTIC_CONVENTIONS_VERSION, SPANS } from "@mini/state/otel";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const SOURCES = ["database.ts", "messaging.ts"];

Deno.test("every name that is not this package's own is one of the semantic conventions", async () => {
  const { version } = JSON.parse(
    await Deno.readTextFile(
      join(
        ROOT,
        "node_modules/@opentelemetry/semantic-conventions/package.json",
      ),
    ),
  );
  assertEquals(version, SEMANTIC_CONVENTIONS_VERSION);
  const known = new Set<unknown>(Object.values(conventions));
  const names = Object.keys(METRICS);
  for (const file of SOURCES) {
    const text = await Deno.readTextFile(join(ROOT, "otel/operations", file));
    names.push(
      ...[...text.matchAll(/"((?:db|messaging)\.[a-z_.]+)"/g)].map(([, name]) =>
        name!
      ),
    );
  }
  for (const name of names) {
    assert(known.has(name) || name.startsWith("mini_state."), name);
  }
});

Deno.test("docs/OPERATIONS.md has every span and every metric", async () => {
  const text = await Deno.readTextFile(join(ROOT, "docs/OPERATIONS.md"));
  const rows = text.split("\n").filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const has = (row: readonly string[]) =>
    assert(
      rows.some((found) => found.join("|") === row.join("|")),
      `| ${row.join(" | ")} |`,
    );
  for (const { name, kind, duration, description } of Object.values(SPANS)) {
    has([`\`${name}\``, kind, description, `\`${duration}\``]);
  }
  for (const [name, info] of Object.entries(METRICS)) {
    has([`\`${name}\``, info.instrument, `\`${info.unit}\``, info.description]);
  }
});
