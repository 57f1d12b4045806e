import { join } from "@std/path";
import { Namespace } from "./namespace.ts";

const BYTES = "512M";

/** How often a copy is made until nothing was written meanwhile. */
const COPIES = 50;

/** File systems of their own on loop devices, whose power can be cut, gone with their devices when the test ends, or is killed. */
export class Disks implements AsyncDisposable {
  readonly namespace: Namespace;
  readonly #dir: string;

  private constructor(namespace: Namespace, dir: string) {
    this.namespace = namespace;
    this.#dir = dir;
  }

  /** Finds out whether there can be some, or says why not. */
  static async open(): Promise<Disks | string> {
    const namespace = await Namespace.open("mount");
    if (typeof namespace === "string") return namespace;
    const dir = await Deno.makeTempDir({ prefix: "mini-state-power-" });
    const disks = new Disks(namespace, dir);
    try {
      const { path } = await disks.make("probe");
      await namespace.run("umount", path);
      return disks;
    } catch (error) {
      await disks[Symbol.asyncDispose]();
      return (error as Error).message;
    }
  }

  /** An ext4 on a device of its own. */
  async make(name: string): Promise<Disk> {
    const image = join(this.#dir, `${name}.img`);
    const path = join(this.#dir, name);
    await Deno.mkdir(path);
    await this.namespace.run("truncate", "-s", BYTES, image);
    const options = ["-q", "-F", "-m", "0", "-J", "size=8"];
    await this.namespace.run("mkfs.ext4", ...options, image);
    return await Disk.mount(this.namespace, image, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.namespace[Symbol.asyncDispose]();
    await Deno.remove(this.#dir, { recursive: true });
  }
}

/** A file system on a loop device. */
export class Disk {
  /** Where it is mounted, in the namespace. */
  readonly path: string;
  readonly #namespace: Namespace;
  #image: string;
  #device = "";

  private constructor(namespace: Namespace, image: string, path: string) {
    this.#namespace = namespace;
    this.#image = image;
    this.path = path;
  }

  static async mount(
    namespace: Namespace,
    image: string,
    path: string,
  ): Promise<Disk> {
    const disk = new Disk(namespace, image, path);
    await disk.#mount();
    return disk;
  }

  async #mount(): Promise<void> {
    const find = ["--find", "--show", this.#image];
    this.#device = await this.#namespace.run("losetup", ...find);
    try {
      // Without it the kernel still makes the file system, and a copy has no moment.
      const options = ["-o", "noinit_itable"];
      await this.#namespace.run("mount", ...options, this.#device, this.path);
    } finally {
      // From now on it is gone when it is not mounted any more.
      await this.#namespace.run("losetup", "--detach", this.#device);
    }
  }

  /**
   * Cuts the power: what the device has been given is there, and what only the
   * file system knows is not. No process may write to it meanwhile.
   */
  async cut(): Promise<void> {
    const copy = `${this.#image}+`;
    for (let count = 1;; count++) {
      const before = await this.#writes();
      await this.#namespace.run("cp", "--sparse=always", this.#image, copy);
      // Only so it is what was there at one moment.
      if (await this.#writes() === before) break;
      if (count === COPIES) throw new Error(`${this.#device} is busy`);
    }
    await this.#namespace.run("umount", this.path);
    await Deno.remove(this.#image);
    this.#image = copy;
    await this.#mount();
  }

  /** The counts of what the device has been given, and of what it works on. */
  async #writes(): Promise<string> {
    const name = this.#device.slice("/dev/".length);
    const text = await Deno.readTextFile(`/sys/block/${name}/stat`);
    const counts = text.trim().split(/\s+/);
    return [counts[4], counts[8], counts[15]].join();
  }
}
