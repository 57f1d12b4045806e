import { join } from "@std/path";
import { ROOT } from "../child.ts";
import type { Input } from "./input.ts";
import { TARGET_NAMES, type TargetName } from "./targets.ts";

const CORPUS = join(ROOT, "tests/fixtures/corpus");

function pathOf(name: TargetName): string {
  return join(CORPUS, `${name}.jsonl`);
}

/** The inputs of a part that the searches so far have kept. */
export async function readCorpus(name: TargetName): Promise<Input[]> {
  const text = await Deno.readTextFile(pathOf(name)).catch(() => "");
  return text.split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Keeps inputs in the place of those before. */
export async function writeCorpus(
  name: TargetName,
  inputs: readonly Input[],
): Promise<void> {
  await Deno.mkdir(CORPUS, { recursive: true });
  const lines = inputs.map((input) => `${JSON.stringify(input)}\n`);
  await Deno.writeTextFile(pathOf(name), lines.join(""));
}

/** Throws unless a name is that of a part. */
export function assertTarget(name: string): asserts name is TargetName {
  if (!TARGET_NAMES.some((known) => known === name)) {
    throw new TypeError(
      `"${name}" is not fuzzed; these are: ${TARGET_NAMES.join(", ")}`,
    );
  }
}
