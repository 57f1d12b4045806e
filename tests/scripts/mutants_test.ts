import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { EXPLAINED, explains } from "../mutants/explained.ts";
import { mutationsIn } from "../mutants/generate.ts";
import { MUTANTS } from "../mutants/list.ts";
import { ROOT } from "../support/child.ts";

Deno.test("every mutant changes what stands once in its file", async () => {
  const stale: string[] = [];
  for (const { name, file, edits } of MUTANTS) {
    const text = await Deno.readTextFile(join(ROOT, file));
    for (const [old] of edits) {
      const times = text.split(old).length - 1;
      if (times !== 1) stale.push(`${name}: ${times} times in ${file}: ${old}`);
    }
  }
  assertEquals(stale, []);
});

Deno.test("every mutant names a test that is in its file", async () => {
  const missing: string[] = [];
  for (const { name, killedBy: { file, test } } of MUTANTS) {
    const text = await Deno.readTextFile(join(ROOT, file));
    const names = text.matchAll(/\bDeno\.test\(\s*(["'`])([^]*?)\1/g);
    const isThere = names.some(([, , written]) =>
      patternOf(written!).test(test)
    );
    if (!isThere) missing.push(`${name}: ${file} has no "${test}"`);
  }
  assertEquals(missing, []);
});

/** The names that a test has of which a part may be put in. */
function patternOf(written: string): RegExp {
  const parts = written.split(/\$\{[^}]*\}/).map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join(".*")}$`);
}

Deno.test("every explanation is of one mutation", async () => {
  const stale: string[] = [];
  for (const known of EXPLAINED) {
    const { file, at, what } = known;
    const source = await Deno.readTextFile(join(ROOT, file));
    const found = mutationsIn(file, source).filter((mutation) =>
      explains(known, mutation)
    );
    if (found.length !== 1) {
      stale.push(`${found.length} times in ${file}: ${what}: ${at}`);
    }
  }
  assertEquals(stale, []);
});
