import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { ROOT } from "./child.ts";

/**
 * Runs a script of tests/support that tells what it was acknowledged, a line
 * each; kills it when it has told a number of them, or at "opening" where that is none.
 *
 * @returns The lines it has told.
 */
export async function runAndKill(
  script: string,
  path: string,
  lines: number,
): Promise<string[]> {
  const file = join(ROOT, "tests/support", script);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", join(ROOT, "deno.json"), file, path],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const told: string[] = [];
  let isOpening = false;
  let isKilled = false;
  let rest = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    const found = (rest + chunk).split("\n");
    rest = found.pop()!;
    for (const line of found) {
      if (line === "opening") isOpening = true;
      else told.push(line);
    }
    // Without a line to wait for, it is killed while it opens and recovers.
    if (isOpening && told.length >= lines && !isKilled) {
      isKilled = true;
      child.kill("SIGKILL");
    }
  }
  const { signal } = await child.status;
  if (isKilled && Deno.build.os !== "windows") assertEquals(signal, "SIGKILL");
  return told;
}

/** In the process that is killed: one write a line, so that what the parent reads was acknowledged before. */
export function tell(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
