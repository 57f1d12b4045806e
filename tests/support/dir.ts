import { join } from "@std/path";

/** A directory of its own for one test, gone when the test ends. */
export class TestDirectory implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "mini-state-" });

  /** A path inside. */
  at(name = "journal.jsonl"): string {
    return join(this.path, name);
  }

  /** The names inside, sorted. */
  names(): string[] {
    return [...Deno.readDirSync(this.path)].map((entry) => entry.name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
