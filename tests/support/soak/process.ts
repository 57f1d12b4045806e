import { join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { ROOT } from "../child.ts";

/** Takes in a line that a process has told: what it is about, and its parts. */
export type Take = (what: string, parts: readonly unknown[]) => void;

/** A process of the soak, as its parent sees it. */
export class SoakProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #opened = Promise.withResolvers<void>();
  /** Resolves when it has ended, however it has, after its last line; rejects if a line was not as it must be. */
  readonly ended: Promise<Deno.CommandStatus>;

  /** Runs a script of this folder. */
  constructor(script: string, args: readonly string[], take: Take) {
    const config = ["--config", join(ROOT, "deno.json")];
    const file = join(ROOT, "tests/support/soak", script);
    const flags = ["-A", "--no-check", "--v8-flags=--expose-gc", ...config];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, file, ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.ended = this.#read(take);
    this.ended.catch(() => {});
  }

  async #read(take: Take): Promise<Deno.CommandStatus> {
    const lines: ReadableStream<string> = this.#child.stdout
      .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    try {
      for await (const line of lines) {
        // A kill may cut the last one.
        if (!line.endsWith("]")) continue;
        const [what, ...parts] = JSON.parse(line);
        if (what === "open") this.#opened.resolve();
        else take(what, parts);
      }
      return await this.#child.status;
    } finally {
      this.#opened.resolve();
    }
  }

  /** Resolves when it works, or has ended. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Kills it. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Has it end of its own accord, and gives it a line to do so. */
  async end(line = ""): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${line}\n`));
    await writer.close();
    const { success, code } = await this.ended;
    if (!success) throw new Error(`a process of the soak ended with ${code}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended.catch(() => {});
    await this.#child.stdin.abort().catch(() => {});
  }
}
