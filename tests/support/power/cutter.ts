import { Namespace } from "../namespace.ts";
import { denoArgs } from "../system.ts";
import type { Plan, Report } from "./life.ts";

/** Cuts the power of programs, in a namespace of its own: what it has mounted is gone when the test ends, or is killed. */
export class Cutter implements AsyncDisposable {
  readonly #namespace: Namespace;
  readonly #dir: string;

  private constructor(namespace: Namespace, dir: string) {
    this.#namespace = namespace;
    this.#dir = dir;
  }

  /** Makes one, or says why there can be none. */
  static async open(): Promise<Cutter | string> {
    const namespace = await Namespace.open("mount");
    if (typeof namespace === "string") return namespace;
    const dir = await Deno.makeTempDir({ prefix: "mini-state-block-" });
    return new Cutter(namespace, dir);
  }

  /** Cuts it, as each plan says, or says why it cannot. */
  async cut(plans: readonly Plan[]): Promise<Report[] | string> {
    const args = denoArgs("power/main.ts", JSON.stringify(plans), this.#dir);
    const printed = await this.#namespace.run(Deno.execPath(), ...args);
    const results: (Report & { hindrance?: string })[] = printed.split("\n")
      .map((line) => JSON.parse(line));
    return results.find(({ hindrance }) => hindrance !== undefined)
      ?.hindrance ?? results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespace[Symbol.asyncDispose]();
    await Deno.remove(this.#dir);
  }
}
