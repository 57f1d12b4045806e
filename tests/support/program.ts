import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { ROOT } from "./child.ts";

/** The result of running an example. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An example, run in a directory by the command that it gives in its first lines. */
export class Example {
  readonly #name: string;
  readonly #dir: string;

  constructor(name: string, dir: string) {
    this.#name = name;
    this.#dir = dir;
  }

  /**
   * Starts it.
   *
   * @param args What stands behind the name of the file in that command.
   * @param which Which of its commands gives the permissions.
   * @param env What its environment has beside that of the test.
   */
  start(
    args: readonly string[],
    which = 0,
    env: Readonly<Record<string, string>> = {},
  ): Program {
    const file = join(ROOT, "examples", this.#name);
    const command = Deno.readTextFileSync(file).split("\n")[which]!;
    const [flags] =
      new RegExp(`(?<=^// deno run )(--allow-\\S+ )+(?=examples/${this.#name})`)
        .exec(command) ?? [];
    if (flags === undefined) throw new Error(`no command: ${command}`);
    const config = ["--no-prompt", "--config", join(ROOT, "deno.json")];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...config, ...flags.trim().split(" "), file, ...args],
      cwd: this.#dir,
      env: { NO_COLOR: "1", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new Program(child);
  }

  /** Runs it to its end, with this as its input. */
  async run(
    args: readonly string[],
    { input = "", which = 0 }: { input?: string; which?: number } = {},
  ): Promise<Ended> {
    const program = this.start(args, which);
    await program.write(input);
    return await program.end();
  }
}

/** An example that runs. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#stderr = new Response(child.stderr).text().then((text) =>
      text.trim()
    );
    const lines: ReadableStream<string> = child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    this.#lines = lines.getReader();
  }

  /** Gives it input. One that has ended reads none. */
  async write(text: string): Promise<void> {
    if (text === "") return;
    await this.#input.write(new TextEncoder().encode(text)).catch(() => {});
  }

  /** The next line that it prints; `undefined` where it ends instead. */
  async lineOrEnd(): Promise<string | undefined> {
    return (await this.#lines.read()).value;
  }

  /** The next line that it prints; fails where it ends instead. */
  async line(): Promise<string> {
    const line = await this.lineOrEnd();
    if (line !== undefined) return line;
    throw new Error(`it has ended: ${await this.#stderr}`);
  }

  /** The next line that it prints and that holds this. */
  async lineWith(part: string): Promise<string> {
    for (;;) {
      const line = await this.line();
      if (line.includes(part)) return line;
    }
  }

  /** Ends its input, and waits until it has ended by itself. */
  async end(): Promise<Ended> {
    await this.#input.close().catch(() => {});
    const lines: string[] = [];
    for (;;) {
      const line = await this.lineOrEnd();
      if (line === undefined) break;
      lines.push(line);
    }
    const { code } = await this.#child.status;
    return { code, stdout: lines.join("\n"), stderr: await this.#stderr };
  }

  /** Asks it to end, and waits for that. */
  async stop(): Promise<Ended> {
    this.#child.kill("SIGTERM");
    return await this.end();
  }

  /** Kills it, if it still runs. Gives the lines that it had printed and nobody has read. */
  async kill(): Promise<string[]> {
    this.#kill();
    const { stdout, stderr } = await this.end();
    assertEquals(stderr, "");
    return stdout === "" ? [] : stdout.split("\n");
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.end();
  }
}
