import { join } from "@std/path";
import { ROOT } from "./child.ts";
import { run } from "./system.ts";

/** The `promtool` of Prometheus, on the PATH or in build/, where .ci/run puts it; `undefined` if there is none. */
export async function findPromtool(): Promise<string | undefined> {
  for (const path of ["promtool", join(ROOT, "build/promtool")]) {
    if ((await run(path, "--version")).success) return path;
  }
  return undefined;
}

/** The complaints of `promtool check metrics` about a text; empty if there are none. */
export async function complaints(
  promtool: string,
  text: string,
): Promise<string> {
  const child = new Deno.Command(promtool, {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const said = [stdout, stderr]
    .map((bytes) => new TextDecoder().decode(bytes)).join("").trim();
  return success ? said : said || "promtool has failed";
}
