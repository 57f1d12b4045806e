import { run } from "./system.ts";

/** An ext4 in a file, whose power can be cut: what was not synced is lost then. */
export class PowerDisk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #images: string[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes one of 128 MiB; gives the reason where there can be none. */
  static async make(): Promise<PowerDisk | string> {
    const path = await Deno.makeTempDir({ prefix: "mini-state-power-" });
    const disk = new PowerDisk(path);
    const image = disk.#newImage();
    try {
      await must("truncate", "-s", "128M", image);
      await must("mkfs.ext4", "-q", "-m", "0", image);
      await must("mount", "-o", "loop", image, path);
      return disk;
    } catch (error) {
      await disk[Symbol.asyncDispose]();
      return (error as Error).message;
    }
  }

  #newImage(): string {
    const image = `${this.path}.${this.#images.length}.img`;
    this.#images.push(image);
    return image;
  }

  /** Cuts the power while nobody writes: copies what the block device has, not what only the memory of the kernel has. */
  async cut(): Promise<void> {
    const before = this.#images.at(-1)!;
    const after = this.#newImage();
    await must("cp", "--sparse=always", before, after);
  }

  /** Mounts what the last cut has left. */
  async powerOn(): Promise<void> {
    await must("umount", this.path);
    await must("mount", "-o", "loop", this.#images.at(-1)!, this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", this.path);
    await Deno.remove(this.path, { recursive: true }).catch(() => {});
    for (const image of this.#images) {
      await Deno.remove(image).catch(() => {});
    }
  }
}

async function must(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await run(command, ...args);
  if (!success) throw new Error(stderr || `there is no ${command}`);
}
