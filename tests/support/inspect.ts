import { TextLineStream } from "@std/streams/text-line-stream";
import { openCounter } from "./counter.ts";
import type { TestDirectory } from "./dir.ts";
import { miniCommand } from "./mini.ts";

/** The answer to a request. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A `mini inspect` that runs until it is disposed of. */
export class Inspector implements AsyncDisposable {
  readonly url: URL;
  readonly #child: Deno.ChildProcess;
  readonly #rest: ReadableStreamDefaultReader<string>;

  private constructor(
    url: URL,
    child: Deno.ChildProcess,
    rest: ReadableStreamDefaultReader<string>,
  ) {
    this.url = url;
    this.#child = child;
    this.#rest = rest;
  }

  /** Starts one that may read `path` and what `reads` names, listen on loopback, and nothing else but what `flags` say. */
  static async start(
    path: string,
    args: readonly string[] = [],
    reads: readonly string[] = [],
    flags: readonly string[] = [],
  ): Promise<Inspector> {
    const command = miniCommand(["inspect", path, "--json", ...args], [
      `--allow-read=${[path, ...reads].join()}`,
      "--allow-net=127.0.0.1",
      ...flags,
    ]);
    const child = new Deno.Command(Deno.execPath(), {
      args: command,
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const lines: ReadableStream<string> = child.stdout
      .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    const reader = lines.getReader();
    const { value } = await reader.read();
    if (value === undefined) throw new Error("mini inspect has not started");
    const { url } = JSON.parse(value);
    return new Inspector(new URL(url), child, reader);
  }

  /** Asks for what stands below the token, or for another path. */
  async ask(path: string, init?: RequestInit): Promise<Answer> {
    const response = await fetch(new URL(path, this.url), init);
    const { status, headers } = response;
    return { status, headers, text: await response.text() };
  }

  /** Asks for something of the journal. */
  async get(
    name: string,
    query: Readonly<Record<string, string | number>> = {},
    // deno-lint-ignore no-explicit-any -- whatever it is answered with
  ): Promise<any> {
    const pairs = Object.entries(query).map((
      [key, value],
    ) => [key, `${value}`]);
    const { text } = await this.ask(
      `api/${name}?${new URLSearchParams(pairs)}`,
    );
    return JSON.parse(text);
  }

  /** Says what the page says of itself until it holds. */
  async until(
    // deno-lint-ignore no-explicit-any -- whatever it is answered with
    holds: (overview: any) => boolean,
    // deno-lint-ignore no-explicit-any -- as above
  ): Promise<any> {
    for (;;) {
      const overview = await this.get("overview");
      if (holds(overview)) return overview;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Gives the events as they happen, until the caller has seen enough. */
  async *live(): AsyncGenerator<
    { last?: number; count: number; recent: { seq: number; text: string }[] },
    void,
    undefined
  > {
    const response = await fetch(new URL("api/live", this.url));
    const lines: ReadableStream<string> = response.body!
      .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) {
      if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#rest.cancel();
  }
}

/** Every file in a folder, by name, with a digest of its bytes and when it was last changed. */
export async function fingerprints(
  dir: string,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name } of Deno.readDir(dir)) {
    const path = `${dir}/${name}`;
    const bytes = await Deno.readFile(path);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const { mtime, mode } = await Deno.stat(path);
    found[name] = `${digest} ${mtime?.getTime()} ${mode}`;
  }
  return found;
}

/** The options of the counter, as a module of its own. */
const PROGRAM = `
export const initial = () => ({ value: 0, log: [] });
export function apply(state, { by, note, fail }) {
  state.value += by;
  if (note !== undefined) state.log.push(note);
  if (fail) throw new Error("cannot add");
}`;

/** A counter of some segments, with a snapshot at 20 and an aborted mutation at 27. */
export async function makeCounter(dir: string): Promise<void> {
  await using counter = await openCounter(dir, { maxSegmentBytes: 1_000 });
  for (let at = 1; at <= 40; at++) {
    const added = counter.apply({
      by: at,
      ...(at % 5 === 0 && { note: `note ${at}` }),
      ...(at === 27 && { fail: true }),
    });
    await added.catch(() => {});
    if (at === 20) await counter.createSnapshot();
  }
}

/** Puts the options of the counter into a file. */
export async function programIn(directory: TestDirectory): Promise<string> {
  const path = directory.at("program.ts");
  await Deno.writeTextFile(path, PROGRAM);
  return path;
}
