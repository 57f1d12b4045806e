/** Processes that run single tests of switched sources; see `host.ts`. */
import { TextLineStream } from "@std/streams/text-line-stream";
import { type Answer, MARK, type Request } from "./protocol.ts";

/** A process that has not answered this long after the limit is busy forever. */
const BUSY_MS = 500;

/** A process that is replaced when it hangs, ends, or has run many mutants. */
export class Host {
  readonly #tree: string;
  readonly #count: number;
  #process: Process | undefined;

  /** A host of the sources in a directory, which hold a number of mutants. */
  constructor(tree: string, count: number) {
    this.#tree = tree;
    this.#count = count;
  }

  /** The number of answers that the process has given. */
  age = 0;
  /** The files of tests that it has loaded. */
  readonly files: Set<string> = new Set();

  /** Gives the answer; a failure if there is none in time, or the process ends. */
  async ask(request: Request): Promise<Answer> {
    this.#process ??= new Process(this.#tree, this.#count);
    const answer = await this.#process.ask(request);
    this.age++;
    this.files.add(request.path);
    if (typeof answer !== "string") return answer;
    await this.restart();
    return { names: [], failure: answer, ms: request.limitMs, hits: [] };
  }

  /** Ends the process; the next request begins another. */
  async restart(): Promise<void> {
    await this.#process?.end();
    this.#process = undefined;
    this.age = 0;
    this.files.clear();
  }
}

class Process {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<unknown>;

  constructor(tree: string, count: number) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "tests/mutants/host.ts", `${count}`],
      cwd: tree,
      env: { NO_COLOR: "1", SEED: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
  }

  /** Gives the answer, or why there is none. */
  async ask(request: Request): Promise<Answer | string> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#child.kill("SIGKILL");
    }, request.limitMs + BUSY_MS);
    try {
      const text = new TextEncoder().encode(`${JSON.stringify(request)}\n`);
      await this.#input.write(text);
      for (;;) {
        const { value } = await this.#lines.read();
        if (typeof value !== "string") break;
        if (value.startsWith(MARK)) return JSON.parse(value.slice(1));
      }
    } catch {
      // The process has ended.
    } finally {
      clearTimeout(timer);
    }
    return isLate ? "hangs" : "ends the process";
  }

  async end(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#input.abort().catch(() => {});
    await this.#lines.cancel().catch(() => {});
    await this.#child.status;
  }
}
