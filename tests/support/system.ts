import { join } from "@std/path";
import { ROOT } from "./child.ts";
import { say } from "./report.ts";

/** The result of a command of the system. */
export interface Ran {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the system; one that is not there has failed. */
export async function run(
  command: string,
  ...args: string[]
): Promise<Ran> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args,
      env: { NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { success, stdout: text(stdout), stderr: text(stderr) };
  } catch (error) {
    return { success: false, stdout: "", stderr: String(error) };
  }
}

/** The arguments that have Deno run a script of tests/support. */
export function denoArgs(script: string, ...args: string[]): string[] {
  const flags = ["run", "-A", "--no-check", "--config"];
  const file = join(ROOT, "tests/support", script);
  return [...flags, join(ROOT, "deno.json"), file, ...args];
}

/** Runs a script of tests/support under a line of the shell, where `"$@"` stands for it. */
export function runUnderShell(
  shell: string,
  script: string,
  ...args: string[]
): Promise<Ran> {
  const command = [Deno.execPath(), ...denoArgs(script, ...args)];
  return run("bash", "-c", shell, "bash", ...command);
}

/** Says why what follows is not tested here; a test of it is not registered. */
export function skipped(what: string, why: string): void {
  say(`SKIPPED ${what}: ${why.trim().split("\n").at(-1)}`);
}

/** A file system of its own, gone when the test ends. */
export class Mount implements AsyncDisposable {
  readonly path: string;
  readonly #image: string | undefined;

  private constructor(path: string, image?: string) {
    this.path = path;
    this.#image = image;
  }

  /** A file system in memory of this many bytes, or why there can be none. */
  static async tmpfs(size: string): Promise<Mount | string> {
    const path = await Deno.makeTempDir({ prefix: "mini-state-mount-" });
    const mount = new Mount(path);
    const made = await run(
      "mount",
      "-t",
      "tmpfs",
      "-o",
      `size=${size}`,
      "tmpfs",
      path,
    );
    return made.success ? mount : await mount.#fail(made);
  }

  /** An ext4 in a file of this many bytes, or why there can be none. */
  static async ext4(size: string): Promise<Mount | string> {
    const path = await Deno.makeTempDir({ prefix: "mini-state-mount-" });
    const image = `${path}.img`;
    const mount = new Mount(path, image);
    const steps = [
      ["truncate", "-s", size, image],
      ["mkfs.ext4", "-q", "-m", "0", image],
      ["mount", "-o", "loop,errors=remount-ro", image, path],
    ] as const;
    for (const [command, ...args] of steps) {
      const made = await run(command, ...args);
      if (!made.success) return await mount.#fail(made);
    }
    return mount;
  }

  async #fail({ stderr }: Ran): Promise<string> {
    await this[Symbol.asyncDispose]();
    return stderr || "there is no mount";
  }

  /** A path inside. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** Mounts it again, read-only or not. */
  async remount(access: "ro" | "rw"): Promise<void> {
    const { success, stderr } = await run(
      "mount",
      "-o",
      `remount,${access}`,
      this.path,
    );
    if (!success) throw new Error(stderr);
  }

  /** Leaves this many bytes free, by means of a file of its own. */
  async leaveFree(bytes: number): Promise<void> {
    using file = await Deno.open(this.at("filler"), {
      append: true,
      create: true,
    });
    for (const size of [64 * 1024, 4096]) {
      const block = new Uint8Array(size);
      try {
        while (await file.write(block) === size);
      } catch {
        // It is full as far as blocks of this size go.
      }
      await file.sync().catch(() => {});
    }
    const { size } = await file.stat();
    await file.truncate(Math.max(0, size - bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", this.path);
    // The kernel may still be busy with it; the image is of more weight.
    await Deno.remove(this.path, { recursive: true }).catch(() => {});
    if (this.#image !== undefined) {
      await Deno.remove(this.#image).catch(() => {});
    }
  }
}
