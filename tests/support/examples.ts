import { assert } from "@std/assert";
import { join } from "@std/path";
import { ROOT } from "./child.ts";

function start(
  name: string,
  permissions: readonly string[],
  args: readonly string[],
): Deno.ChildProcess {
  const config = ["--no-prompt", "--config", join(ROOT, "deno.json")];
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      ...config,
      ...permissions,
      join(ROOT, "examples", name),
      ...args,
    ],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs an example with these permissions and no others; gives what it prints. */
export async function runExample(
  name: string,
  permissions: readonly string[],
  args: readonly string[],
): Promise<string> {
  const { success, stdout, stderr } = await start(name, permissions, args)
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  assert(success, text(stderr));
  return text(stdout);
}

/** Runs an example, and kills it once it has printed so many lines. */
export async function killExample(
  name: string,
  permissions: readonly string[],
  args: readonly string[],
  lines: number,
): Promise<void> {
  const child = start(name, permissions, args);
  const stderr = new Response(child.stderr).text();
  let left = lines;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    left -= chunk.split("\n").length - 1;
    if (left > 0) continue;
    child.kill("SIGKILL");
    break;
  }
  await child.status;
  const complaint = await stderr;
  assert(complaint === "", complaint);
}
