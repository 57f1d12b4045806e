import type { FileSystemKind } from "./file_systems.ts";
import type { Image } from "./disk/image.ts";
import { mount, SystemError, unmount } from "./disk/libc.ts";
import { Loop } from "./disk/loop.ts";
import { UNSYNCED } from "./lying.ts";
import { type Found, Moment, Notes } from "./notes.ts";
import type { Program } from "./program.ts";

/** The end that a disk came to whose power was cut. */
export type Verdict =
  | { readonly is: "recovered"; readonly found: Found }
  /** The file system itself does not mount. */
  | { readonly is: "unmountable"; readonly why: string }
  | { readonly is: "violated"; readonly why: string };

/** Mounts what power cuts have left of a disk, and has a program recover from it. */
export class Judge {
  readonly #program: Program;
  readonly #kind: FileSystemKind;
  readonly #dir: string;

  /** @param dir A directory to work in, in memory at best. */
  constructor(dir: string, program: Program, kind: FileSystemKind) {
    this.#dir = dir;
    this.#program = program;
    this.#kind = kind;
  }

  /** Has the program recover from a state of the disk; thoroughly, more than once. */
  async judge(
    image: Image,
    moment: Moment,
    isThorough: boolean,
  ): Promise<Verdict> {
    const target = `${this.#dir}/judged`;
    Deno.mkdirSync(target, { recursive: true });
    try {
      this.#mount(image, target);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return { is: "unmountable", why: error.message };
    }
    try {
      const found = await this.#recover(target, moment, isThorough);
      return { is: "recovered", found };
    } catch (error) {
      return { is: "violated", why: String(error) };
    } finally {
      unmount(target);
    }
  }

  #mount(image: Image, target: string): void {
    const path = `${this.#dir}/crashed`;
    image.store(path);
    const loop = Loop.over(path);
    try {
      const { type, options } = this.#kind;
      mount({ type, source: loop.path, target, options });
    } finally {
      loop.close();
    }
  }

  /** Recovers, and once more: what was found is there, and what recovery has added. */
  async #recover(
    dir: string,
    moment: Moment,
    isThorough: boolean,
  ): Promise<Found> {
    const { kind } = this.#program;
    const place = { dir, fs: UNSYNCED };
    const found = await this.#program.recover(place, moment);
    if (!isThorough) return found;
    const notes = new Notes(() => 0, found);
    notes.acknowledge(kind, notes.begin(kind));
    await this.#program.recover(place, new Moment(notes.facts, 0));
    return found;
  }
}
