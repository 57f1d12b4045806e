import { fromFileUrl } from "@std/path";

/** The project. */
export const ROOT: string = fromFileUrl(new URL("../../", import.meta.url));

/** The result of a process. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a process is run. */
export interface RunOptions {
  /** Where. @default {the project} */
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input. @default {nothing} */
  readonly input?: string;
  /** How long it may take. @default {120_000} */
  readonly timeoutMs?: number;
}

/** On Windows these are scripts, which only a shell runs. */
const SCRIPTS = ["npm", "npx"];

/** A command as the system starts it. */
function started(command: readonly string[]): [string, string[]] {
  const isScript = Deno.build.os === "windows" && SCRIPTS.includes(command[0]!);
  const [program, ...args] = isScript
    ? ["cmd", "/d", "/c", ...command]
    : command;
  return [program!, args];
}

/** Runs a program to its end. */
export async function run(
  command: readonly string[],
  { cwd = ROOT, env = {}, input, timeoutMs = 120_000 }: RunOptions = {},
): Promise<Output> {
  const [program, args] = started(command);
  try {
    const child = new Deno.Command(program, {
      args,
      cwd,
      env: { NO_COLOR: "1", ...env },
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(timeoutMs),
    }).spawn();
    if (input !== undefined) {
      await new Response(input).body!.pipeTo(child.stdin).catch(() => {});
    }
    const { code, stdout, stderr } = await child.output();
    return { code, stdout: text(stdout), stderr: text(stderr) };
  } catch (error) {
    return { code: -1, stdout: "", stderr: String(error) };
  }
}

/** Runs a program to its end, which must be a success. */
export async function succeed(
  command: readonly string[],
  options?: RunOptions,
): Promise<Output> {
  const output = await run(command, options);
  if (output.code === 0) return output;
  const { code, stdout, stderr } = output;
  throw new Error(`${command.join(" ")}: exit ${code}\n${stdout}\n${stderr}`);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trim();
}

/** A process that runs until it is killed, and what it says meanwhile. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** Starts a program. */
  constructor(
    [program, ...args]: readonly string[],
    { cwd = ROOT, env = {}, input }: RunOptions = {},
  ) {
    this.#child = new Deno.Command(program!, {
      args,
      cwd,
      env: { NO_COLOR: "1", ...env },
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = linesOf(this.#child.stdout);
    if (input !== undefined) void this.#write(input);
  }

  /** The writer is not closed, so that the reader waits for more. */
  async #write(input: string): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    writer.releaseLock();
  }

  /** The next line, `undefined` at the end. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : value;
  }

  /** Kills it, as the power does. Gives the lines that nobody has taken. */
  async kill(): Promise<string[]> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    const rest: string[] = [];
    for (
      let line = await this.line();
      line !== undefined;
      line = await this.line()
    ) rest.push(line);
    await this.#child.status;
    return rest;
  }

  /** Kills it, if it is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
  }
}

/** Whole lines only: one that was cut off by a kill was not said. */
async function* linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
