import { dirname, fromFileUrl, join } from "@std/path";

/** The project's root. */
export const ROOT: string = dirname(
  dirname(dirname(fromFileUrl(import.meta.url))),
);

/** The result of a child process. */
export interface ChildResult {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script that imports by the public names in a process of its own, with all permissions or these alone. */
export async function runScript(
  script: string,
  args: readonly string[],
  permissions: readonly string[] = ["-A"],
): Promise<ChildResult> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, script);
    const flags = ["run", "--no-prompt", "--config", join(ROOT, "deno.json")];
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        args: [...flags, ...permissions, file, ...args],
        env: { NO_COLOR: "1" },
      },
    ).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    return { success, stdout: text(stdout), stderr: text(stderr) };
  } finally {
    await Deno.remove(file);
  }
}
